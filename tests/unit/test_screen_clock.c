/* SPDX-License-Identifier: MIT */
/*
 * When a screen is looked at: at the full rate while it changes, seldom at rest, and at the full
 * rate again with the look behind the one that saw a change. With a card that has no blanks.
 */
#include "clock.h"
#include "screen_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START  (UINT64_C(5) * NS_PER_S)
#define PERIOD (NS_PER_S / 50)

static const struct screen_beat no_beat = { .card = -1 };

/* One look, this late, which sees a change or none. returns: when the next is due */
static uint64_t look(struct screen_clock *clock, uint64_t late_ns, bool changes)
{
	uint64_t look_ns = clock->next_ns + late_ns;

	if (changes) {
		screen_clock_changed(clock, look_ns);
	}
	screen_clock_plan(clock, &no_beat, look_ns);
	return clock->next_ns;
}

static void start(struct screen_clock *clock)
{
	screen_clock_init(clock, PERIOD);
	screen_clock_set(clock, START);
	look(clock, 0, true);
}

static void a_moving_screen_is_looked_at_on_a_grid(void **state)
{
	struct screen_clock clock;

	(void)state;
	start(&clock);
	for (uint64_t k = 1; k < 500; k++) {
		assert_int_equal(clock.next_ns, START + k * PERIOD);
		look(&clock, k * 7919 % PERIOD, true);
	}
	/* What is later than a period is not made up for. */
	assert_int_equal(look(&clock, 3 * PERIOD, true), START + 503 * PERIOD + PERIOD);
}

static void a_screen_at_rest_is_looked_at_seldom(void **state)
{
	struct screen_clock clock;
	uint64_t then_ns;

	(void)state;
	start(&clock);
	while (clock.next_ns < START + SCREEN_REST_NS) {
		then_ns = clock.next_ns;
		assert_int_equal(look(&clock, 0, false) - then_ns, PERIOD);
	}
	for (unsigned i = 0; i < 100; i++) {
		then_ns = clock.next_ns;
		assert_int_equal(look(&clock, 0, false) - then_ns, SCREEN_REST_PERIODS * PERIOD);
	}
	assert_false(screen_clock_is_moving(&clock, clock.next_ns));
	/* The look that sees a change is followed by one a period later. */
	then_ns = clock.next_ns;
	assert_int_equal(look(&clock, 0, true) - then_ns, PERIOD);
	assert_true(screen_clock_is_moving(&clock, clock.next_ns));
}

/* What moves beside the screen keeps it from rest, and is no change of it. */
static void a_pointer_keeps_it_awake(void **state)
{
	struct screen_clock clock;

	(void)state;
	start(&clock);
	for (uint64_t k = 1; k < 500; k++) {
		assert_int_equal(clock.next_ns, START + k * PERIOD);
		screen_clock_stirred(&clock, clock.next_ns);
		look(&clock, 0, false);
	}
	assert_false(screen_clock_is_moving(&clock, clock.next_ns));
}

static void a_card_without_blanks_is_polled(void **state)
{
	const struct screen_beat promised = { .card = -1, .crtc = 1, .refresh_ns = PERIOD };
	struct screen_clock clock;

	(void)state;
	start(&clock);
	screen_clock_plan(&clock, &promised, clock.next_ns);
	assert_false(clock.vblank.is_awaited);
	assert_int_equal(clock.next_ns, START + 2 * PERIOD);
	assert_true(screen_clock_wait(&clock, clock_now_ns()));
	assert_int_equal(clock.vblanks, 0);
}

/* A blank that was promised and stays out: its look comes all the same, and the next is polled. */
static void a_blank_that_stays_out_is_not_waited_for(void **state)
{
	const struct screen_beat promised = { .card = -1, .crtc = 1, .refresh_ns = PERIOD };
	struct screen_clock clock;

	(void)state;
	screen_clock_init(&clock, PERIOD);
	screen_clock_set(&clock, clock_now_ns() + NS_PER_MS);
	clock.vblank.is_awaited = true;
	assert_true(screen_clock_wait(&clock, clock_now_ns() + 60 * NS_PER_S));
	assert_int_equal(clock.vblanks, 0);
	assert_false(clock.vblank.is_awaited);
	screen_clock_changed(&clock, clock.next_ns);
	screen_clock_plan(&clock, &promised, clock.next_ns);
	assert_false(clock.vblank.is_awaited);
}

static void a_wait_ends_in_time(void **state)
{
	struct screen_clock clock;
	uint64_t end_ns = clock_now_ns() + NS_PER_MS;

	(void)state;
	screen_clock_init(&clock, PERIOD);
	screen_clock_set(&clock, clock_now_ns() + 3600 * NS_PER_S);
	assert_false(screen_clock_wait(&clock, end_ns));
	assert_true(clock_now_ns() >= end_ns);
	clock.vblank.is_awaited = true;
	assert_false(screen_clock_wait(&clock, clock_now_ns() + NS_PER_MS));
	assert_true(clock.vblank.is_awaited);
}

/* A look that comes later is for the next wait, and so is one that there is no time left for. */
static void what_comes_later_is_not_waited_for(void **state)
{
	struct screen_clock clock;
	uint64_t then_ns = clock_now_ns() + 3600 * NS_PER_S;

	(void)state;
	screen_clock_init(&clock, PERIOD);
	screen_clock_set(&clock, then_ns);
	assert_true(screen_clock_is_due_by(&clock, then_ns + 1));
	assert_true(screen_clock_is_due_by(&clock, then_ns));
	assert_false(screen_clock_is_due_by(&clock, then_ns - 1));
	screen_clock_set(&clock, 0);
	assert_true(screen_clock_is_due_by(&clock, then_ns));
	assert_false(screen_clock_is_due_by(&clock, clock_now_ns()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moving_screen_is_looked_at_on_a_grid),
		cmocka_unit_test(a_screen_at_rest_is_looked_at_seldom),
		cmocka_unit_test(a_pointer_keeps_it_awake),
		cmocka_unit_test(a_card_without_blanks_is_polled),
		cmocka_unit_test(a_blank_that_stays_out_is_not_waited_for),
		cmocka_unit_test(a_wait_ends_in_time),
		cmocka_unit_test(what_comes_later_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
