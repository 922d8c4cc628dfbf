/* SPDX-License-Identifier: MIT */
#include "complaint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void text_is_formatted(void **state)
{
	struct complaint why;

	(void)state;
	complain(&why, "%s: %d", "thing", 7);
	assert_string_equal(why.text, "thing: 7");
}

static void control_characters_become_marks(void **state)
{
	struct complaint why;

	(void)state;
	complain(&why, "a%sb", "\n\x1b[2J\x7f");
	assert_string_equal(why.text, "a??[2J?b");
}

static void text_that_is_too_long_is_cut(void **state)
{
	struct complaint why;
	char text[sizeof(why.text) * 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	complain(&why, "%s", text);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_formatted),
		cmocka_unit_test(control_characters_become_marks),
		cmocka_unit_test(text_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
