/* SPDX-License-Identifier: MIT */
/*
 * Waiting with a doorbell that rings as it should. Judged by what was counted: never by how long it
 * took.
 */
#include "stop.h"
#include "wakeup_night.h"

#include <signal.h>

static void a_ring_ends_the_sleep(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = news_and_ring;
	for (unsigned i = 1; i <= 3; i++) {
		wait_for_news(&night, UINT64_MAX);
		assert_int_equal(night.arms, i);
		assert_int_equal(night.wakeup.counts.sleeps, i);
		assert_int_equal(night.wakeup.counts.rung, i);
		/* What was rung for is not rung for again. */
		assert_false(is_readable(night.bell.fd));
	}
	assert_int_equal(night.wakeup.counts.spurious, 0);
	assert_int_equal(night.wakeup.counts.lost, 0);
	assert_true(is_in_use(&night, "doorbell"));
	tear_down(&night);
}

static void news_before_the_second_look(struct night *night, unsigned armed)
{
	night->news = armed == 1;
}

static void the_second_look_saves_the_sleep(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.before = news_before_the_second_look;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.arms, 1);
	/* It was announced, so it counts. */
	assert_int_equal(night.wakeup.counts.sleeps, 1);
	tear_down(&night);
}

static void nobody_arms_for_what_is_there(void **state)
{
	struct night night;
	const struct wakeup_wish wish = { look, arm, disarm, &night };

	(void)state;
	set_up(&night);
	night.news = true;
	assert_int_equal(wakeup_wait(&night.wakeup, &wish, UINT64_MAX), WAKEUP_NEWS);
	assert_int_equal(night.looks, 1);
	assert_int_equal(night.arms, 0);
	tear_down(&night);
}

static void ring_in_vain_then_for_news(struct night *night, unsigned armed)
{
	if (armed == 1) {
		night->news = night->arms == 2;
		ring(night);
	}
}

static void a_ring_for_nothing_is_slept_on(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	night.behind = ring_in_vain_then_for_news;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.arms, 2);
	assert_int_equal(night.wakeup.counts.sleeps, 2);
	assert_int_equal(night.wakeup.counts.rung, 2);
	assert_int_equal(night.wakeup.counts.spurious, 1);
	tear_down(&night);
}

static void news_and_ring_in_the_second_sleep(struct night *night, unsigned armed)
{
	if (armed == 1 && night->arms == 2) {
		news_and_ring(night, armed);
	}
}

/* However many they were: they merge. */
static void stale_rings_cost_one_look(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	for (unsigned i = 0; i < 5; i++) {
		ring(&night);
	}
	night.behind = news_and_ring_in_the_second_sleep;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.wakeup.counts.spurious, 1);
	assert_int_equal(night.wakeup.counts.rung, 2);
	night.behind = news_and_ring;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.wakeup.counts.spurious, 1);
	assert_int_equal(night.wakeup.counts.rung, 3);
	tear_down(&night);
}

static void news_and_ring_behind_the_fruitless_look(struct night *night, unsigned armed)
{
	/* The look behind a sleep that was rung for in vain. */
	if (armed == 2 && night->arms == 1) {
		news_and_ring(night, 1);
	}
}

/* It is drained with the old one, and still what it tells of is seen at once. */
static void a_ring_between_look_and_drain_is_not_lost(void **state)
{
	struct night night;

	(void)state;
	set_up(&night);
	ring(&night);
	night.behind = news_and_ring_behind_the_fruitless_look;
	wait_for_news(&night, UINT64_MAX);
	assert_int_equal(night.wakeup.counts.sleeps, 2);
	assert_int_equal(night.arms, 2);
	tear_down(&night);
}

static void nobody_listens_to_what_cannot_ring(void **state)
{
	struct night night;

	(void)state;
	for (enum wakeup_way way = WAKEUP_AUTO; way <= WAKEUP_SPIN; way++) {
		set_up_way(&night, way);
		wakeup_listen(&night.wakeup, NULL);
		assert_null(night.wakeup.doorbell);
		wakeup_listen(&night.wakeup, &(struct doorbell) { .fd = -1 });
		assert_null(night.wakeup.doorbell);
		assert_true(is_in_use(&night, way == WAKEUP_SPIN ? "spin" : "poll"));
		wakeup_listen(&night.wakeup, &night.bell);
		assert_int_equal(night.wakeup.doorbell != NULL,
		        way == WAKEUP_AUTO || way == WAKEUP_DOORBELL);
		tear_down(&night);
	}
}

static void who_polls_or_spins_hears_no_ring(void **state)
{
	struct night night;

	(void)state;
	for (enum wakeup_way way = WAKEUP_POLL; way <= WAKEUP_SPIN; way++) {
		set_up_way(&night, way);
		ring(&night);
		assert_int_equal(wait_for(&night, SHORT_NS), WAKEUP_TIMEOUT);
		assert_int_equal(night.arms, 0);
		assert_int_equal(night.wakeup.counts.rung, 0);
		assert_int_equal(night.wakeup.counts.sleeps != 0, way == WAKEUP_POLL);
		assert_true(is_in_use(&night, wakeup_way_name(way)));
		assert_true(is_readable(night.bell.fd));
		tear_down(&night);
	}
}

static bool ask_to_stop(void *argument)
{
	const struct night *night = argument;

	if (night->is_armed) {
		raise(SIGTERM);
	}
	return false;
}

static void a_signal_ends_an_armed_wait(void **state)
{
	struct night night;
	const struct wakeup_wish wish = { ask_to_stop, arm, disarm, &night };

	(void)state;
	stop_on_signals();
	set_up(&night);
	assert_int_equal(wakeup_wait(&night.wakeup, &wish, UINT64_MAX), WAKEUP_STOPPED);
	assert_int_equal(night.arms, 1);
	assert_int_equal(night.wakeup.counts.timeouts, 0);
	tear_down(&night);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_ends_the_sleep),
		cmocka_unit_test(the_second_look_saves_the_sleep),
		cmocka_unit_test(nobody_arms_for_what_is_there),
		cmocka_unit_test(a_ring_for_nothing_is_slept_on),
		cmocka_unit_test(stale_rings_cost_one_look),
		cmocka_unit_test(a_ring_between_look_and_drain_is_not_lost),
		cmocka_unit_test(nobody_listens_to_what_cannot_ring),
		cmocka_unit_test(who_polls_or_spins_hears_no_ring),
		/* Last, for a request to stop cannot be taken back. */
		cmocka_unit_test(a_signal_ends_an_armed_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
