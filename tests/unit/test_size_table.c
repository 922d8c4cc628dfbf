/* SPDX-License-Identifier: MIT */
#include "size_table.h"

#include "clock.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND NS_PER_S

static struct frame_info info_of(uint32_t width)
{
	return (struct frame_info) { DRM_FORMAT_XRGB8888, width, 10, width * 4 };
}

static double real_of(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	assert_true(json_is_real(value));
	return json_real_value(value);
}

static void an_empty_table_has_no_rate(void **state)
{
	static struct size_table table;
	json_t *throughput;

	(void)state;
	size_table_init(&table);
	throughput = size_table_throughput(&table);
	assert_true(json_is_null(json_object_get(throughput, "frames_per_second")));
	json_decref(throughput);
	size_table_finish(&table);
}

static void one_size_is_measured_from_frame_to_frame(void **state)
{
	static struct size_table table;
	struct frame_info info = info_of(100);
	json_t *throughput;

	(void)state;
	size_table_init(&table);
	for (uint64_t i = 0; i < 11; i++) {
		assert_int_equal(size_table_add(&table, &info, 7 * SECOND + i * SECOND / 10, 5),
		        i < WARMUP_FRAMES);
	}
	throughput = size_table_throughput(&table);
	assert_true(real_of(throughput, "frames_per_second") > 9.999);
	assert_true(real_of(throughput, "frames_per_second") < 10.001);
	assert_true(real_of(throughput, "bytes_per_second") > 39999);
	json_decref(throughput);
	assert_int_equal(table.warmup_frames, WARMUP_FRAMES);
	size_table_finish(&table);
}

static void the_gap_between_two_sizes_belongs_to_neither(void **state)
{
	static struct size_table table;
	json_t *rows;
	uint64_t now_ns = SECOND;

	(void)state;
	size_table_init(&table);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 10; i++) {
			struct frame_info info = info_of(round % 2 ? 200 : 100);

			size_table_add(&table, &info, now_ns, 5);
			now_ns += SECOND / 20;
		}
		now_ns += 100 * SECOND;
	}
	rows = size_table_rows(&table);
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(
	        json_integer_value(json_object_get(json_array_get(rows, 0), "frames")), 20);
	assert_true(real_of(json_array_get(rows, 0), "frames_per_second") > 19.99);
	assert_true(real_of(json_array_get(rows, 1), "frames_per_second") < 20.01);
	json_decref(rows);
	size_table_finish(&table);
}

static void more_sizes_than_rows_still_count_in_the_totals(void **state)
{
	static struct size_table table;

	(void)state;
	size_table_init(&table);
	for (uint32_t i = 0; i < SIZE_TABLE_ROWS + 10; i++) {
		struct frame_info info = info_of(i + 1);

		size_table_add(&table, &info, SECOND + i, 1);
	}
	assert_int_equal(table.count, SIZE_TABLE_ROWS);
	assert_int_equal(table.frames, SIZE_TABLE_ROWS + 10);
	size_table_finish(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_has_no_rate),
		cmocka_unit_test(one_size_is_measured_from_frame_to_frame),
		cmocka_unit_test(the_gap_between_two_sizes_belongs_to_neither),
		cmocka_unit_test(more_sizes_than_rows_still_count_in_the_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
