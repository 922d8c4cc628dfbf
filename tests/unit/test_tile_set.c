/* SPDX-License-Identifier: MIT */
/*
 * Sets of tiles, against a plain table of bits; and that their rectangles cover them.
 */
#include "dice.h"
#include "tile_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define ROUNDS 2000u

static struct tile_set set;
static bool table[TILE_ROWS_MAX][TILE_ROWS_MAX];

static void begin(void)
{
	tile_set_clear(&set);
	memset(table, 0, sizeof(table));
}

static void add(uint32_t side, uint32_t longest)
{
	struct frame_rect rect;

	rect.x = (uint16_t)roll(side);
	rect.y = (uint16_t)roll(side);
	rect.width = (uint16_t)(1 + roll(side - rect.x < longest ? side - rect.x : longest));
	rect.height = (uint16_t)(1 + roll(side - rect.y < longest ? side - rect.y : longest));
	tile_set_add(&set, &rect);
	for (uint32_t y = rect.y; y < (uint32_t)rect.y + rect.height; y++) {
		for (uint32_t x = rect.x; x < (uint32_t)rect.x + rect.width; x++) {
			table[y / TILE_SIDE][x / TILE_SIDE] = true;
		}
	}
}

static void runs_are_what_was_added(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		uint32_t columns = 1 + roll(TILE_ROWS_MAX);

		begin();
		for (unsigned i = 0; i < 10; i++) {
			add(columns * TILE_SIDE, 700);
		}
		for (uint32_t row = 0; row < TILE_ROWS_MAX; row++) {
			bool found[TILE_ROWS_MAX] = { false };
			uint32_t end = 0;
			uint32_t at;

			while ((at = tile_set_next_run(&set, row, columns, end, &end)) < columns) {
				for (; at < end; at++) {
					found[at] = true;
				}
			}
			assert_memory_equal(found, table[row], columns * sizeof(found[0]));
		}
	}
}

/* From one tile to more runs than there may be rectangles. */
static void rectangles_cover_the_set(void **state)
{
	static bool covered[TILE_ROWS_MAX][TILE_ROWS_MAX];

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t width = 1 + roll(5000);
		uint32_t height = 1 + roll(5000);
		uint32_t side = width < height ? width : height;
		struct frame_damage damage;

		begin();
		memset(covered, 0, sizeof(covered));
		for (unsigned i = roll(round % 4 ? 12 : 400); i > 0; i--) {
			add(side, 90);
		}
		tile_set_damage(&set, width, height, &damage);
		assert_true(damage.count <= FRAME_DAMAGE_MAX);
		for (uint32_t i = 0; i < damage.count; i++) {
			const struct frame_rect *rect = &damage.rects[i];

			assert_true(rect->width > 0 && rect->x + (uint32_t)rect->width <= width);
			assert_true(rect->height > 0 && rect->y + (uint32_t)rect->height <= height);
			for (uint32_t y = rect->y; y < (uint32_t)rect->y + rect->height;
			        y += TILE_SIDE) {
				for (uint32_t x = rect->x; x < (uint32_t)rect->x + rect->width;
				        x += TILE_SIDE) {
					covered[y / TILE_SIDE][x / TILE_SIDE] = true;
				}
			}
		}
		for (uint32_t row = 0; row < TILE_ROWS_MAX; row++) {
			for (uint32_t i = 0; i < TILE_ROWS_MAX; i++) {
				assert_true(covered[row][i] || !table[row][i]);
			}
		}
	}
}

static void empty_and_full(void **state)
{
	const struct frame_rect nothing = { 5, 5, 0, 3 };
	const struct frame_rect everything = { 0, 0, FRAME_SIDE_MAX, FRAME_SIDE_MAX };
	struct frame_damage damage;

	(void)state;
	begin();
	tile_set_add(&set, &nothing);
	tile_set_damage(&set, 100, 100, &damage);
	assert_int_equal(damage.count, 0);
	tile_set_add(&set, &everything);
	tile_set_damage(&set, 1000, 777, &damage);
	assert_int_equal(damage.count, 1);
	assert_int_equal(damage.rects[0].width, 1000);
	assert_int_equal(damage.rects[0].height, 777);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_what_was_added),
		cmocka_unit_test(rectangles_cover_the_set),
		cmocka_unit_test(empty_and_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
