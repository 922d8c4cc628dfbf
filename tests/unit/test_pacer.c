/* SPDX-License-Identifier: MIT */
#include "pacer.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START  (UINT64_C(5) * 1000000000)
#define PERIOD (NS_PER_S / 50)

static void no_rate_means_at_once(void **state)
{
	struct pacer pacer;
	uint64_t due_ns = 1;

	(void)state;
	pacer_start(&pacer, 0, START);
	assert_int_equal(pacer_left_ns(&pacer, START), 0);
	assert_int_equal(pacer_take(&pacer, START + 7, &due_ns), 0);
	assert_int_equal(due_ns, 0);
	assert_int_equal(pacer_left_ns(&pacer, START + 7), 0);
}

static void frames_are_due_at_multiples_of_the_period(void **state)
{
	struct pacer pacer;
	uint64_t due_ns;

	(void)state;
	pacer_start(&pacer, 50, START);
	for (uint64_t k = 0; k < 1000; k++) {
		uint64_t jitter_ns = k * 7919 % PERIOD;

		assert_int_equal(pacer_left_ns(&pacer, START + k * PERIOD), 0);
		/* A late frame does not delay the ones behind it. */
		assert_int_equal(pacer_take(&pacer, START + k * PERIOD + jitter_ns, &due_ns), 0);
		assert_int_equal(due_ns, START + k * PERIOD);
		assert_int_equal(
		        pacer_left_ns(&pacer, START + k * PERIOD + jitter_ns), PERIOD - jitter_ns);
	}
}

static void whole_periods_that_went_by_are_counted(void **state)
{
	struct pacer pacer;
	uint64_t due_ns;

	(void)state;
	pacer_start(&pacer, 50, START);
	assert_int_equal(pacer_take(&pacer, START + PERIOD - 1, &due_ns), 0);
	assert_int_equal(due_ns, START);
	/* Due at 1, taken in the middle of 4: 1, 2 and 3 were missed. */
	assert_int_equal(pacer_take(&pacer, START + 4 * PERIOD + PERIOD / 2, &due_ns), 3);
	assert_int_equal(due_ns, START + 4 * PERIOD);
	assert_int_equal(pacer_left_ns(&pacer, START + 4 * PERIOD + PERIOD / 2), PERIOD / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rate_means_at_once),
		cmocka_unit_test(frames_are_due_at_multiples_of_the_period),
		cmocka_unit_test(whole_periods_that_went_by_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
