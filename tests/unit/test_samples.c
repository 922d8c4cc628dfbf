/* SPDX-License-Identifier: MIT */
/*
 * Percentiles against their definition, by counting.
 */
#include "samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* Needs the four above. */
#include <cmocka.h>

static void keep(struct samples *samples, uint64_t value)
{
	assert_int_equal(samples_add(samples, value), 0);
}

static void none_has_no_percentile(void **state)
{
	struct samples samples;
	uint64_t value = 5;

	(void)state;
	samples_init(&samples);
	assert_false(samples_percentile(&samples, 500, &value));
	assert_false(samples_percentile(&samples, 1000, &value));
	assert_true(value == 5);
	samples_finish(&samples);
	samples_finish(&samples);
	samples_finish(NULL);
}

static void known_ranks(void **state)
{
	struct samples samples;
	uint64_t value;

	(void)state;
	samples_init(&samples);
	keep(&samples, 30);
	assert_true(samples_percentile(&samples, 0, &value) && value == 30);
	assert_true(samples_percentile(&samples, 1000, &value) && value == 30);
	keep(&samples, 10);
	keep(&samples, 40);
	keep(&samples, 20);
	assert_true(samples_percentile(&samples, 0, &value) && value == 10);
	assert_true(samples_percentile(&samples, 250, &value) && value == 10);
	assert_true(samples_percentile(&samples, 251, &value) && value == 20);
	assert_true(samples_percentile(&samples, 500, &value) && value == 20);
	assert_true(samples_percentile(&samples, 990, &value) && value == 40);
	/* One more after they were sorted. */
	keep(&samples, 5);
	assert_true(samples_percentile(&samples, 0, &value) && value == 5);
	assert_true(samples_percentile(&samples, 500, &value) && value == 20);
	samples_finish(&samples);
}

/* The smallest kept value that at least permille/1000 of all do not exceed. */
static void check_by_counting(struct samples *samples, unsigned permille)
{
	uint64_t value;
	size_t not_above = 0;
	size_t below = 0;

	assert_true(samples_percentile(samples, permille, &value));
	for (size_t i = 0; i < samples->count; i++) {
		not_above += samples->values[i] <= value;
		below += samples->values[i] < value;
	}
	assert_true(not_above * 1000 >= permille * samples->count);
	assert_true(below * 1000 < permille * samples->count || below == 0);
	assert_true(not_above > below);
}

static void percentiles_match_their_definition(void **state)
{
	static const unsigned wanted[] = { 1, 500, 900, 950, 990, 1000 };

	(void)state;
	srandom(3);
	for (size_t count = 1; count < 3000; count += 1 + count / 7) {
		struct samples samples;

		samples_init(&samples);
		for (size_t i = 0; i < count; i++) {
			keep(&samples, (uint64_t)random() % 500);
		}
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			check_by_counting(&samples, wanted[i]);
		}
		samples_finish(&samples);
	}
}

static void p999_needs_a_thousand(void **state)
{
	struct samples samples;
	uint64_t value;

	(void)state;
	samples_init(&samples);
	for (uint64_t i = 0; i < 999; i++) {
		keep(&samples, i);
	}
	assert_false(samples_percentile(&samples, 999, &value));
	assert_true(samples_percentile(&samples, 990, &value));
	keep(&samples, UINT64_MAX);
	assert_true(samples_percentile(&samples, 999, &value) && value == 998);
	assert_true(samples_percentile(&samples, 1000, &value) && value == UINT64_MAX);
	samples_finish(&samples);
}

static void every_sample_is_kept(void **state)
{
	struct samples samples;
	uint64_t value;

	(void)state;
	samples_init(&samples);
	for (uint64_t i = 0; i < 100000; i++) {
		keep(&samples, 100000 - i);
	}
	assert_int_equal(samples.count, 100000);
	for (unsigned permille = 1; permille <= 1000; permille++) {
		assert_true(samples_percentile(&samples, permille, &value));
		assert_true(value == 100 * permille);
	}
	samples_finish(&samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_has_no_percentile),
		cmocka_unit_test(known_ranks),
		cmocka_unit_test(percentiles_match_their_definition),
		cmocka_unit_test(p999_needs_a_thousand),
		cmocka_unit_test(every_sample_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
