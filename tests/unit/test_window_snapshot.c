/* SPDX-License-Identifier: MIT */
#include "window_stand.h"

#include "clock.h"
#include "pixel_format.h"

#include <glob.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* The one file in folder that is named as S names them. */
static void find_snapshot(const char *folder, char path[256])
{
	char pattern[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/oriel-2*-*-*.png", folder);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	snprintf(path, 256, "%s", found.gl_pathv[0]);
	globfree(&found);
}

static void assert_png_is_frame(struct window_stand *stand, const char *path)
{
	const struct frame_info *info = &stand->frame.info;
	png_image image = { .version = PNG_IMAGE_VERSION };
	uint8_t *expected = malloc((size_t)info->width * 3);
	uint8_t *rgb;

	assert_true(png_image_begin_read_from_file(&image, path));
	image.format = PNG_FORMAT_RGB;
	assert_int_equal(image.width, info->width);
	assert_int_equal(image.height, info->height);
	rgb = malloc(PNG_IMAGE_SIZE(image));
	assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	for (uint32_t y = 0; y < info->height; y++) {
		pixel_format_to_rgb(pixel_format_by_fourcc(info->fourcc),
		        stand->pixels + (size_t)y * info->stride, info->width, expected);
		assert_memory_equal(
		        rgb + (size_t)y * info->width * 3, expected, (size_t)info->width * 3);
	}
	free(expected);
	free(rgb);
}

static void s_saves_the_pictures_own_pixels(void **state)
{
	char folder[] = "/tmp/oriel-test-XXXXXX";
	const struct sink_request request = { .renderer = "software", .folder = folder };
	struct window_stand stand;
	char path[256];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; pixel_format_at(i); i++) {
		window_stand_open(&stand, &request);
		window_stand_show_noise(&stand, pixel_format_at(i)->name, 401, 263, 4);
		/* Neither the scale nor what lies over the picture is the picture's. */
		SDL_SetWindowSize(sink_window_handle(stand.sink), 640, 480);
		window_stand_press(SDLK_o);
		stand.status.link = LINK_STALE;
		window_stand_tick(&stand);
		window_stand_press(SDLK_s);
		assert_int_equal(window_stand_tick(&stand), SINK_OK);
		/* Closing waits for the file. */
		sink_window_ops.close(stand.sink);
		stand.sink = NULL;
		find_snapshot(folder, path);
		assert_png_is_frame(&stand, path);
		assert_int_equal(unlink(path), 0);
		window_stand_close(&stand);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void s_without_a_picture_says_so(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_tick(&stand);
	window_stand_press(SDLK_s);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	assert_true(window_stand_differences(&stand, 0, 0, 1) > 100);
	window_stand_close(&stand);
}

/* Ticks until the window differs from the picture, or no longer does. */
static void await_message(struct window_stand *stand, bool wanted)
{
	uint64_t until_ns = clock_now_ns() + 10 * NS_PER_S;

	while ((window_stand_differences(stand, 0, 0, 1) > 100) != wanted) {
		assert_true(clock_now_ns() < until_ns);
		clock_sleep_until_ns(clock_now_ns() + 10 * NS_PER_MS);
		assert_int_equal(window_stand_tick(stand), SINK_OK);
	}
}

static void a_failure_is_said_for_a_while(void **state)
{
	const struct sink_request request = { .renderer = "software", .folder = "/nonexistent" };
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &request);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_press(SDLK_s);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	await_message(&stand, true);
	await_message(&stand, false);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

static void one_picture_is_saved_at_a_time(void **state)
{
	const struct sink_request request = { .renderer = "software", .folder = "/nonexistent" };
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &request);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	/* What became of the first is asked at the next tick, so it counts as being saved. */
	window_stand_press(SDLK_s);
	window_stand_press(SDLK_s);
	window_stand_show(&stand);
	assert_true(window_stand_differences(&stand, 0, 0, 1) > 100);
	window_stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s_saves_the_pictures_own_pixels),
		cmocka_unit_test(s_without_a_picture_says_so),
		cmocka_unit_test(a_failure_is_said_for_a_while),
		cmocka_unit_test(one_picture_is_saved_at_a_time),
	};

	window_stand_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
