/* SPDX-License-Identifier: MIT */
#include "capture_record.h"

#include "capture_options.h"
#include "clock.h"
#include "log.h"
#include "pixel_format.h"
#include "ring_writer.h"
#include "run_summary.h"
#include "summary.h"

#include <errno.h>
#include <string.h>

enum column {
	COLUMN_SEQUENCE,
	COLUMN_EPOCH,
	COLUMN_WIDTH,
	COLUMN_HEIGHT,
	COLUMN_FORMAT,
	COLUMN_PAYLOAD_BYTES,
	COLUMN_DIGEST,
	COLUMN_WARMUP,
	COLUMN_DUE_NS,
	COLUMN_CAPTURED_NS,
	COLUMN_FILLED_NS,
	COLUMN_CLAIMED_NS,
	COLUMN_PUBLISHED_NS,
	COLUMN_FILL_NS,
	COLUMN_WAIT_NS,
	COLUMN_COPY_NS,
	COLUMN_PUBLISH_NS,
	COLUMNS
};

static const struct csv_column columns[COLUMNS] = {
	[COLUMN_SEQUENCE] = { "sequence", CSV_COUNT },
	[COLUMN_EPOCH] = { "epoch", CSV_HEX },
	[COLUMN_WIDTH] = { "width_px", CSV_COUNT },
	[COLUMN_HEIGHT] = { "height_px", CSV_COUNT },
	[COLUMN_FORMAT] = { "format", CSV_TEXT },
	[COLUMN_PAYLOAD_BYTES] = { "payload_bytes", CSV_COUNT },
	[COLUMN_DIGEST] = { "digest", CSV_TEXT },
	[COLUMN_WARMUP] = { "warmup", CSV_COUNT },
	[COLUMN_DUE_NS] = { "due_ns", CSV_COUNT },
	[COLUMN_CAPTURED_NS] = { "captured_ns", CSV_COUNT },
	[COLUMN_FILLED_NS] = { "filled_ns", CSV_COUNT },
	[COLUMN_CLAIMED_NS] = { "claimed_ns", CSV_COUNT },
	[COLUMN_PUBLISHED_NS] = { "published_ns", CSV_COUNT },
	[COLUMN_FILL_NS] = { "fill_ns", CSV_COUNT },
	[COLUMN_WAIT_NS] = { "wait_ns", CSV_COUNT },
	[COLUMN_COPY_NS] = { "copy_ns", CSV_COUNT },
	[COLUMN_PUBLISH_NS] = { "publish_ns", CSV_COUNT },
};

int capture_record_open(struct capture_record *record, const char *csv_path, struct complaint *why)
{
	memset(record, 0, sizeof(*record));
	size_table_init(&record->sizes);
	samples_init(&record->fill_ns);
	samples_init(&record->wait_ns);
	samples_init(&record->copy_ns);
	samples_init(&record->publish_ns);
	return csv_output_open(&record->csv, csv_path, columns, COLUMNS, why);
}

static void write_row(struct capture_record *record, const struct frame *frame,
        const struct pixel_format *format, enum digest_algorithm digest, bool warmup,
        uint64_t publish_ns)
{
	const struct frame_times *times = &frame->times;
	const uint64_t row[COLUMNS] = {
		[COLUMN_SEQUENCE] = frame->sequence,
		[COLUMN_EPOCH] = frame->epoch,
		[COLUMN_WIDTH] = frame->info.width,
		[COLUMN_HEIGHT] = frame->info.height,
		[COLUMN_FORMAT] = (uintptr_t)(format ? format->name : NULL),
		[COLUMN_PAYLOAD_BYTES] = frame_info_bytes(&frame->info),
		[COLUMN_DIGEST] = (uintptr_t)digest_name(digest),
		[COLUMN_WARMUP] = warmup,
		[COLUMN_DUE_NS] = csv_or_na(times->due_ns),
		[COLUMN_CAPTURED_NS] = csv_or_na(times->captured_ns),
		[COLUMN_FILLED_NS] = csv_or_na(times->filled_ns),
		[COLUMN_CLAIMED_NS] = times->claimed_ns,
		[COLUMN_PUBLISHED_NS] = times->published_ns,
		[COLUMN_FILL_NS] = clock_elapsed_ns(times->captured_ns, times->filled_ns),
		[COLUMN_WAIT_NS] = clock_elapsed_ns(times->filled_ns, times->claimed_ns),
		[COLUMN_COPY_NS] = clock_elapsed_ns(times->claimed_ns, times->published_ns),
		[COLUMN_PUBLISH_NS] = publish_ns,
	};

	csv_row(record->csv.csv, row);
}

void capture_record_frame(struct capture_record *record, const struct frame *frame,
        uint64_t done_ns, enum digest_algorithm digest)
{
	const struct frame_times *times = &frame->times;
	uint64_t copy_ns = clock_elapsed_ns(times->claimed_ns, times->published_ns);
	uint64_t publish_ns = clock_elapsed_ns(times->published_ns, done_ns);
	bool warmup = size_table_add(&record->sizes, &frame->info, done_ns, copy_ns);

	if (!warmup) {
		samples_add(
		        &record->fill_ns, clock_elapsed_ns(times->captured_ns, times->filled_ns));
		samples_add(
		        &record->wait_ns, clock_elapsed_ns(times->filled_ns, times->claimed_ns));
		samples_add(&record->copy_ns, copy_ns);
		samples_add(&record->publish_ns, publish_ns);
	}
	if (record->csv.csv) {
		write_row(record, frame, pixel_format_by_fourcc(frame->info.fourcc), digest, warmup,
		        publish_ns);
	}
}

int capture_record_close(struct capture_record *record)
{
	return csv_output_close(&record->csv);
}

static json_t *counts_of(const struct capture_record *record, const struct ring_writer *writer)
{
	const struct ring_writer_counts *counts = &writer->counts;

	return json_pack("{sI sI sI sI sI sI sI sI sI sI sI}", "published",
	        (json_int_t)counts->published, "not_published", (json_int_t)writer->not_published,
	        "waited_for_space", (json_int_t)record->counts.waited_for_space, "back_offs",
	        (json_int_t)counts->back_offs, "overruns", (json_int_t)counts->overruns,
	        "revocations", (json_int_t)writer->watch.revocations, "ignored_hints",
	        (json_int_t)writer->watch.ignored_hints, "uncertain",
	        (json_int_t)record->counts.uncertain, "looks", (json_int_t)record->counts.looks,
	        "vblanks", (json_int_t)record->counts.vblanks, "warmup_frames",
	        (json_int_t)record->sizes.warmup_frames);
}

/* Of its channel; null where there is none. */
static json_t *pointer_of(const struct ring_writer *writer)
{
	const struct pointer_writer *pointer = &writer->pointer;

	return pointer->area
	               ? json_pack("{sI sI sI}", "shape_capacity",
	                         (json_int_t)pointer->shape_capacity, "moves",
	                         (json_int_t)pointer->moves, "shapes", (json_int_t)pointer->shapes)
	               : json_null();
}

static json_t *latency_of(struct capture_record *record)
{
	json_t *latency = json_object();

	json_object_set_new(latency, "fill", summary_percentiles(&record->fill_ns));
	json_object_set_new(latency, "wait", summary_percentiles(&record->wait_ns));
	json_object_set_new(latency, "copy", summary_percentiles(&record->copy_ns));
	json_object_set_new(latency, "publish", summary_percentiles(&record->publish_ns));
	return latency;
}

json_t *capture_record_summary(struct capture_record *record, const struct capture_options *options,
        const struct ring_writer *writer, const struct region *region, const struct copier *copier)
{
	json_t *summary = run_summary_begin(
	        "guest-capture", options->argument_count, options->arguments, region, copier);

	json_object_set_new(
	        summary, "mode", json_string(options->lossless ? "lossless" : "latest"));
	json_object_set_new(summary, "digest", json_string(digest_name(copier->algorithm)));
	json_object_set_new(summary, "slots", json_integer(writer->geometry.slot_count));
	json_object_set_new(
	        summary, "epoch", json_sprintf("%016llx", (unsigned long long)writer->epoch));
	json_object_set_new(summary, "counts", counts_of(record, writer));
	json_object_set_new(summary, "pointer", pointer_of(writer));
	json_object_set_new(summary, "throughput", size_table_throughput(&record->sizes));
	json_object_set_new(summary, "latency_ns", latency_of(record));
	json_object_set_new(summary, "sizes", size_table_rows(&record->sizes));
	return summary;
}

void capture_record_finish(struct capture_record *record)
{
	(void)capture_record_close(record);
	size_table_finish(&record->sizes);
	samples_finish(&record->fill_ns);
	samples_finish(&record->wait_ns);
	samples_finish(&record->copy_ns);
	samples_finish(&record->publish_ns);
}
