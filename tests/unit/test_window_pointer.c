/* SPDX-License-Identifier: MIT */
#include "window_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SIDE   8
#define OPAQUE 0xff336699u
#define CLEAR  0x00000000u
#define HALF   0x80402000u /* premultiplied: twice as bright, half seen */

static uint32_t shape_pixels[SIDE * SIDE];

static void point(struct window_stand *stand, bool is_shown, int32_t x, int32_t y)
{
	const struct pointer pointer = { .is_shown = is_shown, .x = x, .y = y };

	sink_window_ops.pointer(stand->sink, &pointer);
}

/* A shape of one colour. */
static void point_with(struct window_stand *stand, uint16_t width, uint16_t height, uint32_t colour)
{
	const struct pointer pointer = { .is_shown = true,
		.shape = { width, height, 0, 0, shape_pixels } };

	for (unsigned i = 0; i < SIDE * SIDE; i++) {
		shape_pixels[i] = colour;
	}
	sink_window_ops.pointer(stand->sink, &pointer);
}

static void open_on_noise(struct window_stand *stand)
{
	window_stand_open(stand, &window_stand_software);
	window_stand_show_noise(stand, "xrgb8888", 160, 100, 0);
	window_stand_assert_exact(stand);
}

/* Looks. So many pixels of the picture, which is shown at its size, are another colour ... */
static int count_drawn(struct window_stand *stand, uint32_t colour)
{
	int count = 0;

	window_stand_look(stand);
	for (int i = 0; i < stand->width * stand->height; i++) {
		count += (stand->shown[i] & 0xffffff) == (colour & 0xffffff);
	}
	return count;
}

/* ... and all the others are those of the picture. */
static void assert_drawn(struct window_stand *stand, int x, int y, int width, int height)
{
	int left = x > 0 ? x : 0;
	int top = y > 0 ? y : 0;
	int right = x + width < 160 ? x + width : 160;
	int bottom = y + height < 100 ? y + height : 100;
	int area = right > left && bottom > top ? (right - left) * (bottom - top) : 0;

	assert_int_equal(window_stand_differences(stand, 0, 0, 1), area);
	for (int row = top; row < bottom; row++) {
		for (int column = left; column < right; column++) {
			assert_int_equal(
			        stand->shown[row * 160 + column] & 0xffffff, OPAQUE & 0xffffff);
		}
	}
}

static void it_is_drawn_where_it_is(void **state)
{
	static const int32_t places[][2] = { { 0, 0 }, { 20, 30 }, { 159, 99 }, { -7, -7 },
		{ -8, 0 }, { 160, 0 }, { 156, 97 }, { -32768, -32768 }, { 32767, 32767 },
		{ 152, 92 } };
	struct window_stand stand;

	(void)state;
	open_on_noise(&stand);
	point_with(&stand, SIDE, SIDE, OPAQUE);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		point(&stand, true, places[i][0], places[i][1]);
		assert_drawn(&stand, places[i][0], places[i][1], SIDE, SIDE);
	}
	window_stand_close(&stand);
}

static void it_comes_and_goes_without_a_frame(void **state)
{
	struct window_stand stand;
	uint64_t presents;

	(void)state;
	open_on_noise(&stand);
	window_stand_tick(&stand);
	presents = sink_window_presents(stand.sink);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents);
	point_with(&stand, SIDE, SIDE, OPAQUE);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 1);
	point(&stand, true, 5, 5);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 2);
	point(&stand, false, 0, 0);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 3);
	window_stand_assert_exact(&stand);
	/* Hidden, it keeps its shape. */
	point(&stand, true, 40, 50);
	assert_drawn(&stand, 40, 50, SIDE, SIDE);
	window_stand_tick(&stand);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 4);
	window_stand_close(&stand);
}

static void it_stays_over_the_frames_that_come(void **state)
{
	struct window_stand stand;

	(void)state;
	open_on_noise(&stand);
	point_with(&stand, SIDE, SIDE, OPAQUE);
	point(&stand, true, 33, 44);
	window_stand_show_noise(&stand, "xrgb8888", 160, 100, 0);
	assert_drawn(&stand, 33, 44, SIDE, SIDE);
	window_stand_close(&stand);
}

static void another_shape_takes_its_place(void **state)
{
	struct window_stand stand;

	(void)state;
	open_on_noise(&stand);
	point_with(&stand, SIDE, SIDE, 0xff00ff00);
	point_with(&stand, 3, 7, OPAQUE);
	assert_drawn(&stand, 0, 0, 3, 7);
	point_with(&stand, 1, 1, OPAQUE);
	assert_drawn(&stand, 0, 0, 1, 1);
	point_with(&stand, SIDE, SIDE, CLEAR);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

/* Over a grey of 0x40: half of that, and what the shape has, which is multiplied already. */
static void it_is_blended(void **state)
{
	struct window_stand stand;

	(void)state;
	open_on_noise(&stand);
	memset(stand.pixels, 0x40, frame_info_bytes(&stand.frame.info));
	window_stand_show(&stand);
	point_with(&stand, SIDE, SIDE, HALF);
	point(&stand, true, 10, 10);
	window_stand_look(&stand);
	for (int y = 10; y < 10 + SIDE; y++) {
		for (int x = 10; x < 10 + SIDE; x++) {
			uint32_t pixel = stand.shown[y * stand.width + x];

			assert_in_range(pixel >> 16 & 0xff, 0x40 + 0x20 - 1, 0x40 + 0x20 + 1);
			assert_in_range(pixel >> 8 & 0xff, 0x20 + 0x20 - 1, 0x20 + 0x20 + 1);
			assert_in_range(pixel & 0xff, 0x20 - 1, 0x20 + 1);
		}
	}
	/* Brighter than its alpha allows: as bright as it goes. */
	point_with(&stand, SIDE, SIDE, 0x80ffffff);
	window_stand_look(&stand);
	for (unsigned shift = 0; shift < 24; shift += 8) {
		assert_in_range(stand.shown[0] >> shift & 0xff, 0x80 + 0x20 - 2, 0x80 + 0x20 + 1);
	}
	window_stand_close(&stand);
}

/* Three times as large, between bars of 40 pixels, which it never reaches. */
static void it_is_as_large_as_the_picture(void **state)
{
	struct window_stand stand;

	(void)state;
	open_on_noise(&stand);
	SDL_SetWindowSize(sink_window_handle(stand.sink), 560, 300);
	window_stand_tick(&stand);
	point_with(&stand, SIDE, SIDE, OPAQUE);
	for (int32_t x = -4; x <= 156; x += 40) {
		int left = x < 0 ? 0 : x;
		int right = x + SIDE > 160 ? 160 : x + SIDE;

		point(&stand, true, x, 10);
		window_stand_look(&stand);
		for (int row = 0; row < 300; row++) {
			for (int column = 0; column < 560; column++) {
				bool is_in = row >= 30 && row < 30 + 3 * SIDE &&
				             column >= 40 + 3 * left && column < 40 + 3 * right;
				uint32_t pixel = stand.shown[row * 560 + column] & 0xffffff;

				if (is_in) {
					assert_int_equal(pixel, OPAQUE & 0xffffff);
				} else if (column < 40 || column >= 520) {
					assert_int_equal(pixel, 0);
				}
			}
		}
		assert_int_equal(
		        window_stand_differences(&stand, 40, 0, 3), 9 * SIDE * (right - left));
	}
	/* What is drawn next is not kept to where the pointer was. */
	SDL_SetWindowSize(sink_window_handle(stand.sink), 160, 100);
	point(&stand, false, 0, 0);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

static void without_a_picture_there_is_none(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	point_with(&stand, SIDE, SIDE, OPAQUE);
	assert_int_equal(count_drawn(&stand, OPAQUE), 0);
	window_stand_show_noise(&stand, "xrgb8888", 160, 100, 0);
	assert_drawn(&stand, 0, 0, SIDE, SIDE);
	stand.status.link = LINK_WAITING;
	window_stand_tick(&stand);
	assert_int_equal(count_drawn(&stand, OPAQUE), 0);
	window_stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_drawn_where_it_is),
		cmocka_unit_test(it_comes_and_goes_without_a_frame),
		cmocka_unit_test(it_stays_over_the_frames_that_come),
		cmocka_unit_test(another_shape_takes_its_place),
		cmocka_unit_test(it_is_blended),
		cmocka_unit_test(it_is_as_large_as_the_picture),
		cmocka_unit_test(without_a_picture_there_is_none),
	};

	window_stand_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
