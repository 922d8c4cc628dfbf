/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START (UINT64_C(100) * 1000000000)

static void nothing_is_no_rate(void **state)
{
	static struct meter meter;
	struct meter_reading reading;

	(void)state;
	meter_init(&meter);
	reading = meter_read(&meter, START);
	assert_true(reading.frames_per_second <= 0);
	assert_int_equal(reading.verify_ns, 0);
	assert_int_equal(reading.interval_ns, 0);
}

static void a_steady_stream_shows_its_rate(void **state)
{
	static struct meter meter;
	struct meter_reading reading;

	(void)state;
	meter_init(&meter);
	for (uint64_t i = 0; i < 200; i++) {
		meter_frame(&meter, START + i * 20 * NS_PER_MS, i < 199 ? 5000 : 900000);
	}
	reading = meter_read(&meter, START + 199 * 20 * NS_PER_MS);
	assert_int_equal((int)(reading.frames_per_second + 0.5), 50);
	assert_int_equal(reading.verify_ns, 5000);
	assert_int_equal(reading.interval_ns, 20 * NS_PER_MS);
}

static void old_frames_do_not_count(void **state)
{
	static struct meter meter;
	struct meter_reading reading;

	(void)state;
	meter_init(&meter);
	meter_frame(&meter, START, 5000);
	reading = meter_read(&meter, START + 3 * NS_PER_S);
	assert_true(reading.frames_per_second <= 0);
	/* The silence itself is the longest interval. */
	assert_int_equal(reading.interval_ns, 3 * NS_PER_S);
}

static void a_stream_faster_than_the_table_is_measured_over_it(void **state)
{
	static struct meter meter;
	struct meter_reading reading;
	uint64_t last_ns = START;

	(void)state;
	meter_init(&meter);
	for (uint64_t i = 0; i < 3 * METER_FRAMES; i++) {
		last_ns = START + i * 100 * NS_PER_US;
		meter_frame(&meter, last_ns, 1);
	}
	reading = meter_read(&meter, last_ns);
	assert_in_range((uint64_t)reading.frames_per_second, 9990, 10010);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_rate),
		cmocka_unit_test(a_steady_stream_shows_its_rate),
		cmocka_unit_test(old_frames_do_not_count),
		cmocka_unit_test(a_stream_faster_than_the_table_is_measured_over_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
