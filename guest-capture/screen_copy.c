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

/*
 * Like memcmp() == 0, a word at a time: where the processor is emulated, libc's vector instructions
 * take three times as long, and where it is not, memory is what limits both.
 */
static bool is_same(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	uint64_t differences = 0;
	size_t at = 0;

	for (; at + sizeof(differences) <= bytes; at += sizeof(differences)) {
		uint64_t one;
		uint64_t other;

		memcpy(&one, a + at, sizeof(one));
		memcpy(&other, b + at, sizeof(other));
		differences |= one ^ other;
		/* Keeps the compiler from making vectors of it. */
		__asm__("" : "+r"(differences));
	}
	return differences == 0 && memcmp(a + at, b + at, bytes - at) == 0;
}

static size_t line_bytes(const struct screen_copy *copy)
{
	return (size_t)copy->info.width * pixel_bytes(copy);
}

static bool line_differs(
        const struct screen_copy *copy, const uint8_t *scanout, size_t pitch, uint32_t y)
{
	return !is_same(scanout + y * pitch, copy->pixels + (size_t)y * copy->info.stride,
	        line_bytes(copy));
}

bool screen_copy_glance(struct screen_copy *copy, const uint8_t *scanout, size_t pitch)
{
	copy->phase = (copy->phase + 1) % SCREEN_GLANCE;
	for (uint32_t y = copy->phase; y < copy->info.height; y += SCREEN_GLANCE) {
		if (line_differs(copy, scanout, pitch, y)) {
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

		if (!is_same(ours + offset, copy->line + offset, (size_t)width * pixel)) {
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
			if (line_differs(copy, scanout, pitch, y)) {
				/* It may change again meanwhile; what counts is what is taken. */
				memcpy(copy->line, scanout + y * pitch, line_bytes(copy));
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
