/* SPDX-License-Identifier: MIT */
#include "window_layout.h"

/* a * b / c to the nearest whole number, at least 1 */
static int scaled(int a, int b, int c)
{
	int64_t result = ((int64_t)a * b + c / 2) / c;

	return result > 0 ? (int)result : 1;
}

static int at_least(int value, int least, int most)
{
	if (value < least) {
		value = least;
	}
	return value < most ? value : most;
}

struct layout_rect window_layout_fit(struct layout_size picture, struct layout_size area)
{
	struct layout_rect rect = { .width = area.width, .height = area.height };

	if ((int64_t)area.width * picture.height <= (int64_t)area.height * picture.width) {
		rect.height = scaled(area.width, picture.height, picture.width);
	} else {
		rect.width = scaled(area.height, picture.width, picture.height);
	}
	rect.x = (area.width - rect.width) / 2;
	rect.y = (area.height - rect.height) / 2;
	return rect;
}

bool window_layout_is_whole(struct layout_size picture, const struct layout_rect *rect)
{
	return rect->width % picture.width == 0 && rect->height % picture.height == 0 &&
	       rect->width / picture.width == rect->height / picture.height;
}

struct layout_size window_layout_first(
        struct layout_size picture, struct layout_size usable, struct layout_size least)
{
	struct layout_size size = picture;

	if (picture.width > usable.width || picture.height > usable.height) {
		struct layout_rect rect = window_layout_fit(picture, usable);

		size = (struct layout_size) { rect.width, rect.height };
	}
	size.width = at_least(size.width, least.width, usable.width);
	size.height = at_least(size.height, least.height, usable.height);
	return size;
}
