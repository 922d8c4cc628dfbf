/* SPDX-License-Identifier: MIT */
/*
 * How many frames and bytes went by at each geometry, and in how much time: the rows of a stress
 * run that steps through several sizes.
 */
#ifndef ORIEL_SIZE_TABLE_H
#define ORIEL_SIZE_TABLE_H

#include "frame.h"
#include "samples.h"

#include <jansson.h>
#include <stdint.h>

#define SIZE_TABLE_ROWS 64u /* geometries told apart; more are counted in the totals only */
#define WARMUP_FRAMES   4u  /* of each new geometry: pages and caches are cold; named, left out */

struct size_row {
	struct frame_info info;
	uint64_t frames;
	uint64_t bytes;
	uint64_t timed_frames;  /* those that ended an interval: all but the first after a change */
	uint64_t active_ns;     /* from frame to frame, without the gaps while other sizes ran */
	struct samples copy_ns; /* copy (producer) or copy and verify (consumer) */
};

struct size_table {
	struct size_row rows[SIZE_TABLE_ROWS];
	unsigned count;
	struct size_row *current; /* NULL: this geometry found no row */
	struct frame_info current_info;
	uint64_t last_ns;
	uint64_t in_row; /* frames since the geometry last changed */
	uint64_t warmup_frames;
	/* all sizes together */
	uint64_t frames;
	uint64_t bytes;
	uint64_t timed_frames;
	uint64_t timed_bytes;
	uint64_t active_ns;
};

void size_table_init(struct size_table *table);
void size_table_finish(struct size_table *table);

/*
 * Counts one frame that was done at done_ns and took copy_ns.
 * returns: true while it is one of the first WARMUP_FRAMES of its geometry
 */
bool size_table_add(struct size_table *table, const struct frame_info *info, uint64_t done_ns,
        uint64_t copy_ns);

/* {frames_per_second, bytes_per_second}, null below two frames. New reference. */
json_t *size_table_throughput(const struct size_table *table);

/* [{width, height, format, payload_bytes, frames, bytes, frames_per_second, bytes_per_second,
 * copy_ns}]. New. */
json_t *size_table_rows(struct size_table *table);

#endif
