/* SPDX-License-Identifier: MIT */
#include "window_stand.h"

#include "clock.h"
#include "pixel_format.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void every_format_is_exact(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	for (size_t i = 0; pixel_format_at(i); i++) {
		window_stand_show_noise(&stand, pixel_format_at(i)->name, 401, 263, 0);
		window_stand_assert_exact(&stand);
	}
	window_stand_close(&stand);
}

static void every_geometry_is_exact(void **state)
{
	static const struct {
		const char *format;
		uint32_t width, height, padding;
	} frames[] = {
		{ "xrgb8888", 640, 480, 0 },
		{ "xrgb8888", 640, 480, 64 },
		{ "xrgb8888", 700, 480, 0 },
		{ "xrgb8888", 700, 481, 0 },
		{ "rgb888", 1366, 768, 0 },
		{ "rgb888", 1366, 768, 20 },
		{ "rgb565", 321, 241, 4 },
		{ "xrgb2101010", 1366, 768, 4096 },
		{ "abgr8888", 1920, 1080, 0 },
		{ "bgr888", 333, 250, 4 },
	};
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		window_stand_show_noise(&stand, frames[i].format, frames[i].width, frames[i].height,
		        frames[i].padding);
		window_stand_assert_exact(&stand);
	}
	window_stand_close(&stand);
}

static void every_frame_replaces_the_one_before(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	for (int i = 0; i < 5; i++) {
		uint64_t presents = sink_window_presents(stand.sink);

		window_stand_show_noise(&stand, "xrgb8888", 400, 300, 0);
		assert_true(sink_window_presents(stand.sink) > presents);
		window_stand_assert_exact(&stand);
	}
	window_stand_close(&stand);
}

static void a_whole_scale_is_exact_between_black_bars(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 160, 100, 0);
	SDL_SetWindowSize(sink_window_handle(stand.sink), 560, 300);
	window_stand_tick(&stand);
	assert_int_equal(window_stand_differences(&stand, 40, 0, 3), 0);
	for (int y = 0; y < 300; y++) {
		for (int x = 0; x < 560; x++) {
			if (x < 40 || x >= 520) {
				assert_int_equal(stand.shown[y * 560 + x] & 0xffffff, 0);
			}
		}
	}
	window_stand_show_noise(&stand, "xrgb8888", 1, 1, 0);
	SDL_SetWindowSize(sink_window_handle(stand.sink), 320, 240);
	window_stand_tick(&stand);
	assert_int_equal(window_stand_differences(&stand, 40, 0, 240), 0);
	window_stand_close(&stand);
}

static void every_state_shows_and_goes_without_a_trace(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	for (int link = LINK_WAITING; link <= LINK_LOST; link++) {
		bool is_plain = link == LINK_LIVE || link == LINK_IDLE;
		uint64_t presents;

		window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
		window_stand_assert_exact(&stand);
		presents = sink_window_presents(stand.sink);
		stand.status.link = (enum link_state)link;
		window_stand_tick(&stand);
		assert_int_equal(window_stand_differences(&stand, 0, 0, 1) == 0, is_plain);
		assert_true(sink_window_presents(stand.sink) > presents || link == LINK_LIVE);
		presents = sink_window_presents(stand.sink);
		stand.status.link = LINK_LIVE;
		window_stand_show(&stand);
		window_stand_tick(&stand);
		assert_true(sink_window_presents(stand.sink) > presents);
		window_stand_assert_exact(&stand);
	}
	window_stand_close(&stand);
}

/* The brightest channel of the window's first row, where no words stand. */
static uint32_t brightest(const struct window_stand *stand)
{
	uint32_t most = 0;

	for (int x = 0; x < stand->width; x++) {
		for (int shift = 0; shift < 24; shift += 8) {
			uint32_t value = stand->shown[x] >> shift & 0xff;

			most = value > most ? value : most;
		}
	}
	return most;
}

static void words_stand_on_black_or_on_the_dark_picture(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	for (int link = LINK_WAITING; link <= LINK_LOST; link++) {
		if (link == LINK_LIVE || link == LINK_IDLE) {
			continue;
		}
		stand.status.link = LINK_LIVE;
		window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
		stand.status.link = (enum link_state)link;
		window_stand_tick(&stand);
		assert_in_range(window_stand_white(&stand), 100, 20000);
		if (link == LINK_STALE || link == LINK_PAUSED || link == LINK_ENDED) {
			assert_in_range(brightest(&stand), 32, 128);
		} else {
			assert_int_equal(brightest(&stand), 0);
		}
	}
	window_stand_close(&stand);
}

static void words_follow_what_they_say(void **state)
{
	struct window_stand stand;
	uint32_t *before;
	size_t size;
	uint64_t presents;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	stand.status.link = LINK_STALE;
	stand.status.silent_ns = 3 * NS_PER_S;
	window_stand_tick(&stand);
	window_stand_look(&stand);
	size = (size_t)stand.width * (size_t)stand.height * sizeof(*before);
	before = malloc(size);
	memcpy(before, stand.shown, size);
	presents = sink_window_presents(stand.sink);
	stand.status.silent_ns = 4 * NS_PER_S;
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 1);
	window_stand_look(&stand);
	assert_memory_not_equal(before, stand.shown, size);
	free(before);
	window_stand_close(&stand);
}

static void a_frame_wipes_the_words_away(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	stand.status.link = LINK_STALE;
	window_stand_tick(&stand);
	window_stand_show(&stand);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

/* Looks at a window of this size. The first row at or below top with a letter, -1 without. */
static int find_words(struct window_stand *stand, int width, int height, int top)
{
	SDL_SetWindowSize(sink_window_handle(stand->sink), width, height);
	window_stand_tick(stand);
	window_stand_look(stand);
	for (int i = top * stand->width; i < stand->height * stand->width; i++) {
		if ((stand->shown[i] & 0xffffff) == 0xffffff) {
			return i / stand->width;
		}
	}
	return -1;
}

static void words_find_room_beside_the_numbers(void **state)
{
	const char *detail = "words that would take another few lines of their own";
	const int below = 264; /* where the box of the numbers ends */
	struct window_stand stand;
	uint64_t numbers;
	int alone;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 320, 240, 0);
	stand.status.link = LINK_ENDED;
	stand.status.detail = detail;
	alone = find_words(&stand, 320, 700, 0);
	assert_true(find_words(&stand, 320, 400, 0) < below);
	window_stand_press(SDLK_o);
	/* No room, no room below either, room below, room in the middle. */
	assert_int_equal(find_words(&stand, 320, 240, below), -1);
	numbers = window_stand_white(&stand);
	stand.status.detail = "other words";
	window_stand_tick(&stand);
	assert_int_equal(window_stand_white(&stand), numbers);
	stand.status.detail = detail;
	assert_int_equal(find_words(&stand, 320, 300, below), -1);
	assert_in_range(find_words(&stand, 320, 400, below), below, below + 40);
	assert_int_equal(find_words(&stand, 320, 700, below), alone);
	window_stand_close(&stand);
}

static void words_are_broken_anew_when_the_width_changes(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	stand.status.link = LINK_WAITING;
	stand.status.region = "/some/folder with a long name/and a region in it";
	assert_true(find_words(&stand, 320, 600, 0) + 20 < find_words(&stand, 1200, 600, 0));
	window_stand_close(&stand);
}

static void a_picture_of_another_session_never_looks_live(void **state)
{
	static const enum link_state ends[] = { LINK_WAITING, LINK_OTHER_VERSION, LINK_QUARANTINED,
		LINK_LOST };
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
		stand.status.link = ends[i];
		window_stand_tick(&stand);
		stand.status.link = LINK_LIVE;
		window_stand_tick(&stand);
		assert_int_equal(window_stand_white(&stand) > 100, true);
		assert_int_equal(stand.shown[0] & 0xffffff, 0);
	}
	window_stand_close(&stand);
}

static void a_quiet_window_costs_nothing(void **state)
{
	struct window_stand stand;
	uint64_t presents;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_press(SDLK_o);
	stand.status.link = LINK_IDLE;
	for (int i = 0; i < 3; i++) {
		window_stand_tick(&stand);
	}
	presents = sink_window_presents(stand.sink);
	for (int i = 0; i < 60; i++) {
		window_stand_tick(&stand);
		clock_sleep_until_ns(clock_now_ns() + 5 * NS_PER_MS);
	}
	assert_int_equal(sink_window_presents(stand.sink), presents);
	stand.status.verified++;
	clock_sleep_until_ns(clock_now_ns() + 260 * NS_PER_MS);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 1);
	window_stand_close(&stand);
}

static void an_exposed_window_is_drawn_again(void **state)
{
	SDL_Event event = { .window = {
		                    .type = SDL_WINDOWEVENT, .event = SDL_WINDOWEVENT_EXPOSED } };
	struct window_stand stand;
	uint64_t presents;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_tick(&stand);
	presents = sink_window_presents(stand.sink);
	SDL_PushEvent(&event);
	window_stand_tick(&stand);
	assert_int_equal(sink_window_presents(stand.sink), presents + 1);
	window_stand_close(&stand);
}

static void without_a_font_the_title_says_it(void **state)
{
	char config[] = "/tmp/oriel-test-XXXXXX";
	struct window_stand stand;
	int fd;

	(void)state;
	fd = mkstemp(config);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "<fontconfig/>\n", 14), 14);
	close(fd);
	setenv("FONTCONFIG_FILE", config, 1);
	window_stand_open(&stand, &window_stand_software);
	unsetenv("FONTCONFIG_FILE");
	unlink(config);
	stand.status.link = LINK_WAITING;
	window_stand_tick(&stand);
	assert_int_equal(window_stand_white(&stand), 0);
	assert_string_equal(SDL_GetWindowTitle(sink_window_handle(stand.sink)),
	        "Oriel - waiting for a producer at /dev/shm/oriel");
	stand.status.link = LINK_LIVE;
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

static void a_picture_that_cannot_be_shown_is_said_and_survived(void **state)
{
	struct window_stand stand;

	(void)state;
	window_stand_open(&stand, &window_stand_software);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	/* A format that no check would have let pass is what no renderer can be given. */
	stand.frame.info.fourcc = DRM_FORMAT_NV12;
	assert_int_equal(window_stand_show(&stand), SINK_OK);
	window_stand_tick(&stand);
	assert_true(window_stand_white(&stand) > 100);
	window_stand_show_noise(&stand, "xrgb8888", 640, 360, 0);
	window_stand_assert_exact(&stand);
	window_stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_exact),
		cmocka_unit_test(every_geometry_is_exact),
		cmocka_unit_test(every_frame_replaces_the_one_before),
		cmocka_unit_test(a_whole_scale_is_exact_between_black_bars),
		cmocka_unit_test(every_state_shows_and_goes_without_a_trace),
		cmocka_unit_test(words_stand_on_black_or_on_the_dark_picture),
		cmocka_unit_test(words_follow_what_they_say),
		cmocka_unit_test(a_frame_wipes_the_words_away),
		cmocka_unit_test(words_find_room_beside_the_numbers),
		cmocka_unit_test(words_are_broken_anew_when_the_width_changes),
		cmocka_unit_test(a_picture_of_another_session_never_looks_live),
		cmocka_unit_test(a_quiet_window_costs_nothing),
		cmocka_unit_test(an_exposed_window_is_drawn_again),
		cmocka_unit_test(without_a_font_the_title_says_it),
		cmocka_unit_test(a_picture_that_cannot_be_shown_is_said_and_survived),
	};

	window_stand_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
