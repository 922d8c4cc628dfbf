/* SPDX-License-Identifier: MIT */
#include "run_summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void says_who_ran_where_on_what(void **state)
{
	char *arguments[] = { "program", "--res", "\xff" };
	struct region region = { .address = "/dev/shm/x", .mapping = "file", .size = 1 << 20 };
	const struct copy_pass pass = { .name = "a pass" };
	struct copier copier;
	json_t *summary;
	json_t *passes;

	(void)state;
	assert_int_equal(copier_init(&copier, COPY_IN), 0);
	copier.passes[DIGEST_XXH3] = &pass;
	copier.digest_bytes_per_second[DIGEST_XXH3] = 7;
	summary = run_summary_begin("program", 3, arguments, &region, &copier);
	assert_int_equal(
	        json_integer_value(json_object_get(summary, "schema_version")), RUN_SUMMARY_SCHEMA);
	assert_int_equal(json_array_size(json_object_get(summary, "command")), 3);
	/* An argument that is no UTF-8 cannot stand in JSON. */
	assert_string_equal(
	        json_string_value(json_array_get(json_object_get(summary, "command"), 2)), "?");
	assert_string_equal(json_string_value(json_object_get(
	                            json_object_get(summary, "region"), "copy_kernel")),
	        "memcpy");
	/* Not measured is null, never 0. */
	assert_true(json_is_null(
	        json_object_get(json_object_get(summary, "region"), "copy_bytes_per_second")));
	/* In blocks, until a pass is chosen. */
	passes = json_object_get(json_object_get(summary, "region"), "copy_and_digest");
	assert_true(json_is_null(json_object_get(json_object_get(passes, "xxh64"), "pass")));
	assert_string_equal(
	        json_string_value(json_object_get(json_object_get(passes, "xxh3"), "pass")),
	        "a pass");
	assert_int_equal(json_integer_value(json_object_get(
	                         json_object_get(passes, "xxh3"), "bytes_per_second")),
	        7);
	assert_true(json_is_string(json_object_get(json_object_get(summary, "machine"), "kernel")));
	json_decref(summary);
	copier_finish(&copier);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(says_who_ran_where_on_what) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
