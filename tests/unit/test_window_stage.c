/* SPDX-License-Identifier: MIT */
#include "window_stand.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void the_window_opens_at_the_size_of_the_picture(void **state)
{
	struct window_stand stand;
	int width, height;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_draw(&stand, "xrgb8888", 800, 600, 0);
	window_stand_show(&stand);
	window_stand_assert_exact(&stand);
	window_stand_draw(&stand, "xrgb8888", 400, 300, 0);
	window_stand_show(&stand);
	window_stand_tick(&stand);
	SDL_GetWindowSize(sink_window_handle(stand.sink), &width, &height);
	assert_int_equal(width, 800);
	assert_int_equal(height, 600);
	window_stand_close(&stand);
}

/* Even when the first picture is as large as the window happened to be. */
static void the_window_keeps_the_size_of_the_first_picture(void **state)
{
	struct window_stand stand;
	int width, height;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	SDL_GetWindowSize(sink_window_handle(stand.sink), &width, &height);
	window_stand_draw(&stand, "xrgb8888", (uint32_t)width, (uint32_t)height, 0);
	window_stand_show(&stand);
	window_stand_draw(&stand, "xrgb8888", 400, 300, 0);
	window_stand_show(&stand);
	window_stand_look(&stand);
	assert_int_equal(stand.width, width);
	assert_int_equal(stand.height, height);
	window_stand_close(&stand);
}

static void a_window_that_somebody_sized_is_left_alone(void **state)
{
	struct window_stand stand;
	int width, height;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	SDL_SetWindowSize(sink_window_handle(stand.sink), 500, 500);
	window_stand_tick(&stand);
	window_stand_draw(&stand, "xrgb8888", 800, 600, 0);
	window_stand_show(&stand);
	SDL_GetWindowSize(sink_window_handle(stand.sink), &width, &height);
	assert_int_equal(width, 500);
	assert_int_equal(height, 500);
	window_stand_close(&stand);
}

static void signals_stay_with_the_program(void **state)
{
	struct sigaction interrupt;
	struct sigaction terminate;
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	assert_int_equal(sigaction(SIGINT, NULL, &interrupt), 0);
	assert_int_equal(sigaction(SIGTERM, NULL, &terminate), 0);
	assert_ptr_equal(interrupt.sa_handler, SIG_DFL);
	assert_ptr_equal(terminate.sa_handler, SIG_DFL);
	window_stand_close(&stand);
}

static void a_renderer_that_does_not_exist_is_refused(void **state)
{
	const struct sink_request request = { .renderer = "crayon" };
	struct complaint why = { .text = "" };
	struct sink *sink = NULL;

	(void)state;
	assert_int_equal(sink_window_ops.open(&sink, &request, &why), -EINVAL);
	assert_non_null(strstr(why.text, "crayon"));
	assert_non_null(strstr(why.text, "software"));
	assert_null(sink);
}

static void no_display_is_said_with_the_cure(void **state)
{
	struct complaint why = { .text = "" };
	struct sink *sink = NULL;

	(void)state;
	setenv("SDL_VIDEODRIVER", "nonsense", 1);
	assert_int_equal(sink_window_ops.open(&sink, &window_stand_software, &why), -ENODEV);
	assert_non_null(strstr(why.text, "no display"));
	assert_non_null(strstr(why.text, "--bench"));
	/* What SDL falls back on by itself shows nothing to nobody. */
	unsetenv("SDL_VIDEODRIVER");
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	assert_int_equal(sink_window_ops.open(&sink, &window_stand_software, &why), -ENODEV);
	assert_non_null(strstr(why.text, "no display"));
	assert_null(sink);
	setenv("SDL_VIDEODRIVER", "dummy", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_window_opens_at_the_size_of_the_picture),
		cmocka_unit_test(the_window_keeps_the_size_of_the_first_picture),
		cmocka_unit_test(a_window_that_somebody_sized_is_left_alone),
		cmocka_unit_test(signals_stay_with_the_program),
		cmocka_unit_test(a_renderer_that_does_not_exist_is_refused),
		cmocka_unit_test(no_display_is_said_with_the_cure),
	};

	window_stand_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
