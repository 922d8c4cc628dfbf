/* SPDX-License-Identifier: MIT */
/*
 * The pointer in the picture: what is handed on is the screen with the pointer where it is, and the
 * damage covers wherever it differs from the picture before.
 */
#include "dice.h"
#include "pixel_format.h"
#include "screen_compose.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define ROUNDS  600u
#define WIDTH   200u
#define HEIGHT  150u
#define POINTER 24u

struct scene {
	struct screen_copy copy;
	struct screen_compose compose;
	struct kms_cursor cursor;
	uint32_t screen[WIDTH * HEIGHT];
	uint32_t before[WIDTH * HEIGHT];
	bool has_before;
};

static void set_up(struct scene *scene)
{
	const struct frame_info info = { DRM_FORMAT_XRGB8888, WIDTH, HEIGHT, WIDTH * 4 };

	memset(scene, 0, sizeof(*scene));
	assert_int_equal(screen_copy_shape(&scene->copy, &info), 0);
	scene->cursor.width = POINTER;
	scene->cursor.height = POINTER;
	scene->cursor.pixels = malloc(POINTER * POINTER * sizeof(uint32_t));
	assert_non_null(scene->cursor.pixels);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++) {
		scene->screen[i] = 0xff000000 | roll(0x1000000);
	}
}

static void tear_down(struct scene *scene)
{
	screen_copy_finish(&scene->copy);
	screen_compose_finish(&scene->compose);
	kms_cursor_finish(&scene->cursor);
}

/* Opaque, nothing, or something between, premultiplied. */
static void paint_pointer(struct scene *scene)
{
	for (unsigned i = 0; i < POINTER * POINTER; i++) {
		uint32_t alpha = roll(3) ? (roll(2) ? 255 : 0) : roll(256);

		scene->cursor.pixels[i] = alpha << 24 | roll(alpha + 1) << 16 |
		                          roll(alpha + 1) << 8 | roll(alpha + 1);
	}
}

static uint32_t over(uint32_t argb, uint32_t below)
{
	uint32_t rest = 255 - (argb >> 24);
	uint32_t pixel = 0xff000000;

	for (unsigned shift = 0; shift < 24; shift += 8) {
		pixel |= ((argb >> shift & 0xff) + ((below >> shift & 0xff) * rest + 127) / 255)
		         << shift;
	}
	return pixel;
}

static uint32_t expected_at(const struct scene *scene, int32_t x, int32_t y)
{
	const struct kms_cursor *cursor = &scene->cursor;
	uint32_t below = scene->screen[y * (int32_t)WIDTH + x];
	int32_t left = x - cursor->x;
	int32_t top = y - cursor->y;

	if (!cursor->is_shown || left < 0 || top < 0 || left >= (int32_t)POINTER ||
	        top >= (int32_t)POINTER) {
		return below;
	}
	return over(cursor->pixels[top * (int32_t)POINTER + left], below);
}

static void change_something(struct scene *scene)
{
	if (roll(3) == 0) {
		scene->screen[roll(WIDTH * HEIGHT)] = 0xff000000 | roll(0x1000000);
	}
	if (roll(2)) {
		scene->cursor.x = (int32_t)roll(WIDTH + 2 * POINTER) - (int32_t)POINTER;
		scene->cursor.y = (int32_t)roll(HEIGHT + 2 * POINTER) - (int32_t)POINTER;
	}
	if (roll(4) == 0) {
		scene->cursor.is_shown = !scene->cursor.is_shown;
	}
	if (roll(5) == 0) {
		paint_pointer(scene);
	}
	screen_copy_look(&scene->copy, (const uint8_t *)scene->screen, WIDTH * 4, true);
}

static void the_pointer_is_in_the_picture(void **state)
{
	static struct scene scene;

	(void)state;
	set_up(&scene);
	paint_pointer(&scene);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct tile_set changed;
		const uint32_t *shown;

		change_something(&scene);
		screen_copy_take(&scene.copy, &changed);
		shown = (const void *)screen_compose(
		        &scene.compose, &scene.copy, &scene.cursor, &changed);
		assert_non_null(shown);
		for (int32_t y = 0; y < (int32_t)HEIGHT; y++) {
			for (int32_t x = 0; x < (int32_t)WIDTH; x++) {
				uint32_t at = (uint32_t)y * WIDTH + (uint32_t)x;
				uint32_t column = (uint32_t)x / TILE_SIDE;

				assert_int_equal(
				        shown[at] & 0xffffff, expected_at(&scene, x, y) & 0xffffff);
				assert_true(!scene.has_before ||
				            ((shown[at] ^ scene.before[at]) & 0xffffff) == 0 ||
				            changed.rows[(uint32_t)y / TILE_SIDE][column / 64] >>
				                            column % 64 &
				                    1);
			}
		}
		memcpy(scene.before, shown, sizeof(scene.before));
		scene.has_before = true;
	}
	tear_down(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pointer_is_in_the_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
