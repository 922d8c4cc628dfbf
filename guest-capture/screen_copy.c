/* SPDX-License-Identifier: MIT */
#include "screen_copy.h"
#include "pixel_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t pixel_bytes(const struct screen_copy *copy)
{
	return pixel_format_by_fourcc(copy->info.fourcc)->bytes;
}

static int reserve(uint8_t **bytes, size_t *capacity, size_t need)
{
	if (need <= *capacity) {
		return 0;
	}
	free(*bytes);
	*bytes = calloc(1, need);
	*capacity = *bytes ? need : 0;
	return *bytes ? 0 : -ENOMEM;
}

int screen_copy_shape(struct screen_copy *copy, const struct frame_info *info)
{
	if (frame_info_equal(&copy->info, info)) {
		return 0;
	}
	copy->info = (struct frame_info) { 0 };
	copy->is_whole = false;
	copy->is_taken = false;
	tile_set_clear(&copy->changed);
	if (reserve(&copy->pixels, &copy->capacity, frame_info_bytes(info)) != 0 ||
	        reserve(&copy->line, &copy->line_capacity, info->stride) != 0) {
		return -ENOMEM;
	}
	memset(copy->pixels, 0, frame_info_bytes(info));
	copy->info = *info;
	return 0;
}

/* Takes one line out of the scanout, once. returns: whether it differs from ours */
static bool take_line(struct screen_copy *copy, const uint8_t *scanout, size_t pitch, uint32_t y)
{
	size_t bytes = (size_t)copy->info.width * pixel_bytes(copy);

	memcpy(copy->line, scanout + y * pitch, bytes);
	return memcmp(copy->line, copy->pixels + (size_t)y * copy->info.stride, bytes) != 0;
}

bool screen_copy_glance(struct screen_copy *copy, const uint8_t *scanout, size_t pitch)
{
	copy->phase = (copy->phase + 1) % SCREEN_GLANCE;
	for (uint32_t y = copy->phase; y < copy->info.height; y += SCREEN_GLANCE) {
		if (take_line(copy, scanout, pitch, y)) {
			return true;
		}
	}
	return false;
}

/* The line that was taken becomes ours; the tiles where it differs are marked. */
static void keep_line(struct screen_copy *copy, uint32_t y)
{
	const uint32_t pixel = pixel_bytes(copy);
	uint8_t *ours = copy->pixels + (size_t)y * copy->info.stride;

	for (uint32_t x = 0; x < copy->info.width; x += TILE_SIDE) {
		uint32_t width =
		        copy->info.width - x < TILE_SIDE ? copy->info.width - x : TILE_SIDE;
		size_t offset = (size_t)x * pixel;

		if (memcmp(ours + offset, copy->line + offset, (size_t)width * pixel) != 0) {
			const struct frame_rect rect = { (uint16_t)x, (uint16_t)y, (uint16_t)width,
				1 };

			memcpy(ours + offset, copy->line + offset, (size_t)width * pixel);
			tile_set_add(&copy->changed, &rect);
		}
	}
}

/* Reads those rows of tiles in which something of within changed; NULL: all. */
static bool read_rows(struct screen_copy *copy, const uint8_t *scanout, size_t pitch,
        const struct tile_set *within)
{
	bool any = false;

	for (uint32_t top = 0; top < copy->info.height; top += TILE_SIDE) {
		uint32_t bottom =
		        copy->info.height - top < TILE_SIDE ? copy->info.height : top + TILE_SIDE;

		if (within && !tile_set_touches(within, top, bottom - top)) {
			continue;
		}
		for (uint32_t y = top; y < bottom; y++) {
			if (take_line(copy, scanout, pitch, y)) {
				keep_line(copy, y);
				any = true;
			}
		}
	}
	return any;
}

bool screen_copy_read(struct screen_copy *copy, const uint8_t *scanout, size_t pitch, bool *is_torn)
{
	bool any = read_rows(copy, scanout, pitch, NULL) || !copy->is_whole;

	*is_torn = any;
	for (unsigned i = 0; i < SCREEN_SETTLES && *is_torn; i++) {
		const struct tile_set before = copy->changed;

		*is_torn = read_rows(copy, scanout, pitch, &before);
	}
	copy->is_whole = true;
	return any;
}

bool screen_copy_take(struct screen_copy *copy, struct tile_set *changed)
{
	bool was_taken = copy->is_taken;

	*changed = copy->changed;
	tile_set_clear(&copy->changed);
	copy->is_taken = true;
	return was_taken;
}

void screen_copy_finish(struct screen_copy *copy)
{
	free(copy->pixels);
	free(copy->line);
	*copy = (struct screen_copy) { 0 };
}
