/* SPDX-License-Identifier: MIT */
#include "frame_grid.h"
#include "pixel_format.h"

#include <stddef.h>

/*
 * At 4 bytes a pixel a row of a tile is 1 KiB, a block of XXH3, and a 4K frame has 2025 tiles.
 * Smaller ones would not pay: their digests have to be moved, too.
 */
#define TILE_WIDTH 256u
#define TILE_ROWS  16u
#define LINE_BYTES 64u

_Static_assert(RING_COLUMNS_MAX <= COPY_TILES_MAX, "a strip is copied at once");

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t parts(uint32_t whole, uint32_t part)
{
	return (uint32_t)(((uint64_t)whole + part - 1) / part);
}

struct frame_grid frame_grid_of(
        const struct frame_info *info, uint32_t strip_rows, uint32_t tile_width)
{
	return (struct frame_grid) {
		.strip_rows = strip_rows,
		.strips = parts(info->height, strip_rows),
		.tile_width = tile_width,
		.columns = parts(info->width, tile_width),
	};
}

bool frame_grid_fits(const struct frame_grid *grid, enum digest_algorithm algorithm, uint32_t words)
{
	return grid->strips <= RING_STRIPS_MAX && grid->columns <= RING_COLUMNS_MAX &&
	       frame_grid_words(grid, algorithm) <= words;
}

bool frame_grid_equal(const struct frame_grid *a, const struct frame_grid *b)
{
	return a->strip_rows == b->strip_rows && a->strips == b->strips &&
	       a->tile_width == b->tile_width && a->columns == b->columns;
}

struct frame_grid frame_grid_choose(
        const struct frame_info *info, enum digest_algorithm algorithm, uint32_t words)
{
	const bool is_lines = info->stride % LINE_BYTES == 0;
	uint32_t width = is_lines ? least(info->width, TILE_WIDTH) : info->width;
	uint32_t rows = least(info->height, TILE_ROWS);
	struct frame_grid grid = frame_grid_of(info, rows, width);

	while (!frame_grid_fits(&grid, algorithm, words)) {
		/* Twice as wide, twice as high, by turns. */
		if (grid.columns > 1 && width / TILE_WIDTH <= rows / TILE_ROWS) {
			width *= 2;
		} else {
			rows *= 2;
		}
		grid = frame_grid_of(info, rows, width);
	}
	return grid;
}

struct copy_band frame_grid_band(const struct frame_grid *grid, const struct frame_info *info,
        uint32_t strip, uint32_t first, uint32_t end, size_t *offset)
{
	const uint32_t top = strip * grid->strip_rows;
	const size_t tile_bytes =
	        (size_t)grid->tile_width * pixel_format_by_fourcc(info->fourcc)->bytes;

	*offset = (size_t)top * info->stride + first * tile_bytes;
	return (struct copy_band) {
		.pitch = info->stride,
		.rows = least(info->height - top, grid->strip_rows),
		/* The padding at a row's end belongs to the last tile. */
		.row_bytes = (end == grid->columns ? info->stride : end * tile_bytes) -
		             first * tile_bytes,
		.tile_bytes = tile_bytes,
		.tiles = end - first,
	};
}

void tile_marks_add(
        struct tile_marks *marks, const struct frame_grid *grid, const struct frame_rect *rect)
{
	uint32_t right;
	uint32_t bottom;

	if (rect->width == 0 || rect->height == 0) {
		return;
	}
	right = least((rect->x + rect->width - 1u) / grid->tile_width, grid->columns - 1);
	bottom = least((rect->y + rect->height - 1u) / grid->strip_rows, grid->strips - 1);
	for (uint32_t strip = rect->y / grid->strip_rows; strip <= bottom; strip++) {
		for (uint32_t column = rect->x / grid->tile_width; column <= right; column++) {
			const uint32_t tile = strip * grid->columns + column;

			marks->words[tile / 64] |= UINT64_C(1) << tile % 64;
		}
	}
}

void tile_marks_join(struct tile_marks *marks, const struct tile_marks *more)
{
	for (size_t i = 0; i < RING_TILES_MAX / 64; i++) {
		marks->words[i] |= more->words[i];
	}
}

void tile_marks_remove(struct tile_marks *marks, const struct tile_marks *these)
{
	for (size_t i = 0; i < RING_TILES_MAX / 64; i++) {
		marks->words[i] &= ~these->words[i];
	}
}

/* The first tile from at on that is marked, or is not; end when none before it is. */
static uint32_t next_tile(const struct tile_marks *marks, uint32_t at, uint32_t end, bool is_marked)
{
	while (at < end) {
		const uint64_t word = is_marked ? marks->words[at / 64] : ~marks->words[at / 64];
		const uint64_t left = word >> at % 64;

		if (left) {
			return least(at + (uint32_t)__builtin_ctzll(left), end);
		}
		at = (at / 64 + 1) * 64;
	}
	return end;
}

uint32_t tile_marks_next_run(const struct tile_marks *marks, const struct frame_grid *grid,
        uint32_t strip, uint32_t from, uint32_t *end)
{
	const uint32_t first = strip * grid->columns;
	const uint32_t behind = first + grid->columns;
	const uint32_t begin = next_tile(marks, first + from, behind, true);

	*end = next_tile(marks, begin, behind, false) - first;
	return begin - first;
}
