/* SPDX-License-Identifier: MIT */
#include "resolution.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_one(const char *text, uint32_t width, uint32_t height)
{
	struct resolution list[RESOLUTION_LIST_MAX];
	struct complaint why;

	assert_int_equal(resolution_parse_list(text, list, &why), 1);
	assert_int_equal(list[0].width, width);
	assert_int_equal(list[0].height, height);
}

static void names_stand_for_sizes(void **state)
{
	(void)state;
	check_one("720p", 1280, 720);
	check_one("1080p", 1920, 1080);
	check_one("1440p", 2560, 1440);
	check_one("2160p", 3840, 2160);
	check_one("4k", 3840, 2160);
	check_one("4K", 3840, 2160);
	check_one("1080P", 1920, 1080);
}

static void sizes_are_read(void **state)
{
	(void)state;
	check_one("1366x768", 1366, 768);
	check_one("1366X768", 1366, 768);
	check_one("1x1", 1, 1);
	check_one("16384x16384", 16384, 16384);
	check_one("16384x1", 16384, 1);
	check_one("0640x0480", 640, 480);
}

static void a_list_keeps_its_order(void **state)
{
	struct resolution list[RESOLUTION_LIST_MAX];
	struct complaint why;

	(void)state;
	assert_int_equal(resolution_parse_list("4k,2x3,1080p", list, &why), 3);
	assert_int_equal(list[0].width, 3840);
	assert_int_equal(list[1].width, 2);
	assert_int_equal(list[1].height, 3);
	assert_int_equal(list[2].height, 1080);
}

static void what_is_no_size_is_refused_by_name(void **state)
{
	static const char *const wrong[] = { "", "x", "1080", "1080i", "1920x", "x1080", "0x1",
		"1x0", "16385x1", "1x16385", "-1x1", "1x-1", "+1x1", " 1x1", "1 x1", "1x 1", "1x1 ",
		"1x1x1", "0x10x10", "1.5x2", "1e3x2", "4294967297x1", "99999999999999999999x1",
		"1x99999999999999999999", "4kk", "uhd" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct resolution list[RESOLUTION_LIST_MAX];
		struct complaint why = { "" };

		assert_int_equal(resolution_parse_list(wrong[i], list, &why), -EINVAL);
		assert_non_null(strstr(why.text, "'"));
		assert_non_null(strstr(why.text, "WIDTHxHEIGHT"));
		if (strlen(wrong[i]) < 20) {
			assert_non_null(strstr(why.text, wrong[i]));
		}
	}
}

static void one_wrong_size_spoils_the_list(void **state)
{
	static const char *const wrong[] = { ",", "4k,", ",4k", "4k,,4k", "4k, 4k", "4k;4k",
		"4k,5q" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct resolution list[RESOLUTION_LIST_MAX];
		struct complaint why;

		assert_int_equal(resolution_parse_list(wrong[i], list, &why), -EINVAL);
	}
}

static void a_list_has_a_limit(void **state)
{
	struct resolution list[RESOLUTION_LIST_MAX];
	struct complaint why = { "" };
	char text[4 * RESOLUTION_LIST_MAX + 8] = "1x1";

	(void)state;
	for (uint32_t i = 1; i < RESOLUTION_LIST_MAX; i++) {
		strcat(text, ",1x1");
	}
	assert_int_equal(resolution_parse_list(text, list, &why), RESOLUTION_LIST_MAX);
	strcat(text, ",1x1");
	assert_int_equal(resolution_parse_list(text, list, &why), -EINVAL);
	assert_non_null(strstr(why.text, "32"));
}

static void a_long_word_is_cut_in_the_complaint(void **state)
{
	struct resolution list[RESOLUTION_LIST_MAX];
	struct complaint why = { "" };
	char text[5000];

	(void)state;
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(resolution_parse_list(text, list, &why), -EINVAL);
	assert_true(strlen(why.text) < 150);
	/* A size that is one when cut must not pass. */
	memcpy(text, "1920x1080,", 10);
	memcpy(text + 10, "0000000000000000001x1,", 22);
	text[31] = '\0';
	assert_int_equal(resolution_parse_list(text, list, &why), 2);
	assert_int_equal(resolution_parse_list("00000000000000000001x10000", list, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stand_for_sizes),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(a_list_keeps_its_order),
		cmocka_unit_test(what_is_no_size_is_refused_by_name),
		cmocka_unit_test(one_wrong_size_spoils_the_list),
		cmocka_unit_test(a_list_has_a_limit),
		cmocka_unit_test(a_long_word_is_cut_in_the_complaint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
