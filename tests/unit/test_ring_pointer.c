/* SPDX-License-Identifier: MIT */
/*
 * One thread shows, moves and hides the pointer as fast as it goes, another one looks: each shape
 * that is handed on is whole, none comes after a later one, and in the end the last one is there,
 * where it is.
 *
 *   test_ring_pointer [SHAPES]
 */
#include "pointer_stand.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define SIDE_MAX    64u
#define TOGETHER_IN 16u /* after so many shapes the two meet: neither runs away for good */

static uint32_t shapes_wanted = 30000;

struct race {
	struct pointer_stand stand;
	atomic_uint seen; /* the newest shape that was handed on */
	atomic_bool is_over;
};

/* The first pixel is the shape's number, all else a function of it. */
static struct pointer shape_of(uint32_t number, uint32_t *pixels)
{
	struct pointer pointer = {
		.is_shown = true,
		.x = (int32_t)(number % 1000),
		.y = -(int32_t)(number % 333),
		.shape = { (uint16_t)(1 + number % SIDE_MAX), (uint16_t)(SIDE_MAX - number % 7), 0,
		        0, pixels },
	};

	for (size_t i = 0; i < (size_t)pointer.shape.width * pointer.shape.height; i++) {
		pixels[i] = pointer_pixel(number, i);
	}
	pixels[0] = number;
	return pointer;
}

/* Each thread on a CPU of its own, where there are two: on one they would take turns. */
static void settle(unsigned side)
{
	cpu_set_t all;
	cpu_set_t own;
	unsigned left = side;

	if (sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2) {
		return;
	}
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all) && left-- == 0) {
			CPU_ZERO(&own);
			CPU_SET(i, &own);
			(void)sched_setaffinity(0, sizeof(own), &own);
			return;
		}
	}
}

static void *show(void *argument)
{
	struct race *race = argument;
	struct ring_writer *writer = &race->stand.stand.writer;
	uint64_t dice = 5;
	uint32_t pixels[SIDE_MAX * SIDE_MAX];

	settle(1);
	for (uint32_t number = 1; number <= shapes_wanted; number++) {
		struct pointer pointer = shape_of(number, pixels);

		ring_writer_point(writer, &pointer, true);
		for (uint64_t moves = stand_below(&dice, 4); moves > 0; moves--) {
			pointer.is_shown = stand_below(&dice, 8) != 0;
			pointer.x++;
			ring_writer_point(writer, &pointer, false);
		}
		while (number % TOGETHER_IN == 0 && pointer.is_shown &&
		        atomic_load_explicit(&race->seen, memory_order_relaxed) < number) {
			sched_yield();
		}
	}
	pixels[0] = shapes_wanted;
	ring_writer_point(writer,
	        &(struct pointer) { .is_shown = true,
	                .x = 77,
	                .y = 88,
	                .shape = shape_of(shapes_wanted, pixels).shape },
	        false);
	atomic_store_explicit(&race->is_over, true, memory_order_release);
	return NULL;
}

/* returns: its number */
static uint32_t judge(const struct pointer_shape *shape)
{
	uint32_t pixels[SIDE_MAX * SIDE_MAX];
	uint32_t number = shape->pixels[0];
	const struct pointer expected = shape_of(number, pixels);

	assert_in_range(number, 1, shapes_wanted);
	assert_int_equal(shape->width, expected.shape.width);
	assert_int_equal(shape->height, expected.shape.height);
	assert_memory_equal(shape->pixels, pixels, pointer_shape_bytes(shape));
	return number;
}

static void whatever_comes_is_whole_and_the_last_one_comes(void **state)
{
	static struct race race;
	struct pointer last = { .is_shown = false };
	uint32_t number = 0;
	unsigned counts[POINT_BAD + 1] = { 0 };
	pthread_t thread;
	bool is_over;

	(void)state;
	pointer_set_up_plain(&race.stand);
	assert_int_equal(pthread_create(&thread, NULL, show, &race), 0);
	settle(0);
	do {
		enum point_result result;

		is_over = atomic_load_explicit(&race.is_over, memory_order_acquire);
		result = pointer_look(&race.stand);
		counts[result]++;
		if (result == POINT_SHAPE) {
			uint32_t before = number;

			number = judge(&race.stand.pointer.shape);
			assert_true(number > before);
			atomic_store_explicit(&race.seen, number, memory_order_relaxed);
		}
		if (result == POINT_SAME && counts[POINT_SAME] % 64 == 0) {
			sched_yield();
		}
		if (result == POINT_SHAPE || result == POINT_MOVED) {
			last = race.stand.pointer;
		}
		assert_int_not_equal(result, POINT_BAD);
	} while (!is_over);
	pthread_join(thread, NULL);
	print_message("%u shapes, %u moves, %u torn, %u times nothing new\n", counts[POINT_SHAPE],
	        counts[POINT_MOVED], counts[POINT_TORN], counts[POINT_SAME]);
	assert_int_equal(number, shapes_wanted);
	assert_true(last.is_shown);
	assert_int_equal(last.x, 77);
	assert_int_equal(last.y, 88);
	pointer_tear_down(&race.stand);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_comes_is_whole_and_the_last_one_comes),
	};

	if (argc > 1) {
		shapes_wanted = (uint32_t)strtoul(argv[1], NULL, 10);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
