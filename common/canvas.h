/* SPDX-License-Identifier: MIT */
/*
 * Rectangles of one colour in a frame's pixels: all that the test pictures are made of. Only the
 * functions in here write to those pixels, so only they have to prove that they stay inside.
 *
 * Coordinates may lie outside the frame, on any side; what does is not drawn. Padding between the
 * end of a row and its stride is never touched.
 */
#ifndef ORIEL_CANVAS_H
#define ORIEL_CANVAS_H

#include "frame.h"
#include "pixel_format.h"

#include <stddef.h>

/* In pixels from the upper left corner; empty when a side is not positive. */
struct canvas_rect {
	int32_t x;
	int32_t y;
	int32_t width;
	int32_t height;
};

struct canvas {
	uint8_t *pixels; /* stride * height bytes, the caller's */
	struct frame_info info;
	const struct pixel_format *format;
	struct canvas_rect clip; /* nothing is drawn outside; lies within the frame */
};

/* 8 bits a channel, 0xRRGGBB: how people write colours down */
typedef uint32_t canvas_color;

/*
 * A canvas over all of a frame.
 *
 * info:   has passed canvas_info_fits(); anything else is a bug of the caller
 * pixels: frame_info_bytes(info) bytes, which must outlive the canvas
 */
struct canvas canvas_over(const struct frame_info *info, void *pixels);

/* A format that Oriel carries, sides of 1 to FRAME_SIDE_MAX, and rows that fit in their stride. */
bool canvas_info_fits(const struct frame_info *info);

/* The same canvas, on which only the part within rect can be drawn to. */
struct canvas canvas_clipped(const struct canvas *canvas, struct canvas_rect rect);

void canvas_fill(const struct canvas *canvas, struct canvas_rect rect, canvas_color color);

/* Copies a whole row of width pixels in the canvas's format. The clip does not matter here. */
void canvas_copy_row(const struct canvas *canvas, uint32_t y, const void *row);

/* Writes count pixels of this colour behind each other at pixels, in any alignment. */
void canvas_fill_pixels(
        const struct pixel_format *format, uint8_t *pixels, size_t count, canvas_color color);

#endif
