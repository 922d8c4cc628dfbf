/* SPDX-License-Identifier: MIT */
/*
 * Summaries: what stands in them, and that the file is whole or not there.
 */
#include "summary.h"
#include "place.h"

#include <signal.h>
#include <sys/resource.h>

static void assert_number(json_t *object, const char *key, json_int_t value)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	assert_true(json_integer_value(json_object_get(object, key)) == value);
}

static void without_samples_all_is_null(void **state)
{
	static const char *const keys[] = { "p50", "p90", "p95", "p99", "p999", "max", "min",
		"mean" };
	struct samples samples;
	json_t *object;

	(void)state;
	samples_init(&samples);
	object = summary_percentiles(&samples);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_true(json_is_null(json_object_get(object, keys[i])));
	}
	assert_number(object, "count", 0);
	json_decref(object);
	samples_finish(&samples);
}

static void percentiles_stand_under_their_names(void **state)
{
	struct samples samples;
	json_t *object;

	(void)state;
	samples_init(&samples);
	for (uint64_t i = 1; i <= 999; i++) {
		assert_int_equal(samples_add(&samples, i), 0);
	}
	object = summary_percentiles(&samples);
	assert_true(json_is_null(json_object_get(object, "p999")));
	json_decref(object);
	assert_int_equal(samples_add(&samples, 1000), 0);
	object = summary_percentiles(&samples);
	assert_number(object, "p50", 500);
	assert_number(object, "p90", 900);
	assert_number(object, "p95", 950);
	assert_number(object, "p99", 990);
	assert_number(object, "p999", 999);
	assert_number(object, "max", 1000);
	assert_number(object, "min", 1);
	assert_number(object, "count", 1000);
	assert_true(json_real_value(json_object_get(object, "mean")) == 500.5);
	assert_int_equal(json_object_size(object), 9);
	json_decref(object);
	/* More than JSON's integers here hold. */
	assert_int_equal(samples_add(&samples, UINT64_MAX), 0);
	object = summary_percentiles(&samples);
	assert_true(json_is_null(json_object_get(object, "max")));
	json_decref(object);
	samples_finish(&samples);
}

static json_t *some_object(size_t members)
{
	json_t *object = json_object();
	char key[24];

	for (size_t i = 0; i < members; i++) {
		snprintf(key, sizeof(key), "key%zu", i);
		json_object_set_new(object, key, json_integer((json_int_t)i));
	}
	return object;
}

static void what_was_written_is_read_again(void **state)
{
	const struct place *place = *state;
	json_t *small = some_object(3);
	json_t *large = some_object(3000);
	struct complaint why;
	json_t *read;

	assert_int_equal(summary_write(large, place->path, &why), 0);
	read = json_load_file(place->path, 0, NULL);
	assert_true(json_equal(read, large));
	json_decref(read);
	/* Over an older and longer one. */
	assert_int_equal(summary_write(small, place->path, &why), 0);
	read = json_load_file(place->path, 0, NULL);
	assert_true(json_equal(read, small));
	json_decref(read);
	json_decref(small);
	json_decref(large);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	const struct place *place = *state;
	json_t *small = some_object(3);
	json_t *large = some_object(3000);
	struct complaint why = { "" };
	struct rlimit before;
	struct rlimit limit;
	json_t *read;

	assert_int_equal(summary_write(small, place->path, &why), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit) { 10000, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(summary_write(large, place->path, &why), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_says(&why, place->path);
	read = json_load_file(place->path, 0, NULL);
	assert_true(json_equal(read, small));
	json_decref(read);
	json_decref(small);
	json_decref(large);
}

/* Through links, so that a fault in here costs the link and not the machine's device. */
static void devices_are_written_and_not_replaced(void **state)
{
	const struct place *place = *state;
	json_t *small = some_object(3);
	json_t *large = some_object(3000);
	struct complaint why = { "" };
	struct stat status;

	assert_int_equal(symlink("/dev/full", place->path), 0);
	assert_int_equal(summary_write(large, place->path, &why), -ENOSPC);
	assert_int_equal(summary_write(small, place->path, &why), -ENOSPC);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("/dev/null", place->path), 0);
	assert_int_equal(summary_write(small, place->path, &why), 0);
	assert_int_equal(lstat(place->path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	json_decref(small);
	json_decref(large);
}

static void impossible_paths_are_errors(void **state)
{
	const struct place *place = *state;
	json_t *small = some_object(3);
	struct complaint why = { "" };

	assert_int_equal(summary_write(small, "/nowhere/at/all", &why), -ENOENT);
	assert_says(&why, "/nowhere/at/all");
	assert_int_equal(summary_write(NULL, place->path, &why), -ENOMEM);
	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_int_equal(summary_write(small, place->path, &why), -EISDIR);
	json_decref(small);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_samples_all_is_null),
		cmocka_unit_test(percentiles_stand_under_their_names),
		TEST(what_was_written_is_read_again),
		TEST(a_full_disk_leaves_the_old_file),
		TEST(devices_are_written_and_not_replaced),
		TEST(impossible_paths_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
