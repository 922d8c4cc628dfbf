/* SPDX-License-Identifier: MIT */
#include "window_layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_rect(struct layout_rect rect, int x, int y, int width, int height)
{
	assert_int_equal(rect.x, x);
	assert_int_equal(rect.y, y);
	assert_int_equal(rect.width, width);
	assert_int_equal(rect.height, height);
}

static struct layout_rect fit(int width, int height, int area_width, int area_height)
{
	return window_layout_fit((struct layout_size) { width, height },
	        (struct layout_size) { area_width, area_height });
}

static void fit_keeps_the_aspect(void **state)
{
	(void)state;
	assert_rect(fit(1366, 768, 1366, 768), 0, 0, 1366, 768);
	assert_rect(fit(1366, 768, 1366, 800), 0, 16, 1366, 768);
	assert_rect(fit(1366, 768, 1400, 768), 17, 0, 1366, 768);
	assert_rect(fit(3840, 2160, 1280, 1024), 0, 152, 1280, 720);
	assert_rect(fit(640, 480, 1280, 720), 160, 0, 960, 720);
	assert_rect(fit(1, 1, 320, 240), 40, 0, 240, 240);
}

static void fit_never_vanishes(void **state)
{
	(void)state;
	assert_rect(fit(16384, 1, 100, 100), 0, 49, 100, 1);
	assert_rect(fit(1, 16384, 100, 100), 49, 0, 1, 100);
	assert_rect(fit(16384, 16384, 1, 1), 0, 0, 1, 1);
}

static void fit_stays_inside(void **state)
{
	(void)state;
	for (int width = 1; width < 70; width++) {
		for (int area = 1; area < 70; area++) {
			struct layout_rect rect = fit(width, 31, area, 37);

			assert_in_range(rect.width, 1, area);
			assert_in_range(rect.height, 1, 37);
			assert_true(rect.width == area || rect.height == 37);
			assert_in_range(rect.x + rect.width, 1, area);
			assert_in_range(rect.y + rect.height, 1, 37);
		}
	}
}

static void only_whole_pixels_are_whole(void **state)
{
	const struct layout_size size = { 100, 50 };

	(void)state;
	assert_true(window_layout_is_whole(size, &(struct layout_rect) { 0, 0, 100, 50 }));
	assert_true(window_layout_is_whole(size, &(struct layout_rect) { 7, 0, 300, 150 }));
	assert_false(window_layout_is_whole(size, &(struct layout_rect) { 0, 0, 150, 75 }));
	assert_false(window_layout_is_whole(size, &(struct layout_rect) { 0, 0, 50, 25 }));
	assert_false(window_layout_is_whole(size, &(struct layout_rect) { 0, 0, 200, 50 }));
}

static void assert_first(int width, int height, int expected_width, int expected_height)
{
	const struct layout_size usable = { 1920, 1040 };
	const struct layout_size least = { 320, 240 };
	struct layout_size size =
	        window_layout_first((struct layout_size) { width, height }, usable, least);

	assert_int_equal(size.width, expected_width);
	assert_int_equal(size.height, expected_height);
}

static void the_first_size_is_one_to_one_where_it_fits(void **state)
{
	(void)state;
	assert_first(1280, 720, 1280, 720);
	assert_first(1920, 1040, 1920, 1040);
	assert_first(1920, 1080, 1849, 1040);
	assert_first(3840, 1080, 1920, 540);
	assert_first(1, 1, 320, 240);
	assert_first(16384, 1, 1920, 240);
}

static void the_first_size_never_exceeds_the_display(void **state)
{
	const struct layout_size usable = { 200, 100 };
	const struct layout_size least = { 320, 240 };
	struct layout_size size =
	        window_layout_first((struct layout_size) { 640, 480 }, usable, least);

	(void)state;
	assert_int_equal(size.width, 200);
	assert_int_equal(size.height, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fit_keeps_the_aspect),
		cmocka_unit_test(fit_never_vanishes),
		cmocka_unit_test(fit_stays_inside),
		cmocka_unit_test(only_whole_pixels_are_whole),
		cmocka_unit_test(the_first_size_is_one_to_one_where_it_fits),
		cmocka_unit_test(the_first_size_never_exceeds_the_display),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
