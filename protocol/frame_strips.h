/* SPDX-License-Identifier: MIT */
/*
 * A frame is digested in strips of rows, so that a change is digested alone and a fault is located.
 */
#ifndef ORIEL_FRAME_STRIPS_H
#define ORIEL_FRAME_STRIPS_H

#include "frame.h"

#include <stdint.h>

struct frame_strips {
	uint32_t rows; /* of each, the last may have fewer */
	uint32_t count;
};

/* One of them. */
struct frame_strip {
	uint32_t first_row;
	uint32_t rows;
	uint64_t offset; /* bytes from the frame's first */
	uint64_t bytes;
};

static inline struct frame_strip frame_strip_at(
        struct frame_strips strips, const struct frame_info *info, uint32_t i)
{
	uint32_t first = i * strips.rows;
	uint32_t rows = info->height - first < strips.rows ? info->height - first : strips.rows;

	return (struct frame_strip) { first, rows, (uint64_t)first * info->stride,
		(uint64_t)rows * info->stride };
}

#endif
