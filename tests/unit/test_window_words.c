/* SPDX-License-Identifier: MIT */
#include "overlay.h"
#include "window_words.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct frame_info info = {
	.fourcc = DRM_FORMAT_XRGB8888, .width = 3840, .height = 2160, .stride = 15360
};

static struct view_status status_of(enum link_state link)
{
	return (struct view_status) {
		.link = link,
		.region = "/dev/shm/oriel",
		.detail = "",
		.mode = "latest",
		.digest = "xxh3",
		.waking = "doorbell",
		.rung = 41,
		.spurious = 42,
		.timeouts = 43,
		.frames_per_second = 59.94,
		.verify_ns = 1240000,
		.interval_ns = 16910000,
		.latency = { .notify = 42000, .notify_bound = 12345, .frame = 9300000 },
		.silent_ns = 3900000000,
		.verified = 11,
		.skipped = 22,
		.torn = 33,
		.stale = 44,
		.bad = 55,
	};
}

static void assert_words(struct view_status status, const char *no_picture, const char *expected)
{
	char text[WINDOW_WORDS_SIZE];

	window_words(&status, no_picture, text);
	assert_string_equal(text, expected);
}

static void each_state_says_what_is_the_matter(void **state)
{
	(void)state;
	assert_words(status_of(LINK_WAITING), NULL, "waiting for a producer at /dev/shm/oriel");
	assert_words(status_of(LINK_STALE), NULL, "stale: nothing from the producer for 3 s");
	assert_words(status_of(LINK_GONE), NULL, "gone: nothing from the producer for 3 s");
	assert_words(status_of(LINK_LIVE), NULL, "");
	assert_words(status_of(LINK_IDLE), NULL, "");
	assert_words(
	        status_of(LINK_LIVE), "waiting for the first frame", "waiting for the first frame");
	for (int link = LINK_WAITING; link <= LINK_LOST; link++) {
		struct view_status status = status_of((enum link_state)link);
		char text[WINDOW_WORDS_SIZE];

		window_words(&status, NULL, text);
		assert_int_equal(text[0] == '\0', link == LINK_LIVE || link == LINK_IDLE);
	}
}

static void silence_that_is_not_known_is_not_said(void **state)
{
	struct view_status status = status_of(LINK_STALE);

	(void)state;
	status.silent_ns = 0;
	assert_words(status, NULL, "stale: nothing from the producer");
}

static void details_stand_on_a_line_of_their_own(void **state)
{
	struct view_status status = status_of(LINK_OTHER_VERSION);

	(void)state;
	status.detail = "it speaks 3.0\nthis viewer \x1b[1m 1.0";
	assert_words(status, NULL,
	        "the producer at /dev/shm/oriel speaks another version\n"
	        "it speaks 3.0?this viewer ?[1m 1.0");
	status.detail = NULL;
	assert_words(status, NULL, "the producer at /dev/shm/oriel speaks another version");
}

static void long_words_are_cut(void **state)
{
	struct view_status status = status_of(LINK_WAITING);
	char region[2 * WINDOW_WORDS_SIZE];
	char text[WINDOW_WORDS_SIZE + 1];

	(void)state;
	memset(region, 'r', sizeof(region) - 1);
	region[sizeof(region) - 1] = '\0';
	status.region = region;
	status.detail = region;
	text[WINDOW_WORDS_SIZE] = '!';
	window_words(&status, NULL, text);
	assert_int_equal(strlen(text), WINDOW_WORDS_SIZE - 1);
	assert_int_equal(text[WINDOW_WORDS_SIZE], '!');
}

static void the_title_is_the_picture_or_the_state(void **state)
{
	struct view_status status = status_of(LINK_LIVE);
	char text[WINDOW_WORDS_SIZE];

	(void)state;
	window_words_title(&status, &info, "", text);
	assert_string_equal(text, "Oriel - 3840x2160 - 59.9 fps");
	window_words_title(&status, NULL, "waiting for a producer at X\nmore", text);
	assert_string_equal(text, "Oriel - waiting for a producer at X");
	window_words_title(&status, NULL, "", text);
	assert_string_equal(text, "Oriel - live");
	status.link = LINK_IDLE;
	window_words_title(&status, &info, "", text);
	assert_string_equal(text, "Oriel - 3840x2160 - idle");
}

static void the_overlay_holds_every_number(void **state)
{
	struct view_status status = status_of(LINK_IDLE);
	char text[OVERLAY_TEXT_SIZE];

	(void)state;
	overlay_write(&status, &info, text);
	assert_string_equal(text, "link      idle\n"
	                          "region    /dev/shm/oriel\n"
	                          "mode      latest\n"
	                          "picture   3840x2160 xrgb8888\n"
	                          "rate      59.9 fps\n"
	                          "longest   16.91 ms\n"
	                          "verify    1.24 ms\n"
	                          "notify    0.04 ms +- 0.012\n"
	                          "latency   9.30 ms\n"
	                          "digest    xxh3\n"
	                          "waking    doorbell, 41 rung\n"
	                          "          42 spurious  43 timed out\n"
	                          "verified  11  skipped 22\n"
	                          "dropped   33 torn  44 stale  55 bad");
}

static void the_overlay_says_na_for_what_it_does_not_know(void **state)
{
	const struct view_status status = { .link = LINK_WAITING, .latency = LATENCY_UNKNOWN };
	char text[OVERLAY_TEXT_SIZE];

	(void)state;
	overlay_write(&status, NULL, text);
	assert_non_null(strstr(text, "region    NA\nmode      NA\npicture   NA\n"));
	assert_non_null(strstr(text, "longest   NA\nverify    NA\nnotify    NA\nlatency   NA\n"
	                             "digest    NA\nwaking    NA, 0 rung\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_says_what_is_the_matter),
		cmocka_unit_test(silence_that_is_not_known_is_not_said),
		cmocka_unit_test(details_stand_on_a_line_of_their_own),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(the_title_is_the_picture_or_the_state),
		cmocka_unit_test(the_overlay_holds_every_number),
		cmocka_unit_test(the_overlay_says_na_for_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
