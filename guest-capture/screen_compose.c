/* SPDX-License-Identifier: MIT */
#include "screen_compose.h"
#include "frame_memory.h"
#include "pixel_format.h"

#include <stdlib.h>
#include <string.h>

/* Takes the tiles of the set over from the copy. */
static void refresh(
        struct screen_compose *compose, const struct screen_copy *copy, const struct tile_set *set)
{
	const uint32_t pixel = pixel_format_by_fourcc(copy->info.fourcc)->bytes;
	const uint32_t columns = (copy->info.width + TILE_SIDE - 1) / TILE_SIDE;

	for (uint32_t y = 0; y < copy->info.height; y++) {
		uint32_t end = 0;
		uint32_t at;

		while ((at = tile_set_next_run(set, y / TILE_SIDE, columns, end, &end)) < columns) {
			uint32_t right = end * TILE_SIDE < copy->info.width ? end * TILE_SIDE
			                                                    : copy->info.width;
			size_t offset =
			        (size_t)y * copy->info.stride + (size_t)at * TILE_SIDE * pixel;

			memcpy(compose->pixels + offset, copy->pixels + offset,
			        (size_t)(right - at * TILE_SIDE) * pixel);
		}
	}
}

static bool shape(struct screen_compose *compose, const struct screen_copy *copy)
{
	size_t need = frame_info_bytes(&copy->info);

	if (need > compose->capacity) {
		free(compose->pixels);
		compose->pixels = frame_memory_alloc(need);
		compose->capacity = compose->pixels ? need : 0;
		compose->is_whole = false;
	}
	if (!compose->pixels) {
		return false;
	}
	if (!compose->is_whole || !frame_info_equal(&compose->info, &copy->info)) {
		memcpy(compose->pixels, copy->pixels, need);
		compose->info = copy->info;
		compose->is_whole = true;
	}
	return true;
}

const uint8_t *screen_compose(struct screen_compose *compose, const struct screen_copy *copy,
        const struct kms_cursor *cursor, struct tile_set *changed)
{
	struct frame_rect part = { 0 };

	if (cursor) {
		part = kms_cursor_part(cursor, copy->info.width, copy->info.height);
	}

	tile_set_add(changed, &compose->drawn);
	tile_set_add(changed, &part);
	compose->drawn = part;
	if (part.width == 0) {
		/* What is missed from now on is made up for when there is a pointer again. */
		compose->is_whole = false;
		return copy->pixels;
	}
	if (!shape(compose, copy)) {
		return NULL;
	}
	refresh(compose, copy, changed);
	kms_cursor_draw(cursor, &copy->info, compose->pixels);
	return compose->pixels;
}

void screen_compose_finish(struct screen_compose *compose)
{
	free(compose->pixels);
	*compose = (struct screen_compose) { 0 };
}
