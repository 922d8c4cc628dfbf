/* SPDX-License-Identifier: MIT */
#include "size_table.h"

#include "clock.h"
#include "pixel_format.h"
#include "summary.h"

#include <string.h>

void size_table_init(struct size_table *table)
{
	memset(table, 0, sizeof(*table));
}

void size_table_finish(struct size_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		samples_finish(&table->rows[i].copy_ns);
	}
	memset(table, 0, sizeof(*table));
}

static struct size_row *find_row(struct size_table *table, const struct frame_info *info)
{
	struct size_row *row;

	for (unsigned i = 0; i < table->count; i++) {
		if (frame_info_equal(&table->rows[i].info, info)) {
			return &table->rows[i];
		}
	}
	if (table->count == SIZE_TABLE_ROWS) {
		return NULL;
	}
	row = &table->rows[table->count++];
	row->info = *info;
	samples_init(&row->copy_ns);
	return row;
}

static bool is_current(const struct size_table *table, const struct frame_info *info)
{
	return table->frames && frame_info_equal(&table->current_info, info);
}

bool size_table_add(
        struct size_table *table, const struct frame_info *info, uint64_t done_ns, uint64_t copy_ns)
{
	bool warmup;

	if (is_current(table, info)) {
		uint64_t interval_ns = clock_elapsed_ns(table->last_ns, done_ns);

		if (table->current) {
			table->current->active_ns += interval_ns;
			table->current->timed_frames++;
		}
		table->active_ns += interval_ns;
		table->timed_frames++;
		table->timed_bytes += frame_info_bytes(info);
	} else {
		/* The time of its first frame began before we looked: it is no interval. */
		table->current = find_row(table, info);
		table->current_info = *info;
		table->in_row = 0;
	}
	table->last_ns = done_ns;
	table->frames++;
	table->bytes += frame_info_bytes(info);
	warmup = table->in_row++ < WARMUP_FRAMES;
	table->warmup_frames += warmup;
	if (table->current) {
		table->current->frames++;
		table->current->bytes += frame_info_bytes(info);
		if (!warmup) {
			/* Without memory the percentiles are of fewer samples, and say so. */
			(void)samples_add(&table->current->copy_ns, copy_ns);
		}
	}
	return warmup;
}

static json_t *per_second(uint64_t amount, uint64_t active_ns)
{
	return active_ns ? json_real((double)amount * (double)NS_PER_S / (double)active_ns)
	                 : json_null();
}

static void set_rates(
        json_t *object, uint64_t timed_frames, uint64_t timed_bytes, uint64_t active_ns)
{
	json_object_set_new(object, "frames_per_second", per_second(timed_frames, active_ns));
	json_object_set_new(object, "bytes_per_second", per_second(timed_bytes, active_ns));
}

json_t *size_table_throughput(const struct size_table *table)
{
	json_t *object = json_object();

	set_rates(object, table->timed_frames, table->timed_bytes, table->active_ns);
	return object;
}

json_t *size_table_rows(struct size_table *table)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < table->count; i++) {
		struct size_row *row = &table->rows[i];
		const struct pixel_format *format = pixel_format_by_fourcc(row->info.fourcc);
		json_t *object = json_object();

		json_object_set_new(object, "width", json_integer(row->info.width));
		json_object_set_new(object, "height", json_integer(row->info.height));
		json_object_set_new(object, "format", json_string(format ? format->name : "?"));
		json_object_set_new(object, "payload_bytes",
		        json_integer((json_int_t)frame_info_bytes(&row->info)));
		json_object_set_new(object, "frames", json_integer((json_int_t)row->frames));
		json_object_set_new(object, "bytes", json_integer((json_int_t)row->bytes));
		set_rates(object, row->timed_frames,
		        row->timed_frames * frame_info_bytes(&row->info), row->active_ns);
		json_object_set_new(object, "copy_ns", summary_percentiles(&row->copy_ns));
		json_array_append_new(rows, object);
	}
	return rows;
}
