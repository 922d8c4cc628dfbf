/* SPDX-License-Identifier: MIT */
#include "viewer_record.h"

#include "clock.h"
#include "log.h"
#include "pixel_format.h"
#include "run_summary.h"
#include "summary.h"
#include "viewer_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum column {
	COLUMN_SEQUENCE,
	COLUMN_EPOCH,
	COLUMN_RESULT,
	COLUMN_WIDTH,
	COLUMN_HEIGHT,
	COLUMN_FORMAT,
	COLUMN_PAYLOAD_BYTES,
	COLUMN_DIGEST,
	COLUMN_WARMUP,
	COLUMN_SKIPPED,
	COLUMN_SEEN_NS,
	COLUMN_VERIFIED_NS,
	COLUMN_PRESENTED_NS,
	COLUMN_VERIFY_NS,
	COLUMN_PRESENT_NS,
	COLUMN_INTERVAL_NS,
	COLUMN_NOTIFY_NS,
	COLUMN_NOTIFY_BOUND_NS,
	COLUMN_FRAME_LATENCY_NS,
	COLUMN_DUE_LATENCY_NS,
	COLUMNS
};

static const struct csv_column columns[COLUMNS] = {
	[COLUMN_SEQUENCE] = { "sequence", CSV_COUNT },
	[COLUMN_EPOCH] = { "epoch", CSV_HEX },
	[COLUMN_RESULT] = { "result", CSV_TEXT },
	[COLUMN_WIDTH] = { "width_px", CSV_COUNT },
	[COLUMN_HEIGHT] = { "height_px", CSV_COUNT },
	[COLUMN_FORMAT] = { "format", CSV_TEXT },
	[COLUMN_PAYLOAD_BYTES] = { "payload_bytes", CSV_COUNT },
	[COLUMN_DIGEST] = { "digest", CSV_TEXT },
	[COLUMN_WARMUP] = { "warmup", CSV_COUNT },
	[COLUMN_SKIPPED] = { "skipped_before", CSV_COUNT },
	[COLUMN_SEEN_NS] = { "seen_ns", CSV_COUNT },
	[COLUMN_VERIFIED_NS] = { "verified_ns", CSV_COUNT },
	[COLUMN_PRESENTED_NS] = { "presented_ns", CSV_COUNT },
	[COLUMN_VERIFY_NS] = { "verify_ns", CSV_COUNT },
	[COLUMN_PRESENT_NS] = { "present_ns", CSV_COUNT },
	[COLUMN_INTERVAL_NS] = { "interval_ns", CSV_COUNT },
	/* Across two clocks: NA where their offset is not known. */
	[COLUMN_NOTIFY_NS] = { "notify_ns", CSV_COUNT },
	[COLUMN_NOTIFY_BOUND_NS] = { "notify_bound_ns", CSV_COUNT },
	[COLUMN_FRAME_LATENCY_NS] = { "frame_latency_ns", CSV_COUNT },
	[COLUMN_DUE_LATENCY_NS] = { "due_latency_ns", CSV_COUNT },
};

int viewer_record_open(struct viewer_record *record, const char *csv_path, struct complaint *why)
{
	memset(record, 0, sizeof(*record));
	size_table_init(&record->sizes);
	samples_init(&record->verify_ns);
	samples_init(&record->present_ns);
	samples_init(&record->interval_ns);
	samples_init(&record->notify_ns);
	samples_init(&record->frame_latency_ns);
	samples_init(&record->due_latency_ns);
	record->clock_bound_ns = CSV_NA;
	return csv_output_open(&record->csv, csv_path, columns, COLUMNS, why);
}

static const char *result_name(enum reader_result result)
{
	switch (result) {
	case READER_FRAME:
		return "verified";
	case READER_TORN:
		return "torn";
	case READER_STALE:
		return "stale";
	default:
		return "bad";
	}
}

static uint64_t difference(uint64_t earlier_ns, uint64_t later_ns)
{
	return earlier_ns && later_ns ? clock_elapsed_ns(earlier_ns, later_ns) : CSV_NA;
}

struct row_facts {
	enum reader_result result;
	enum digest_algorithm digest;
	bool warmup;
	uint64_t skipped;
	uint64_t interval_ns;
};

static void write_row(struct viewer_record *record, const struct frame *frame,
        const struct row_facts *facts, const struct viewer_times *times)
{
	const struct pixel_format *format = pixel_format_by_fourcc(frame->info.fourcc);
	const uint64_t row[COLUMNS] = {
		[COLUMN_SEQUENCE] = frame->sequence,
		[COLUMN_EPOCH] = frame->epoch,
		[COLUMN_RESULT] = (uintptr_t)result_name(facts->result),
		[COLUMN_WIDTH] = csv_or_na(frame->info.width),
		[COLUMN_HEIGHT] = csv_or_na(frame->info.height),
		[COLUMN_FORMAT] = (uintptr_t)(format ? format->name : NULL),
		[COLUMN_PAYLOAD_BYTES] = csv_or_na(frame_info_bytes(&frame->info)),
		[COLUMN_DIGEST] =
		        (uintptr_t)(frame->info.width ? digest_name(facts->digest) : NULL),
		[COLUMN_WARMUP] = facts->warmup,
		[COLUMN_SKIPPED] = facts->skipped,
		[COLUMN_SEEN_NS] = times->seen_ns,
		[COLUMN_VERIFIED_NS] = csv_or_na(times->verified_ns),
		[COLUMN_PRESENTED_NS] = csv_or_na(times->presented_ns),
		[COLUMN_VERIFY_NS] = difference(times->seen_ns, times->verified_ns),
		[COLUMN_PRESENT_NS] = difference(times->verified_ns, times->presented_ns),
		[COLUMN_INTERVAL_NS] = facts->interval_ns,
		[COLUMN_NOTIFY_NS] = times->latency.notify,
		[COLUMN_NOTIFY_BOUND_NS] = times->latency.notify_bound,
		[COLUMN_FRAME_LATENCY_NS] = times->latency.frame,
		[COLUMN_DUE_LATENCY_NS] = times->latency.due,
	};

	csv_row(record->csv.csv, row);
}

static void add_known(struct samples *samples, uint64_t value_ns)
{
	if (value_ns != CSV_NA) {
		samples_add(samples, value_ns);
	}
}

static void keep_latency(struct viewer_record *record, const struct latency *latency)
{
	uint64_t bound_ns = latency->notify_bound;

	add_known(&record->notify_ns, latency->notify);
	add_known(&record->frame_latency_ns, latency->frame);
	add_known(&record->due_latency_ns, latency->due);
	if (bound_ns != CSV_NA &&
	        (record->clock_bound_ns == CSV_NA || record->clock_bound_ns < bound_ns)) {
		record->clock_bound_ns = bound_ns;
	}
}

static void keep_samples(
        struct viewer_record *record, const struct viewer_times *times, uint64_t interval_ns)
{
	samples_add(&record->verify_ns, difference(times->seen_ns, times->verified_ns));
	if (times->presented_ns) {
		samples_add(
		        &record->present_ns, difference(times->verified_ns, times->presented_ns));
	}
	add_known(&record->interval_ns, interval_ns);
	keep_latency(record, &times->latency);
}

void viewer_record_frame(struct viewer_record *record, const struct frame *frame,
        enum reader_result result, enum digest_algorithm digest, const struct viewer_times *times)
{
	struct row_facts facts = { .result = result, .digest = digest, .interval_ns = CSV_NA };

	if (frame->epoch != record->last_epoch) {
		record->last_epoch = frame->epoch;
		record->last_sequence = 0;
	}
	facts.skipped = frame->sequence - record->last_sequence - 1;
	record->last_sequence = frame->sequence;
	if (result == READER_FRAME) {
		record->digest = digest_name(digest);
		facts.interval_ns = difference(record->last_verified_ns, times->verified_ns);
		record->last_verified_ns = times->verified_ns;
		facts.warmup = size_table_add(&record->sizes, &frame->info, times->verified_ns,
		        clock_elapsed_ns(times->seen_ns, times->verified_ns));
		if (!facts.warmup) {
			keep_samples(record, times, facts.interval_ns);
		}
	}
	if (record->csv.csv) {
		write_row(record, frame, &facts, times);
	}
}

int viewer_record_close(struct viewer_record *record)
{
	return csv_output_close(&record->csv);
}

static json_t *counts_of(const struct viewer_record *record, const struct link *link)
{
	const struct ring_reader_counts counts = link_counts(link);
	uint64_t in_ring = link_in_ring(link);

	return json_pack("{sI sI sI sI sI sI sI sI sI sI sb}", "published",
	        (json_int_t)(link_counted(link) + in_ring), "verified", (json_int_t)counts.verified,
	        "skipped", (json_int_t)counts.skipped, "skipped_before_first",
	        (json_int_t)counts.before_first, "torn", (json_int_t)counts.torn, "stale",
	        (json_int_t)counts.stale, "bad", (json_int_t)counts.bad, "in_ring",
	        (json_int_t)in_ring, "sessions", (json_int_t)link->sessions, "warmup_frames",
	        (json_int_t)record->sizes.warmup_frames, "reconcile", link_counts_reconcile(link));
}

/* null for what was never known */
static json_t *known_percentiles(struct samples *samples)
{
	return samples->count ? summary_percentiles(samples) : json_null();
}

static json_t *latencies_of(struct viewer_record *record)
{
	json_t *latency = json_object();

	json_object_set_new(latency, "verify", summary_percentiles(&record->verify_ns));
	json_object_set_new(latency, "present", summary_percentiles(&record->present_ns));
	json_object_set_new(latency, "interval", summary_percentiles(&record->interval_ns));
	json_object_set_new(latency, "notify", known_percentiles(&record->notify_ns));
	json_object_set_new(latency, "frame", known_percentiles(&record->frame_latency_ns));
	json_object_set_new(latency, "due", known_percentiles(&record->due_latency_ns));
	return latency;
}

json_t *viewer_record_summary(struct viewer_record *record, const struct viewer_options *options,
        const struct link *link, const struct copier *copier, const struct wakeup *wakeup)
{
	json_t *summary = run_summary_begin(
	        "host-viewer", options->argument_count, options->arguments, &link->region, copier);

	json_object_set_new(summary, "mode", json_string(options->mode_name));
	json_object_set_new(
	        summary, "digest", record->digest ? json_string(record->digest) : json_null());
	json_object_set_new(summary, "clock_bound_ns",
	        record->clock_bound_ns == CSV_NA
	                ? json_null()
	                : json_integer((json_int_t)record->clock_bound_ns));
	json_object_set_new(summary, "counts", counts_of(record, link));
	json_object_set_new(summary, "throughput", size_table_throughput(&record->sizes));
	json_object_set_new(summary, "latency_ns", latencies_of(record));
	json_object_set_new(summary, "sizes", size_table_rows(&record->sizes));
	json_object_set_new(summary, "wakeup",
	        wakeup_summary(wakeup, link->region.doorbell, link->why_deaf.text));
	return summary;
}

static void print_rate(const char *unit, double scale, const json_t *value)
{
	if (json_is_real(value)) {
		printf("  %.2f %s", json_real_value(value) / scale, unit);
	} else {
		printf("  NA %s", unit);
	}
}

static void print_size(const json_t *row)
{
	const json_t *p50 = json_object_get(json_object_get(row, "copy_ns"), "p50");

	printf("%5lldx%-5lld %-11s %8lld frames",
	        (long long)json_integer_value(json_object_get(row, "width")),
	        (long long)json_integer_value(json_object_get(row, "height")),
	        json_string_value(json_object_get(row, "format")),
	        (long long)json_integer_value(json_object_get(row, "frames")));
	print_rate("fps", 1, json_object_get(row, "frames_per_second"));
	print_rate("GB/s", 1e9, json_object_get(row, "bytes_per_second"));
	if (json_is_integer(p50)) {
		printf("  verify p50 %.2f ms\n", (double)json_integer_value(p50) / 1e6);
	} else {
		printf("  verify p50 NA\n");
	}
}

void viewer_record_print(struct viewer_record *record, const struct link *link)
{
	const struct ring_reader_counts counts = link_counts(link);
	json_t *rows = size_table_rows(&record->sizes);
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		print_size(row);
	}
	json_decref(rows);
	printf("%" PRIu64 " published: %" PRIu64 " verified, %" PRIu64 " skipped, %" PRIu64
	       " torn, %" PRIu64 " stale, %" PRIu64 " bad, %" PRIu64 " still in the ring: %s\n",
	        link_counted(link) + link_in_ring(link), counts.verified, counts.skipped,
	        counts.torn, counts.stale, counts.bad, link_in_ring(link),
	        link_counts_reconcile(link) ? "the counts reconcile"
	                                    : "THE COUNTS DO NOT RECONCILE");
	fflush(stdout);
}

void viewer_record_finish(struct viewer_record *record)
{
	(void)viewer_record_close(record);
	size_table_finish(&record->sizes);
	samples_finish(&record->verify_ns);
	samples_finish(&record->present_ns);
	samples_finish(&record->interval_ns);
	samples_finish(&record->notify_ns);
	samples_finish(&record->frame_latency_ns);
	samples_finish(&record->due_latency_ns);
}
