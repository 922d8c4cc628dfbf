/* SPDX-License-Identifier: MIT */
/*
 * Where a picture lies in a window and how large a window ought to be: arithmetic only, all of it
 * in pixels. Called by sink_window.c.
 */
#ifndef ORIEL_WINDOW_LAYOUT_H
#define ORIEL_WINDOW_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct layout_size {
	int width;
	int height;
};

struct layout_rect {
	int x;
	int y;
	int width;
	int height;
};

/*
 * The largest rectangle of the picture's aspect inside the area, in its middle, never thinner than
 * a pixel. picture, area: 1 to 65535 on each side
 */
struct layout_rect window_layout_fit(struct layout_size picture, struct layout_size area);

/* Every pixel of the picture becomes a square of so many whole pixels: no filter is wanted. */
bool window_layout_is_whole(struct layout_size picture, const struct layout_rect *rect);

/*
 * The size a window opens with: 1:1 where that fits into usable, else the largest of the picture's
 * aspect that does. least: what the window should have at least, where usable allows it
 */
struct layout_size window_layout_first(
        struct layout_size picture, struct layout_size usable, struct layout_size least);

#endif
