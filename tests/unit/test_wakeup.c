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
#include <sys/eventfd.h>
#include <unistd.h>
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

static void a_way_has_a_name(void **state)
{
	enum wakeup_way way = WAKEUP_SPIN;

	(void)state;
	for (enum wakeup_way i = WAKEUP_AUTO; i <= WAKEUP_SPIN; i++) {
		assert_true(wakeup_parse_way(wakeup_way_name(i), &way));
		assert_int_equal(way, i);
	}
	assert_false(wakeup_parse_way("", &way));
	assert_false(wakeup_parse_way("doorbel", &way));
	assert_false(wakeup_parse_way("doorbells", &way));
	assert_int_equal(way, WAKEUP_SPIN);
}

/* Readable, and nobody takes it off. */
static int make_event(void)
{
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static enum wakeup_end wait_for_event(struct wakeup *wakeup, size_t looks_until)
{
	struct looks looks = { .until = looks_until };
	const struct wakeup_wish wish = { .holds = after_some_looks, .argument = &looks };
	enum wakeup_end end = WAKEUP_TIMEOUT;

	/* A process that stands still for the whole time has to try again. */
	for (unsigned i = 0; i < 20 && end == WAKEUP_TIMEOUT; i++) {
		end = wakeup_wait(wakeup, &wish, UINT64_MAX);
	}
	return end;
}

static void an_event_ends_the_wait_in_every_way(void **state)
{
	struct doorbell bell = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	struct wakeup wakeup;

	(void)state;
	for (enum wakeup_way way = WAKEUP_AUTO; way <= WAKEUP_SPIN; way++) {
		for (unsigned with_bell = 0; with_bell < 2; with_bell++) {
			wakeup_init(&wakeup, way, NS_PER_MS);
			wakeup_listen(&wakeup, with_bell ? &bell : NULL);
			wakeup.events_fd = make_event();
			assert_int_equal(wait_for_event(&wakeup, SIZE_MAX), WAKEUP_EVENT);
			assert_int_equal(wakeup.counts.sleeps, way != WAKEUP_SPIN);
			assert_int_equal(wakeup.counts.rung, 0);
			/* News come first. */
			assert_int_equal(wait_for_event(&wakeup, 1), WAKEUP_NEWS);
			close(wakeup.events_fd);
		}
	}
	close(bell.fd);
}

/* A descriptor that is always readable, as of a connection that broke, costs no core. */
static void a_storm_of_events_is_not_listened_to(void **state)
{
	struct looks looks = { .until = SIZE_MAX };
	const struct wakeup_wish wish = { .holds = after_some_looks, .argument = &looks };
	struct wakeup wakeup;
	unsigned events = 0;

	(void)state;
	wakeup_init(&wakeup, WAKEUP_AUTO, NS_PER_MS);
	wakeup.events_fd = make_event();
	/* The slower this goes, the fewer are in a second. */
	while (wakeup.event_storm.masked_until_ns == 0) {
		assert_true(events < 200 * WAKEUP_STORM);
		events += wakeup_wait(&wakeup, &wish, UINT64_MAX) == WAKEUP_EVENT;
	}
	assert_true(events > WAKEUP_STORM);
	while (wakeup_wait(&wakeup, &wish, UINT64_MAX) == WAKEUP_EVENT) {
		/* The mask may have ended while this process stood still. */
		assert_true(clock_now_ns() >= wakeup.event_storm.masked_until_ns);
	}
	assert_int_equal(wakeup.counts.masks, 0);
	wakeup.event_storm.masked_until_ns = clock_now_ns();
	assert_int_equal(wait_for_event(&wakeup, SIZE_MAX), WAKEUP_EVENT);
	close(wakeup.events_fd);
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
		cmocka_unit_test(a_way_has_a_name),
		cmocka_unit_test(an_event_ends_the_wait_in_every_way),
		cmocka_unit_test(a_storm_of_events_is_not_listened_to),
		/* Last, for a request to stop cannot be taken back. */
		cmocka_unit_test(a_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
