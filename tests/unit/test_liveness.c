/* SPDX-License-Identifier: MIT */
/*
 * What counts as a sign of life, and our own heartbeat. The only real time in here is a
 * heartbeat's; the bounds are generous.
 */
#include "liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define START_NS (50 * NS_PER_S)

static void only_a_change_is_life(void **state)
{
	struct liveness liveness = { 0 };

	(void)state;
	assert_int_equal(liveness_at(&liveness, START_NS), LIVENESS_UNKNOWN);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(
		        liveness_observe(&liveness, 7, START_NS + i * NS_PER_S), LIVENESS_UNKNOWN);
	}
	assert_int_equal(liveness_observe(&liveness, 8, START_NS + 100 * NS_PER_S), LIVENESS_LIVE);
}

static void any_change_is_life(void **state)
{
	static const uint64_t values[] = { 0, UINT64_MAX, 0, 1, 5, 4, UINT64_C(1) << 63 };
	struct liveness liveness = { 0 };
	uint64_t now_ns = START_NS;

	(void)state;
	liveness_observe(&liveness, 99, now_ns);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		now_ns += 100 * NS_PER_S;
		assert_int_equal(liveness_observe(&liveness, values[i], now_ns), LIVENESS_LIVE);
	}
}

static void silence_is_stale_then_gone(void **state)
{
	static const struct {
		uint64_t after_ns;
		enum liveness_state state;
	} cases[] = {
		{ 0, LIVENESS_LIVE },
		{ LIVENESS_STALE_NS - 1, LIVENESS_LIVE },
		{ LIVENESS_STALE_NS, LIVENESS_STALE },
		{ LIVENESS_GONE_NS - 1, LIVENESS_STALE },
		{ LIVENESS_GONE_NS, LIVENESS_GONE },
		{ 1000 * LIVENESS_GONE_NS, LIVENESS_GONE },
	};
	struct liveness liveness = { 0 };

	(void)state;
	liveness_observe(&liveness, 1, START_NS - NS_PER_S);
	liveness_observe(&liveness, 2, START_NS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		        liveness_at(&liveness, START_NS + cases[i].after_ns), cases[i].state);
		assert_int_equal(liveness_observe(&liveness, 2, START_NS + cases[i].after_ns),
		        cases[i].state);
	}
	/* A clock that goes back makes nobody old. */
	assert_int_equal(liveness_at(&liveness, 0), LIVENESS_LIVE);
	assert_int_equal(
	        liveness_observe(&liveness, 3, START_NS + LIVENESS_GONE_NS), LIVENESS_LIVE);
}

static void wait_for_change(shared_u64 *word, uint64_t from)
{
	uint64_t end_ns = clock_now_ns() + 20 * NS_PER_S;

	while (shared_load_u64(word) == from) {
		assert_true(clock_now_ns() < end_ns);
		clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
	}
}

static void a_heart_beats_until_it_is_stopped(void **state)
{
	struct heartbeat heartbeat = { 0 };
	shared_u64 word;
	uint64_t first;
	uint64_t last;

	(void)state;
	shared_store_u64(&word, 0);
	heartbeat_stop(&heartbeat);
	for (unsigned round = 0; round < 2; round++) {
		first = shared_load_u64(&word);
		assert_int_equal(heartbeat_start(&heartbeat, &word), 0);
		/* The first beat is another number than the last of the life before. */
		wait_for_change(&word, first);
		first = shared_load_u64(&word);
		wait_for_change(&word, first);
		assert_true(shared_load_u64(&word) > first);
		heartbeat_stop(&heartbeat);
		last = shared_load_u64(&word);
		clock_sleep_until_ns(clock_now_ns() + 2 * HEARTBEAT_NS);
		assert_int_equal(shared_load_u64(&word), last);
		heartbeat_stop(&heartbeat);
	}
}

static void stopping_does_not_wait_for_a_beat(void **state)
{
	struct heartbeat heartbeat = { 0 };
	uint64_t start_ns = clock_now_ns();
	shared_u64 word;

	(void)state;
	shared_store_u64(&word, 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(heartbeat_start(&heartbeat, &word), 0);
		heartbeat_stop(&heartbeat);
	}
	assert_true(clock_elapsed_ns(start_ns, clock_now_ns()) < 10 * NS_PER_S);
}

/* The loop's beats go on where the thread's ended, and the other way round. */
static void while_it_rests_the_loop_beats(void **state)
{
	struct heartbeat heartbeat = { 0 };
	shared_u64 word;
	uint64_t last;

	(void)state;
	shared_store_u64(&word, 0);
	assert_int_equal(heartbeat_start(&heartbeat, &word), 0);
	wait_for_change(&word, 0);
	for (unsigned round = 0; round < 3; round++) {
		/* The thread may have been about to beat; then it is the one before. */
		heartbeat_rest(&heartbeat);
		last = shared_load_u64(&word);
		for (unsigned i = 0; i < 50; i++) {
			heartbeat_rest(&heartbeat);
			assert_true(shared_load_u64(&word) == ++last);
		}
		/* However long the loop stays away: it has said that it comes by. */
		clock_sleep_until_ns(clock_now_ns() + 3 * HEARTBEAT_NS);
		assert_true(shared_load_u64(&word) == last);
		heartbeat_resume(&heartbeat);
		heartbeat_resume(&heartbeat);
		wait_for_change(&word, last);
		last++;
		wait_for_change(&word, last);
		assert_true(shared_load_u64(&word) > last);
	}
	heartbeat_stop(&heartbeat);
}

/* A loop that rests and resumes all the time makes it beat no less, whatever the thread does. */
static void a_restless_loop_loses_no_beat(void **state)
{
	struct heartbeat heartbeat = { 0 };
	uint64_t before;
	shared_u64 word;

	(void)state;
	shared_store_u64(&word, 0);
	assert_int_equal(heartbeat_start(&heartbeat, &word), 0);
	before = shared_load_u64(&word);
	wait_for_change(&word, before);
	before = shared_load_u64(&word);
	for (unsigned i = 0; i < 20000; i++) {
		heartbeat_rest(&heartbeat);
		heartbeat_resume(&heartbeat);
	}
	heartbeat_stop(&heartbeat);
	assert_true(shared_load_u64(&word) >= before + 20000);
	assert_true(shared_load_u64(&word) == heartbeat.value);
}

static void one_that_rests_can_be_stopped(void **state)
{
	struct heartbeat heartbeat = { 0 };
	shared_u64 word;
	uint64_t last;

	(void)state;
	shared_store_u64(&word, 0);
	/* One that never started neither rests nor resumes. */
	heartbeat_rest(&heartbeat);
	heartbeat_resume(&heartbeat);
	assert_true(shared_load_u64(&word) == 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(heartbeat_start(&heartbeat, &word), 0);
		heartbeat_rest(&heartbeat);
		last = shared_load_u64(&word);
		heartbeat_stop(&heartbeat);
		assert_true(shared_load_u64(&word) == last);
		/* The loop does not know that it is stopped; nothing is left to wake. */
		assert_false(heartbeat.resting);
		heartbeat_rest(&heartbeat);
		heartbeat_resume(&heartbeat);
		assert_true(shared_load_u64(&word) == last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_change_is_life),
		cmocka_unit_test(any_change_is_life),
		cmocka_unit_test(silence_is_stale_then_gone),
		cmocka_unit_test(a_heart_beats_until_it_is_stopped),
		cmocka_unit_test(stopping_does_not_wait_for_a_beat),
		cmocka_unit_test(while_it_rests_the_loop_beats),
		cmocka_unit_test(a_restless_loop_loses_no_beat),
		cmocka_unit_test(one_that_rests_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
