/* SPDX-License-Identifier: MIT */
#include "window_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void o_shows_and_hides_the_overlay(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_press(SDLK_o);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	assert_true(window_stand_differences(&stand, 0, 0, 1) > 1000);
	window_stand_press(SDLK_o);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

static void q_esc_and_the_close_button_end_it(void **state)
{
	const SDL_Event close = { .window = { .type = SDL_WINDOWEVENT,
		                          .event = SDL_WINDOWEVENT_CLOSE } };
	SDL_Event events[] = { { .key = { .type = SDL_KEYDOWN, .keysym = { .sym = SDLK_q } } },
		{ .key = { .type = SDL_KEYDOWN, .keysym = { .sym = SDLK_ESCAPE } } }, close,
		{ .quit = { .type = SDL_QUIT } } };
	struct window_stand stand;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		window_stand_open(&stand, &window_stand_software);
		assert_int_equal(window_stand_tick(&stand), SINK_OK);
		SDL_PushEvent(&events[i]);
		assert_int_equal(window_stand_tick(&stand), SINK_DONE);
		window_stand_draw(&stand, "xrgb8888", 64, 64, 0);
		assert_int_equal(window_stand_show(&stand), SINK_DONE);
		window_stand_close(&stand);
	}
}

static void keys_of_others_are_left_alone(void **state)
{
	SDL_Event event = { .key = { .type = SDL_KEYDOWN,
		                    .keysym = { .sym = SDLK_q, .mod = KMOD_LCTRL } } };
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	SDL_PushEvent(&event);
	event.key.keysym.mod = KMOD_NONE;
	event.key.repeat = 1;
	SDL_PushEvent(&event);
	window_stand_press(SDLK_x);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	window_stand_close(&stand);
}

static bool is_fullscreen(struct window_stand *stand)
{
	return SDL_GetWindowFlags(sink_window_handle(stand->sink)) & SDL_WINDOW_FULLSCREEN;
}

static void f_and_double_click_toggle_fullscreen_and_esc_leaves_it(void **state)
{
	SDL_Event click = {
		.button = { .type = SDL_MOUSEBUTTONDOWN, .button = SDL_BUTTON_LEFT, .clicks = 2 }
	};
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_press(SDLK_f);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	assert_true(is_fullscreen(&stand));
	window_stand_press(SDLK_f);
	window_stand_tick(&stand);
	assert_false(is_fullscreen(&stand));
	SDL_PushEvent(&click);
	window_stand_tick(&stand);
	assert_true(is_fullscreen(&stand));
	window_stand_press(SDLK_ESCAPE);
	assert_int_equal(window_stand_tick(&stand), SINK_OK);
	assert_false(is_fullscreen(&stand));
	window_stand_press(SDLK_ESCAPE);
	assert_int_equal(window_stand_tick(&stand), SINK_DONE);
	window_stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(o_shows_and_hides_the_overlay),
		cmocka_unit_test(q_esc_and_the_close_button_end_it),
		cmocka_unit_test(keys_of_others_are_left_alone),
		cmocka_unit_test(f_and_double_click_toggle_fullscreen_and_esc_leaves_it),
	};

	window_stand_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
