/* SPDX-License-Identifier: MIT */
/*
 * Sizes as people write them.
 */
#include "region.h"
#include "place.h"

static void sizes_are_parsed(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} cases[] = {
		{ "1M", MIB },
		{ "64M", 64 * MIB },
		{ "64m", 64 * MIB },
		{ "1G", 1024 * MIB },
		{ "1024K", MIB },
		{ "67108864", 64 * MIB },
		{ "1T", REGION_SIZE_MAX },
	};
	struct complaint why;
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = 0;
		assert_int_equal(region_parse_size(cases[i].text, &size, &why), 0);
		assert_true(size == cases[i].size);
	}
}

static void other_texts_are_refused(void **state)
{
	static const char *const cases[] = { "", "M", "64MB", "64 M", " 64M", "-64M", "+64M",
		"0x400000", "512K", "2T", "48M", "100000000", "1.5G", "18446744073709551616",
		"17592186044417M", "16777217T", "64M ", "1MM" };
	struct complaint why;
	uint64_t size = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why.text[0] = '\0';
		assert_int_equal(region_parse_size(cases[i], &size, &why), -EINVAL);
		assert_true(size == 7);
		assert_says(&why, "power of two");
	}
	region_parse_size("48M", &size, &why);
	assert_says(&why, "the next is 64M");
}

static void the_next_size_is_a_power_of_two(void **state)
{
	(void)state;
	assert_true(region_size_for(0) == MIB);
	assert_true(region_size_for(MIB) == MIB);
	assert_true(region_size_for(MIB + 1) == 2 * MIB);
	assert_true(region_size_for(3 * MIB) == 4 * MIB);
	assert_true(region_size_for(REGION_SIZE_MAX) == REGION_SIZE_MAX);
	assert_true(region_size_for(UINT64_MAX) == UINT64_C(1) << 63);
}

static void sizes_are_formatted_without_loss(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1000, "1000" },
		{ 1024, "1K" },
		{ 1536, "1536" },
		{ 1536 * 1024, "1536K" },
		{ 128 * MIB, "128M" },
		{ 1024 * MIB, "1G" },
		{ REGION_SIZE_MAX, "1T" },
		{ REGION_SIZE_MAX * 2048, "2048T" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char text[24];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(region_format_size(cases[i].bytes, text), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_parsed),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(the_next_size_is_a_power_of_two),
		cmocka_unit_test(sizes_are_formatted_without_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
