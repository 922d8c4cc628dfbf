/* SPDX-License-Identifier: MIT */
/*
 * Waiting, judged by what was counted: never by how long it took.
 */
#include "wakeup.h"
#include "stop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* Needs the four above. */
#include <cmocka.h>

#define SHORTEST_NS (50 * NS_PER_US)

/* Holds from the n-th look on; never with SIZE_MAX. */
struct looks {
	size_t until;
	size_t count;
};

static bool wait_until(
        struct wakeup *wakeup, bool (*holds)(void *argument), void *argument, uint64_t timeout_ns)
{
	const struct wakeup_wish wish = { .holds = holds, .argument = argument };

	return wakeup_wait(wakeup, &wish, timeout_ns) == WAKEUP_NEWS;
}

static bool after_some_looks(void *argument)
{
	struct looks *looks = argument;

	return ++looks->count >= looks->until;
}

static void what_holds_already_is_seen_at_once(void **state)
{
	struct looks looks = { .until = 1 };
	struct wakeup wakeup;

	(void)state;
	wakeup_init(&wakeup, WAKEUP_AUTO, NS_PER_MS);
	assert_true(wait_until(&wakeup, after_some_looks, &looks, 0));
	assert_int_equal(looks.count, 1);
	assert_int_equal(wakeup.counts.waits, 1);
	assert_int_equal(wakeup.counts.sleeps, 0);
	assert_int_equal(wakeup.counts.timeouts, 0);
}

/* Holds once there was a sleep since the wait began. */
struct nap {
	const struct wakeup *wakeup;
	uint64_t sleeps_before;
};

static bool after_a_sleep(void *argument)
{
	const struct nap *nap = argument;

	return nap->wakeup->counts.sleeps > nap->sleeps_before;
}

static void it_looks_again_after_a_sleep(void **state)
{
	struct wakeup wakeup;
	bool found = false;

	(void)state;
	wakeup_init(&wakeup, WAKEUP_AUTO, NS_PER_MS);
	/* The first will do, unless this process stood still for the whole limit. */
	for (int i = 0; i < 100 && !found; i++) {
		struct nap nap = { &wakeup, wakeup.counts.sleeps };

		found = wait_until(&wakeup, after_a_sleep, &nap, UINT64_MAX);
	}
	assert_true(found);
	assert_true(wakeup.sleep_ns == SHORTEST_NS);
}

static void sleeps_grow_to_the_longest(void **state)
{
	static const uint64_t longest[] = { NS_PER_MS, 10 * NS_PER_MS, 3600 * NS_PER_S };

	(void)state;
	for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		uint64_t most = longest[i] < WAKEUP_LIMIT_NS ? longest[i] : WAKEUP_LIMIT_NS;
		struct looks looks = { .until = SIZE_MAX };
		uint64_t expected = SHORTEST_NS;
		struct wakeup wakeup;

		wakeup_init(&wakeup, WAKEUP_AUTO, longest[i]);
		/* Far longer than the limit, which cuts it. */
		assert_false(wait_until(&wakeup, after_some_looks, &looks, UINT64_MAX));
		assert_int_equal(wakeup.counts.timeouts, 1);
		assert_true(wakeup.counts.sleeps >= 1);
		for (uint64_t k = 0; k < wakeup.counts.sleeps; k++) {
			expected = 2 * expected < most ? 2 * expected : most;
		}
		assert_true(wakeup.sleep_ns == expected);
		/* A look after each sleep, and those while it was spinning. */
		assert_true(looks.count > wakeup.counts.sleeps);
		looks = (struct looks) { .until = 1 };
		assert_true(wait_until(&wakeup, after_some_looks, &looks, 0));
		assert_true(wakeup.sleep_ns == SHORTEST_NS);
	}
}

static void without_time_it_looks_once_more_and_ends(void **state)
{
	struct looks looks = { .until = SIZE_MAX };
	struct wakeup wakeup;

	(void)state;
	wakeup_init(&wakeup, WAKEUP_AUTO, NS_PER_MS);
	for (unsigned i = 1; i <= 3; i++) {
		assert_false(wait_until(&wakeup, after_some_looks, &looks, 0));
		assert_int_equal(wakeup.counts.waits, i);
		assert_int_equal(wakeup.counts.timeouts, i);
		assert_int_equal(wakeup.counts.sleeps, 0);
		assert_true(looks.count >= i);
	}
}

static bool ask_to_stop(void *argument)
{
	(void)argument;
	raise(SIGTERM);
	return false;
}

static void a_signal_ends_the_wait(void **state)
{
	struct wakeup wakeup;

	(void)state;
	stop_on_signals();
	wakeup_init(&wakeup, WAKEUP_AUTO, NS_PER_MS);
	assert_false(wait_until(&wakeup, ask_to_stop, NULL, UINT64_MAX));
	assert_int_equal(wakeup.counts.timeouts, 0);
	assert_int_equal(wakeup.counts.sleeps, 0);
}

/* Counts its looks; the stream that was learned is due much later. */
static void nobody_looks_before_a_frame_is_expected(void **state)
{
	struct looks looks = { .until = SIZE_MAX };
	struct wakeup wakeup;
	uint64_t now_ns = clock_now_ns();

	(void)state;
	wakeup_init(&wakeup, WAKEUP_AUTO, NS_PER_MS);
	for (uint64_t i = 1; i <= 10; i++) {
		wakeup_learn(&wakeup, i, i * NS_PER_S, now_ns - (10 - i) * NS_PER_S);
	}
	assert_false(wait_until(&wakeup, after_some_looks, &looks, 20 * NS_PER_MS));
	/* One sleep through the whole wait, a look before it and one behind it. */
	assert_int_equal(wakeup.counts.sleeps, 1);
	assert_int_equal(looks.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_looks_before_a_frame_is_expected),
		cmocka_unit_test(what_holds_already_is_seen_at_once),
		cmocka_unit_test(it_looks_again_after_a_sleep),
		cmocka_unit_test(sleeps_grow_to_the_longest),
		cmocka_unit_test(without_time_it_looks_once_more_and_ends),
		/* Last, for a request to stop cannot be taken back. */
		cmocka_unit_test(a_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
