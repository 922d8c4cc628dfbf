/* SPDX-License-Identifier: MIT */
/*
 * Our copy of a screen: what it holds is what was shown, and the damage covers what changed, for
 * every size, format and pitch; a glance finds what is high enough.
 */
#include "dice.h"
#include "pixel_format.h"
#include "screen_copy.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define ROUNDS 400u
#define SIDE   300u
#define EXTRA  64u /* of pitch, in bytes, at most */

struct screen {
	struct frame_info info;
	size_t pitch;
	uint8_t *pixels;
};

static void turn_on(struct screen *screen)
{
	static const uint32_t formats[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB565,
		DRM_FORMAT_RGB888 };
	const struct pixel_format *format;

	screen->info.fourcc = formats[roll(3)];
	screen->info.width = 1 + roll(SIDE);
	screen->info.height = 1 + roll(SIDE);
	format = pixel_format_by_fourcc(screen->info.fourcc);
	screen->info.stride = pixel_format_stride(format, screen->info.width);
	screen->pitch = screen->info.stride + roll(EXTRA);
	free(screen->pixels);
	screen->pixels = malloc(screen->pitch * screen->info.height);
	assert_non_null(screen->pixels);
	for (size_t i = 0; i < screen->pitch * screen->info.height; i++) {
		screen->pixels[i] = (uint8_t)roll(256);
	}
}

static uint8_t *pixel_at(const struct screen *screen, uint32_t x, uint32_t y)
{
	return screen->pixels + y * screen->pitch +
	       x * pixel_format_by_fourcc(screen->info.fourcc)->bytes;
}

static bool covers(const struct frame_damage *damage, uint32_t x, uint32_t y)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		const struct frame_rect *rect = &damage->rects[i];

		if (x >= rect->x && x < (uint32_t)rect->x + rect->width && y >= rect->y &&
		        y < (uint32_t)rect->y + rect->height) {
			return true;
		}
	}
	return false;
}

static void assert_holds(const struct screen_copy *copy, const struct screen *screen)
{
	size_t row =
	        (size_t)screen->info.width * pixel_format_by_fourcc(screen->info.fourcc)->bytes;

	for (uint32_t y = 0; y < screen->info.height; y++) {
		assert_memory_equal(copy->pixels + (size_t)y * copy->info.stride,
		        screen->pixels + y * screen->pitch, row);
	}
}

static void damage_covers_every_change(void **state)
{
	struct screen_copy copy = { 0 };
	struct screen screen = { 0 };
	struct frame_damage damage;
	struct tile_set changed;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t x[8];
		uint32_t y[8];
		uint32_t changes = roll(8);
		bool is_unread = false;

		if (round % 8 == 0) {
			turn_on(&screen);
			assert_int_equal(screen_copy_shape(&copy, &screen.info), 0);
			assert_true(screen_copy_look(&copy, screen.pixels, screen.pitch, true));
			assert_false(screen_copy_take(&copy, &changed));
			assert_holds(&copy, &screen);
		}
		for (uint32_t i = 0; i < changes; i++) {
			x[i] = roll(screen.info.width);
			y[i] = roll(screen.info.height);
			for (uint32_t j = y[i]; j < screen.info.height && j < y[i] + SCREEN_GLANCE;
			        j++) {
				*pixel_at(&screen, x[i], j) += 1;
			}
			is_unread = true;
			/* Some are read together. */
			if (roll(2)) {
				assert_true(
				        screen_copy_look(&copy, screen.pixels, screen.pitch, true));
				assert_true(screen_copy_settle(&copy, screen.pixels, screen.pitch));
				is_unread = false;
			}
		}
		assert_int_equal(
		        screen_copy_look(&copy, screen.pixels, screen.pitch, true), is_unread);
		assert_true(screen_copy_take(&copy, &changed));
		tile_set_damage(&changed, screen.info.width, screen.info.height, &damage);
		assert_holds(&copy, &screen);
		assert_int_equal(damage.count != 0, changes != 0);
		for (uint32_t i = 0; i < changes; i++) {
			assert_true(covers(&damage, x[i], y[i]));
		}
		for (uint32_t i = 0; i < damage.count; i++) {
			assert_true((uint32_t)damage.rects[i].x + damage.rects[i].width <=
			            screen.info.width);
			assert_true((uint32_t)damage.rects[i].y + damage.rects[i].height <=
			            screen.info.height);
		}
	}
	screen_copy_finish(&copy);
	free(screen.pixels);
}

static void damage_is_small_where_the_change_is(void **state)
{
	struct screen_copy copy = { 0 };
	struct screen screen = { 0 };
	struct frame_damage damage;
	struct tile_set changed;

	(void)state;
	turn_on(&screen);
	assert_int_equal(screen_copy_shape(&copy, &screen.info), 0);
	screen_copy_look(&copy, screen.pixels, screen.pitch, true);
	screen_copy_take(&copy, &changed);
	*pixel_at(&screen, 0, 0) ^= 1;
	assert_true(screen_copy_look(&copy, screen.pixels, screen.pitch, true));
	assert_true(screen_copy_take(&copy, &changed));
	tile_set_damage(&changed, screen.info.width, screen.info.height, &damage);
	assert_int_equal(damage.count, 1);
	assert_true(damage.rects[0].width <= TILE_SIDE && damage.rects[0].height <= TILE_SIDE);
	screen_copy_finish(&copy);
	free(screen.pixels);
}

/* What is drawn between reading and settling comes along where something changed before. */
static void what_changed_settles(void **state)
{
	struct screen_copy copy = { 0 };
	struct screen screen = { 0 };
	struct tile_set changed;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t x;
		uint32_t y;

		turn_on(&screen);
		x = roll(screen.info.width);
		y = roll(screen.info.height);
		assert_int_equal(screen_copy_shape(&copy, &screen.info), 0);
		screen_copy_look(&copy, screen.pixels, screen.pitch, true);
		screen_copy_take(&copy, &changed);
		*pixel_at(&screen, x, y) ^= 1;
		assert_true(screen_copy_look(&copy, screen.pixels, screen.pitch, true));
		*pixel_at(&screen, x, y / TILE_SIDE * TILE_SIDE) ^= 2;
		*pixel_at(&screen, x / TILE_SIDE * TILE_SIDE, y) ^= 4;
		assert_true(screen_copy_settle(&copy, screen.pixels, screen.pitch));
		assert_holds(&copy, &screen);
	}
	screen_copy_finish(&copy);
	free(screen.pixels);
}

/* Some glances at what stays as it is: none sees anything, and none has it read whole. */
static void rest(struct screen_copy *copy, const struct screen *screen)
{
	for (unsigned i = roll(3 * SCREEN_GLANCE); i > 0; i--) {
		unsigned calm = copy->calm + 1;

		assert_false(screen_copy_look(copy, screen->pixels, screen->pitch, false));
		assert_int_equal(copy->calm, calm < SCREEN_GLANCE ? calm : SCREEN_GLANCE);
	}
}

static void a_glance_sees_what_is_eight_lines_high(void **state)
{
	struct screen_copy copy = { 0 };
	struct screen screen = { 0 };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t top;

		turn_on(&screen);
		if (screen.info.height < SCREEN_GLANCE) {
			continue;
		}
		assert_int_equal(screen_copy_shape(&copy, &screen.info), 0);
		screen_copy_look(&copy, screen.pixels, screen.pitch, true);
		rest(&copy, &screen);
		top = roll(screen.info.height - SCREEN_GLANCE + 1);
		for (uint32_t y = top; y < top + SCREEN_GLANCE; y++) {
			*pixel_at(&screen, roll(screen.info.width), y) ^= 1;
		}
		assert_true(screen_copy_look(&copy, screen.pixels, screen.pitch, false));
	}
	screen_copy_finish(&copy);
	free(screen.pixels);
}

/* returns: whether SCREEN_GLANCE glances see anything */
static bool see(struct screen_copy *copy, const struct screen *screen)
{
	bool is_seen = false;

	for (unsigned i = 0; i < SCREEN_GLANCE; i++) {
		is_seen |= screen_copy_look(copy, screen->pixels, screen->pitch, false);
	}
	return is_seen;
}

/* One line is seen by the eighth glance, and so it is when it becomes what it was. */
static void a_line_is_seen_at_last(void **state)
{
	struct screen_copy copy = { 0 };
	struct screen screen = { 0 };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t *pixel;

		turn_on(&screen);
		assert_int_equal(screen_copy_shape(&copy, &screen.info), 0);
		screen_copy_look(&copy, screen.pixels, screen.pitch, true);
		rest(&copy, &screen);
		pixel = pixel_at(&screen, roll(screen.info.width), roll(screen.info.height));
		for (unsigned i = 0; i < 3; i++) {
			*pixel ^= 1;
			assert_true(see(&copy, &screen));
			assert_holds(&copy, &screen);
			rest(&copy, &screen);
		}
	}
	screen_copy_finish(&copy);
	free(screen.pixels);
}

/* Somebody draws a rectangle, often a low one. */
static void draw(struct screen *screen)
{
	uint32_t x = roll(screen->info.width);
	uint32_t y = roll(screen->info.height);
	uint32_t right = x + 1 + roll(screen->info.width - x);
	uint32_t bottom = y + 1 + (roll(3) ? 0 : roll(screen->info.height - y));

	for (uint32_t line = y; line < bottom; line++) {
		for (uint32_t at = x; at < right; at++) {
			*pixel_at(screen, at, line) += 1;
		}
	}
}

/* Every byte in which they differ lies in the damage. */
static void assert_covered(
        const struct screen_copy *copy, const uint8_t *before, const struct frame_damage *damage)
{
	const uint32_t pixel = pixel_format_by_fourcc(copy->info.fourcc)->bytes;

	for (uint32_t y = 0; y < copy->info.height; y++) {
		for (uint32_t x = 0; x < copy->info.width; x++) {
			size_t at = (size_t)y * copy->info.stride + (size_t)x * pixel;

			if (memcmp(before + at, copy->pixels + at, pixel) != 0) {
				assert_true(covers(damage, x, y));
			}
		}
	}
}

/*
 * Drawing at random times between looks at a moving screen and at one at rest: SCREEN_GLANCE looks
 * behind the last of it our copy is the screen, and the damage covers all that it came by.
 */
static void the_copy_is_right_at_rest(void **state)
{
	struct screen_copy copy = { 0 };
	struct screen screen = { 0 };

	(void)state;
	for (unsigned round = 0; round < ROUNDS / 4; round++) {
		struct frame_damage damage;
		struct tile_set changed;
		uint8_t *before;

		turn_on(&screen);
		assert_int_equal(screen_copy_shape(&copy, &screen.info), 0);
		assert_true(screen_copy_look(&copy, screen.pixels, screen.pitch, roll(2)));
		screen_copy_take(&copy, &changed);
		before = malloc(frame_info_bytes(&copy.info));
		assert_non_null(before);
		memcpy(before, copy.pixels, frame_info_bytes(&copy.info));
		for (unsigned i = roll(40); i > 0; i--) {
			for (unsigned missed = roll(4); missed > 0; missed--) {
				draw(&screen);
			}
			screen_copy_look(&copy, screen.pixels, screen.pitch, roll(3) == 0);
		}
		for (unsigned i = 0; i < SCREEN_GLANCE; i++) {
			screen_copy_look(&copy, screen.pixels, screen.pitch, false);
		}
		assert_holds(&copy, &screen);
		screen_copy_take(&copy, &changed);
		tile_set_damage(&changed, copy.info.width, copy.info.height, &damage);
		assert_covered(&copy, before, &damage);
		free(before);
	}
	screen_copy_finish(&copy);
	free(screen.pixels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_covers_every_change),
		cmocka_unit_test(damage_is_small_where_the_change_is),
		cmocka_unit_test(what_changed_settles),
		cmocka_unit_test(a_glance_sees_what_is_eight_lines_high),
		cmocka_unit_test(a_line_is_seen_at_last),
		cmocka_unit_test(the_copy_is_right_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
