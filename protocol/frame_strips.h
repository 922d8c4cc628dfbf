/* SPDX-License-Identifier: MIT */
/*
 * A frame is digested in strips of rows, so that a change is digested alone and a fault is located.
 */
#ifndef ORIEL_FRAME_STRIPS_H
#define ORIEL_FRAME_STRIPS_H

#include "frame.h"

#include <stdbool.h>
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

/* The part of a rectangle that lies in the strip. returns: false when none does */
static inline bool frame_strip_clip(
        const struct frame_strip *strip, const struct frame_rect *rect, struct frame_rect *part)
{
	uint32_t end = strip->first_row + strip->rows;
	uint32_t top = rect->y > strip->first_row ? rect->y : strip->first_row;
	uint32_t bottom = (uint32_t)rect->y + rect->height;

	bottom = bottom < end ? bottom : end;
	if (top >= bottom) {
		return false;
	}
	*part = (struct frame_rect) { rect->x, (uint16_t)top, rect->width,
		(uint16_t)(bottom - top) };
	return true;
}

#endif
