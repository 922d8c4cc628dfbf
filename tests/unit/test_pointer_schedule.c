/* SPDX-License-Identifier: MIT */
/*
 * The producer does all it does to the pointer between two loads of the reader, at each of them in
 * turn: in any order, each shape that is handed on is whole and the one that its word named, and
 * the last one arrives. And what is judged is loaded once.
 */
#include "pointer_stand.h"
#include "ring_hooks.h"

/* The other side acts at one of the reader's loads. */
struct schedule {
	struct pointer_stand stand;
	void (*act)(struct schedule *schedule);
	unsigned at;
	unsigned loads;
	unsigned seed; /* of the shape that was stored last */
	bool acted;
	/* a writer that dies */
	unsigned stores; /* that it does before */
	bool died;
	jmp_buf dead;
	const void *counted; /* how often it was loaded */
	unsigned count;
};

static uint64_t act_at_load(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct schedule *schedule = context;

	schedule->count += word == schedule->counted;
	if (schedule->loads++ == schedule->at) {
		ring_hooks.load = NULL;
		schedule->acted = true;
		schedule->act(schedule);
		ring_hooks.load = act_at_load;
		really = 0;
		memcpy(&really, word, bytes);
	}
	return really;
}

static enum point_result look_while(struct schedule *schedule, unsigned at)
{
	enum point_result result;

	schedule->at = at;
	schedule->loads = 0;
	schedule->acted = false;
	ring_hooks = (struct ring_hooks) { act_at_load, NULL, schedule };
	result = pointer_look(&schedule->stand);
	ring_hooks = (struct ring_hooks) { 0 };
	return result;
}

static void store_one(struct schedule *schedule)
{
	schedule->seed++;
	pointer_point(&schedule->stand, 4, schedule->seed, (int32_t)schedule->seed, 0);
}

static void store_two(struct schedule *schedule)
{
	store_one(schedule);
	store_one(schedule);
}

static void store_three(struct schedule *schedule)
{
	store_two(schedule);
	store_one(schedule);
}

static void die_at_store(void *context, const void *word)
{
	struct schedule *schedule = context;

	(void)word;
	if (schedule->stores-- == 0) {
		longjmp(schedule->dead, 1);
	}
}

/* Overwrites what is being read, up to some store. */
static void die_in_the_second(struct schedule *schedule)
{
	const struct ring_hooks hooks = { NULL, die_at_store, schedule };

	store_one(schedule);
	schedule->died = true;
	if (setjmp(schedule->dead) == 0) {
		ring_hooks = hooks;
		store_one(schedule);
		schedule->died = false;
	}
	ring_hooks.store = NULL;
}

static void begin_a_session(struct schedule *schedule)
{
	stand_reopen(&schedule->stand.stand, schedule->stand.stand.writer.epoch + 1);
	store_one(schedule);
}

/* returns: how many orders there were, each with a stand of its own */
static unsigned try_all(void (*act)(struct schedule *schedule))
{
	struct schedule schedule = { .act = act };
	unsigned at = 0;

	do {
		uint64_t seed;
		enum point_result result;

		pointer_set_up_plain(&schedule.stand);
		schedule.seed = 0;
		store_one(&schedule);
		seed = schedule.seed;
		result = look_while(&schedule, at);
		if (result == POINT_SHAPE) {
			const struct pointer *pointer = &schedule.stand.pointer;

			/* That which was there, or that which is: as the word said. */
			seed = (uint64_t)pointer->x;
			assert_true(seed == 1 || seed == schedule.seed);
			if (!pointer_is_drawn(&pointer->shape, seed)) {
				fail_msg("shape %u is torn, at load %u", (unsigned)seed, at);
			}
		} else if (schedule.acted) {
			assert_true(result == POINT_TORN || result == POINT_SAME);
		}
		if (result != POINT_SHAPE || seed != schedule.seed) {
			assert_int_equal(pointer_look(&schedule.stand), POINT_SHAPE);
			assert_true(pointer_is_drawn(&schedule.stand.pointer.shape, schedule.seed));
			assert_int_equal(schedule.stand.pointer.x, schedule.seed);
		}
		pointer_tear_down(&schedule.stand);
		at++;
	} while (schedule.acted);
	return at - 1;
}

static void a_quicker_writer_tears_nothing(void **state)
{
	/* place, control, size, digest, 8 of pixels, control, epoch */
	const unsigned loads = 14;

	(void)state;
	assert_int_equal(try_all(store_one), loads);
	assert_int_equal(try_all(store_two), loads);
	assert_int_equal(try_all(store_three), loads);
}

/* At any of its stores, between any two loads: nothing torn stands still. */
static void a_dead_writer_leaves_nothing_torn(void **state)
{
	struct schedule schedule = { .act = die_in_the_second, .died = true };
	unsigned stores = 0;

	(void)state;
	for (; schedule.died; stores++) {
		for (unsigned at = 0; at < 14; at++) {
			enum point_result result;

			pointer_set_up_plain(&schedule.stand);
			schedule.seed = 0;
			store_one(&schedule);
			schedule.stores = stores;
			result = look_while(&schedule, at);
			assert_true(result == POINT_SHAPE || result == POINT_TORN);
			if (result == POINT_SHAPE) {
				assert_true(pointer_is_drawn(&schedule.stand.pointer.shape,
				        (uint64_t)schedule.stand.pointer.x));
			}
			pointer_tear_down(&schedule.stand);
		}
	}
	/* control, 8 of pixels, size, digest, control, place */
	assert_int_equal(stores, 13 + 1);
}

static void no_session_leaks_into_another(void **state)
{
	struct schedule schedule = { .act = begin_a_session };
	unsigned at = 0;

	(void)state;
	do {
		enum point_result result;

		pointer_set_up_plain(&schedule.stand);
		store_one(&schedule);
		result = look_while(&schedule, at++);
		assert_int_equal(result, schedule.acted ? POINT_SAME : POINT_SHAPE);
		/* Nor as a move of the shape that it has. */
		pointer_tear_down(&schedule.stand);
		pointer_set_up_plain(&schedule.stand);
		store_one(&schedule);
		assert_int_equal(pointer_look(&schedule.stand), POINT_SHAPE);
		pointer_move(&schedule.stand, 30, 30);
		result = look_while(&schedule, at - 1);
		assert_int_equal(result, schedule.acted ? POINT_SAME : POINT_MOVED);
		pointer_tear_down(&schedule.stand);
	} while (at < 14);
}

/* What is judged is loaded once; control and nothing else is looked at again. */
static void every_word_is_loaded_once(void **state)
{
	struct schedule schedule = { .act = NULL };
	const struct ring_pointer *area;

	(void)state;
	pointer_set_up_plain(&schedule.stand);
	area = pointer_area(&schedule.stand);
	for (unsigned i = 0; i < 10; i++) {
		const uint8_t *pixels = (const uint8_t *)(area + 1);
		const void *const words[10] = { &area->place, &area->shapes[0].control,
			&area->shapes[0].size, &area->shapes[0].digest, &area->shape_capacity,
			&area->shapes[1].control, pixels, pixels + 56, pixels + 64,
			stand_identity(&schedule.stand.stand) };
		static const unsigned expected[10] = { 1, 2, 1, 1, 0, 0, 1, 1, 0, 0 };

		schedule.stand.stand.writer.pointer.number = 1;
		store_one(&schedule);
		schedule.stand.reader.pointer.number = 0;
		schedule.counted = words[i];
		schedule.count = 0;
		assert_int_equal(look_while(&schedule, UINT32_MAX), POINT_SHAPE);
		assert_int_equal(schedule.count, expected[i]);
		assert_int_equal(schedule.loads, 14);
	}
	pointer_move(&schedule.stand, 9, 9);
	assert_int_equal(look_while(&schedule, UINT32_MAX), POINT_MOVED);
	assert_int_equal(schedule.loads, 2);
	assert_int_equal(look_while(&schedule, UINT32_MAX), POINT_SAME);
	assert_int_equal(schedule.loads, 1);
	pointer_tear_down(&schedule.stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quicker_writer_tears_nothing),
		cmocka_unit_test(a_dead_writer_leaves_nothing_torn),
		cmocka_unit_test(no_session_leaks_into_another),
		cmocka_unit_test(every_word_is_loaded_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
