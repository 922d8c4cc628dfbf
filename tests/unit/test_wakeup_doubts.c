/* SPDX-License-Identifier: MIT */
/*
 * Waiting with a doorbell that is no good, or looks as if it were not: rings that are lost, late,
 * or far too many.
 */
#include "log.h"
#include "wakeup_night.h"

#include <sys/timerfd.h>

static void news_without_a_ring(struct night *night, unsigned armed)
{
	night->news = night->news || armed == 1;
}

static void rings_that_never_come_are_given_up(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = news_without_a_ring;
	for (unsigned i = 1; i <= WAKEUP_LOST; i++) {
		assert_true(is_in_use(&night, "doorbell"));
		wait_for_news(&night, SHORT_NS);
		assert_int_equal(night.wakeup.counts.lost, i);
		assert_int_equal(night.arms, i);
	}
	assert_int_equal(night.wakeup.counts.masks, 1);
	assert_true(is_in_use(&night, "poll"));
	night.behind = NULL;
	assert_int_equal(wait_for(&night, SHORT_NS), WAKEUP_TIMEOUT);
	/* It sleeps, and does not ask for rings that it would not hear. */
	assert_true(night.wakeup.counts.sleeps > WAKEUP_LOST);
	assert_int_equal(night.arms, WAKEUP_LOST);
	/* The time is up: another try. */
	assert_string_equal(
	        wakeup_in_use(&night.wakeup, clock_now_ns() + WAKEUP_MASK_NS), "doorbell");
	night.wakeup.bell_storm.masked_until_ns = clock_now_ns();
	night.behind = news_and_ring;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.wakeup.counts.rung, 1);
	assert_true(is_in_use(&night, "doorbell"));
	tear_down(&night);
}

static void one_ring_in_four_is_dropped(struct night *night, unsigned armed)
{
	if (armed == 1) {
		night->news = true;
		if (night->turn % 4 != 0) {
			ring(night);
		}
	}
}

static void some_lost_rings_are_put_up_with(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = one_ring_in_four_is_dropped;
	for (night.turn = 0; night.turn < 40; night.turn++) {
		wait_for_news(&night, SHORT_NS);
	}
	assert_int_equal(night.wakeup.counts.lost, 10);
	assert_int_equal(night.wakeup.counts.rung, 30);
	assert_int_equal(night.wakeup.counts.masks, 0);
	assert_true(is_in_use(&night, "doorbell"));
	tear_down(&night);
}

static void news_at_the_limit_and_its_ring_later(struct night *night, unsigned armed)
{
	if (armed == 1) {
		night->news = true;
	} else if (armed == 2) {
		ring(night);
	}
}

static void a_ring_that_lags_is_not_lost(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = news_at_the_limit_and_its_ring_later;
	for (unsigned i = 1; i <= 2 * WAKEUP_LOST; i++) {
		wait_for_news(&night, SHORT_NS);
		assert_int_equal(night.wakeup.counts.rung, i);
		assert_false(is_readable(night.bell.fd));
	}
	assert_int_equal(night.wakeup.counts.lost, 0);
	assert_int_equal(night.wakeup.counts.masks, 0);
	tear_down(&night);
}

static void news_at_the_limit_and_an_event(struct night *night, unsigned armed)
{
	/* Within the time that a ring may lag: for a timer is read like a bell. */
	const struct itimerspec soon = { .it_value.tv_nsec = WAKEUP_GRACE_NS / 4 };
	uint64_t one = 1;

	if (armed == 1) {
		night->news = true;
	} else if (armed == 2) {
		assert_int_equal(write(night->wakeup.events_fd, &one, sizeof(one)), sizeof(one));
		assert_int_equal(timerfd_settime(night->bell.fd, 0, &soon, NULL), 0);
	}
}

/* Whoever moves the mouse meanwhile does not make the doorbell a bad one. */
static void an_event_is_not_taken_for_the_ring(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	close(night.bell.fd);
	night.bell.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	assert_true(night.bell.fd >= 0);
	night.wakeup.events_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	night.behind = news_at_the_limit_and_an_event;
	wait_for_news(&night, SHORT_NS);
	assert_int_equal(night.wakeup.counts.rung, 1);
	assert_int_equal(night.wakeup.counts.lost, 0);
	close(night.wakeup.events_fd);
	tear_down(&night);
}

static void a_limit_without_news_is_no_loss(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	for (unsigned i = 1; i <= 2 * WAKEUP_LOST; i++) {
		assert_int_equal(wait_for(&night, SHORT_NS), WAKEUP_TIMEOUT);
		assert_int_equal(night.wakeup.counts.timeouts, i);
	}
	assert_int_equal(night.wakeup.counts.lost, 0);
	assert_int_equal(night.wakeup.counts.masks, 0);
	/* A wait whose time is up arms nothing. */
	night.arms = night.disarms = 0;
	assert_int_equal(wait_for(&night, 0), WAKEUP_TIMEOUT);
	assert_int_equal(night.arms, 0);
	tear_down(&night);
}

/* Rings for nothing, until nobody listens any more; news come then. */
static void storm(struct night *night, unsigned armed)
{
	if (armed == 1) {
		ring(night);
	}
	if (night->wakeup.counts.masks == 0) {
		assert_true(night->wakeup.counts.spurious <= WAKEUP_STORM + 1);
	} else {
		night->news = ++night->turn >= 3;
	}
}

static void a_storm_is_not_listened_to(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = storm;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.wakeup.counts.masks, 1);
	assert_true(night.wakeup.counts.spurious > WAKEUP_STORM);
	assert_int_equal(night.arms, night.wakeup.counts.spurious);
	assert_true(is_in_use(&night, "poll"));
	tear_down(&night);
}

static void rings_that_find_something_are_no_storm(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = news_and_ring;
	for (unsigned i = 0; i < 2 * WAKEUP_STORM; i++) {
		wait_for_news(&night, UINT64_MAX);
	}
	assert_int_equal(night.wakeup.counts.rung, 2 * WAKEUP_STORM);
	assert_int_equal(night.wakeup.counts.masks, 0);
	tear_down(&night);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_that_never_come_are_given_up),
		cmocka_unit_test(some_lost_rings_are_put_up_with),
		cmocka_unit_test(a_ring_that_lags_is_not_lost),
		cmocka_unit_test(an_event_is_not_taken_for_the_ring),
		cmocka_unit_test(a_limit_without_news_is_no_loss),
		cmocka_unit_test(a_storm_is_not_listened_to),
		cmocka_unit_test(rings_that_find_something_are_no_storm),
	};

	/* The warnings are meant for a person who waits for frames. */
	log_init("test_wakeup_doubts", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
