/* SPDX-License-Identifier: MIT */
/*
 * The mouse pointer, as rooms hand it on: source -> ring_writer | shared memory | ring_reader ->
 * sink, beside the frames. What it looks like changes seldom, where it is with every move.
 */
#ifndef ORIEL_POINTER_H
#define ORIEL_POINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINTER_SIDE_MAX 512u /* pixels, width and height; the largest that cards offer */

/* What it looks like. It borrows its pixels. */
struct pointer_shape {
	uint16_t width; /* pixels; 0: no shape */
	uint16_t height;
	uint16_t hot_x; /* the pixel that points; 0, 0 where the card does not say */
	uint16_t hot_y;
	const uint32_t *pixels; /* ARGB words, alpha premultiplied, rows without padding */
};

struct pointer {
	bool is_shown;
	int32_t x; /* of the shape's upper left corner in the frame; may lie outside */
	int32_t y;
	struct pointer_shape shape;
};

static inline size_t pointer_shape_bytes(const struct pointer_shape *shape)
{
	return (size_t)shape->width * shape->height * sizeof(shape->pixels[0]);
}

#endif
