/* SPDX-License-Identifier: MIT */
#include "arrival.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define PERIOD    (16 * NS_PER_MS)
#define PUBLISHED (UINT64_C(7) * NS_PER_S)
/* The two clocks are a day apart, in either direction. */
#define DAY (UINT64_C(86400) * NS_PER_S)

/* Frames first..last of a stream; each is seen a little late, by another amount. */
static void play(
        struct arrival *arrival, uint64_t first, uint64_t last, uint64_t apart, uint64_t jitter_ns)
{
	for (uint64_t i = first; i <= last; i++) {
		uint64_t published_ns = PUBLISHED + i * PERIOD + i * 7919 % 5 * jitter_ns / 4;

		arrival_note(arrival, i, published_ns,
		        published_ns + apart + 10 * NS_PER_US + i % 3 * 40 * NS_PER_US);
	}
}

static void little_is_nothing(void **state)
{
	struct arrival arrival = { 0 };
	struct arrival_window window;

	(void)state;
	assert_false(arrival_expect(&arrival, &window));
	play(&arrival, 1, ARRIVAL_ENOUGH - 1, 0, 0);
	assert_false(arrival_expect(&arrival, &window));
	play(&arrival, ARRIVAL_ENOUGH, ARRIVAL_ENOUGH, 0, 0);
	assert_true(arrival_expect(&arrival, &window));
}

static void assert_next(const struct arrival *arrival, uint64_t sequence, uint64_t apart)
{
	uint64_t due_ns = PUBLISHED + sequence * PERIOD + apart + 10 * NS_PER_US;
	struct arrival_window window;

	assert_true(arrival_expect(arrival, &window));
	/* The shortest way counts, so the middle is where the frame really is. */
	assert_true(window.early_ns == due_ns - ARRIVAL_MARGIN_MIN);
	assert_true(window.late_ns == due_ns + ARRIVAL_MARGIN_MIN);
}

static void a_steady_stream_is_expected_on_time(void **state)
{
	static const uint64_t days[] = { 0, DAY, -DAY };

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		struct arrival arrival = { 0 };

		for (uint64_t last = 20; last < 500; last++) {
			play(&arrival, last == 20 ? 1 : last, last, days[i], 0);
			assert_next(&arrival, last + 1, days[i]);
		}
	}
}

static void skipped_frames_count_as_frames(void **state)
{
	struct arrival arrival = { 0 };

	(void)state;
	for (uint64_t i = 1; i < 200; i += 1 + i % 4) {
		play(&arrival, i, i, DAY, 0);
		if (i > 30) {
			assert_next(&arrival, i + 1, DAY);
		}
	}
}

static void jitter_widens_the_window(void **state)
{
	struct arrival arrival = { 0 };
	struct arrival_window window;

	(void)state;
	play(&arrival, 1, 100, 0, 2 * NS_PER_MS);
	assert_true(arrival_expect(&arrival, &window));
	assert_true(window.late_ns - window.early_ns > 2 * NS_PER_MS);
	assert_true(window.late_ns - window.early_ns <= PERIOD);
}

static void what_has_no_period_is_not_expected(void **state)
{
	struct arrival_window window;
	struct arrival arrival = { 0 };

	(void)state;
	/* Too fast to sleep at all, too slow to wait for, backwards, and garbage. */
	for (uint64_t i = 1; i < 30; i++) {
		arrival_note(&arrival, i, i * NS_PER_MS, i * NS_PER_MS);
	}
	assert_false(arrival_expect(&arrival, &window));
	memset(&arrival, 0, sizeof(arrival));
	for (uint64_t i = 1; i < 30; i++) {
		arrival_note(&arrival, i, i * 3 * NS_PER_S, i * 3 * NS_PER_S);
	}
	assert_false(arrival_expect(&arrival, &window));
	memset(&arrival, 0, sizeof(arrival));
	for (uint64_t i = 1; i < 30; i++) {
		arrival_note(&arrival, i, PUBLISHED - i * PERIOD, i * PERIOD);
	}
	assert_false(arrival_expect(&arrival, &window));
	for (uint64_t i = 30; i < 5000; i++) {
		arrival_note(&arrival, i, i * i * UINT64_C(0x9e3779b97f4a7c15), UINT64_MAX - i);
		(void)arrival_expect(&arrival, &window);
	}
}

static void another_session_is_learned_anew(void **state)
{
	struct arrival arrival = { 0 };
	struct arrival_window window;

	(void)state;
	play(&arrival, 1, 100, 0, 0);
	play(&arrival, 1, 1, DAY, 0);
	assert_false(arrival_expect(&arrival, &window));
	play(&arrival, 2, 40, DAY, 0);
	assert_next(&arrival, 41, DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_is_nothing),
		cmocka_unit_test(a_steady_stream_is_expected_on_time),
		cmocka_unit_test(skipped_frames_count_as_frames),
		cmocka_unit_test(jitter_widens_the_window),
		cmocka_unit_test(what_has_no_period_is_not_expected),
		cmocka_unit_test(another_session_is_learned_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
