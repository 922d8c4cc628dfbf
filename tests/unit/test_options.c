/* SPDX-License-Identifier: MIT */
/*
 * Strict numbers and seconds.
 */
#include "options.h"
#include "place.h"

static void numbers_within_bounds(void **state)
{
	struct complaint why;
	uint64_t value;

	(void)state;
	assert_int_equal(options_parse_number("0", 0, 0, &value, &why), 0);
	assert_true(value == 0);
	assert_int_equal(options_parse_number("1", 1, 8, &value, &why), 0);
	assert_true(value == 1);
	assert_int_equal(options_parse_number("8", 1, 8, &value, &why), 0);
	assert_true(value == 8);
	assert_int_equal(options_parse_number("007", 1, 8, &value, &why), 0);
	assert_true(value == 7);
	assert_int_equal(
	        options_parse_number("18446744073709551615", 0, UINT64_MAX, &value, &why), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(
	        options_parse_number("18446744073709551616", 0, UINT64_MAX, &value, &why), -EINVAL);
}

static void other_numbers_are_refused(void **state)
{
	static const char *const cases[] = { "", "0", "9", "-1", "+1", " 1", "1 ", "1.0", "0x1",
		"one", "18446744073709551617", "99999999999999999999999" };
	struct complaint why;
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(options_parse_number(cases[i], 1, 8, &value, &why), -EINVAL);
		assert_true(value == 77);
		assert_says(&why, "from 1 to 8");
		assert_says(&why, cases[i]);
	}
}

static void seconds_are_decimal(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "10", UINT64_C(10000000000) },
		{ "0.5", 500000000 },
		{ "1.25", 1250000000 },
		{ "0.000000001", 1 },
		{ "0.100000000", 100000000 },
		{ "1000000000", UINT64_C(1000000000000000000) },
	};
	struct complaint why;
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ns = 7;
		assert_int_equal(options_parse_seconds(cases[i].text, &ns, &why), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void other_seconds_are_refused(void **state)
{
	static const char *const cases[] = { "", ".", ".5", "5.", "-1", "+1", " 1", "1 ", "1s",
		"1,5", "1e3", "0.0000000001", "0.-5", "1.2.3", "1000000000.1", "1000000001", "inf",
		"nan", "18446744073709551616" };
	struct complaint why;
	uint64_t ns = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why.text[0] = '\0';
		assert_int_equal(options_parse_seconds(cases[i], &ns, &why), -EINVAL);
		assert_true(ns == 7);
		assert_says(&why, "10 or 0.5");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_within_bounds),
		cmocka_unit_test(other_numbers_are_refused),
		cmocka_unit_test(seconds_are_decimal),
		cmocka_unit_test(other_seconds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
