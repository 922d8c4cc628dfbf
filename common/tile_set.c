/* SPDX-License-Identifier: MIT */
#include "tile_set.h"

#include <string.h>

void tile_set_clear(struct tile_set *set)
{
	memset(set, 0, sizeof(*set));
}

static bool has_tile(const struct tile_set *set, uint32_t row, uint32_t column)
{
	return set->rows[row][column / 64] >> column % 64 & 1;
}

void tile_set_add(struct tile_set *set, const struct frame_rect *rect)
{
	uint32_t right;
	uint32_t bottom;

	if (rect->width == 0 || rect->height == 0) {
		return;
	}
	right = ((uint32_t)rect->x + rect->width - 1) / TILE_SIDE;
	bottom = ((uint32_t)rect->y + rect->height - 1) / TILE_SIDE;
	for (uint32_t row = rect->y / TILE_SIDE; row <= bottom && row < TILE_ROWS_MAX; row++) {
		for (uint32_t column = rect->x / TILE_SIDE;
		        column <= right && column < TILE_ROWS_MAX; column++) {
			set->rows[row][column / 64] |= UINT64_C(1) << column % 64;
		}
	}
}

uint32_t tile_set_next_run(
        const struct tile_set *set, uint32_t row, uint32_t columns, uint32_t from, uint32_t *end)
{
	uint32_t column = from;

	while (column < columns && !has_tile(set, row, column)) {
		column++;
	}
	*end = column;
	while (*end < columns && has_tile(set, row, *end)) {
		(*end)++;
	}
	return column;
}

/* In tiles, right and bottom not included. */
struct block {
	uint32_t left, top, right, bottom;
};

struct blocks {
	uint32_t count;
	struct block at[FRAME_DAMAGE_MAX];
};

/* Makes a block longer that ends where this one begins, or adds it. returns: false without room */
static bool blocks_add(struct blocks *blocks, const struct block *block)
{
	for (uint32_t i = blocks->count; i-- > 0;) {
		struct block *above = &blocks->at[i];

		if (above->bottom == block->top && above->left == block->left &&
		        above->right == block->right) {
			above->bottom = block->bottom;
			return true;
		}
	}
	if (blocks->count == FRAME_DAMAGE_MAX) {
		return false;
	}
	blocks->at[blocks->count++] = *block;
	return true;
}

/* Each run of tiles. returns: false when there are too many */
static bool cover_runs(
        const struct tile_set *set, uint32_t rows, uint32_t columns, struct blocks *blocks)
{
	blocks->count = 0;
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t end = 0;
		uint32_t at;

		while ((at = tile_set_next_run(set, row, columns, end, &end)) < columns) {
			if (!blocks_add(blocks, &(struct block) { at, row, end, row + 1 })) {
				return false;
			}
		}
	}
	return true;
}

/* From the first to the last tile of each row. returns: false when there are too many */
static bool cover_rows(
        const struct tile_set *set, uint32_t rows, uint32_t columns, struct blocks *blocks)
{
	blocks->count = 0;
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t end = 0;
		uint32_t right = 0;
		uint32_t left = tile_set_next_run(set, row, columns, 0, &end);

		if (left == columns) {
			continue;
		}
		for (right = end; tile_set_next_run(set, row, columns, end, &end) < columns;) {
			right = end;
		}
		if (!blocks_add(blocks, &(struct block) { left, row, right, row + 1 })) {
			return false;
		}
	}
	return true;
}

void tile_set_damage(
        const struct tile_set *set, uint32_t width, uint32_t height, struct frame_damage *damage)
{
	const uint32_t columns = (width + TILE_SIDE - 1) / TILE_SIDE;
	const uint32_t rows = (height + TILE_SIDE - 1) / TILE_SIDE;
	struct blocks blocks;

	if (!cover_runs(set, rows, columns, &blocks) && !cover_rows(set, rows, columns, &blocks)) {
		blocks.count = 1;
		blocks.at[0] = (struct block) { 0, 0, columns, rows };
	}
	damage->count = blocks.count;
	for (uint32_t i = 0; i < blocks.count; i++) {
		const struct block *block = &blocks.at[i];
		uint32_t right =
		        block->right * TILE_SIDE < width ? block->right * TILE_SIDE : width;
		uint32_t bottom =
		        block->bottom * TILE_SIDE < height ? block->bottom * TILE_SIDE : height;

		damage->rects[i] = (struct frame_rect) {
			.x = (uint16_t)(block->left * TILE_SIDE),
			.y = (uint16_t)(block->top * TILE_SIDE),
			.width = (uint16_t)(right - block->left * TILE_SIDE),
			.height = (uint16_t)(bottom - block->top * TILE_SIDE),
		};
	}
}
