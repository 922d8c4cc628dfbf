/* SPDX-License-Identifier: MIT */
/*
 * What the producer makes of blocks that anybody may have written: alone, without a ring.
 */
#include "consumer_watch.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define START_NS (100 * NS_PER_S)

struct scene {
	struct consumer_watch watch;
	struct ring_grant grants[RING_CONSUMERS_MAX];
	uint64_t h[RING_FEEDBACK_SIZE / 8];
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	consumer_watch_init(&scene->watch, (struct span) { (uint8_t *)scene->h, sizeof(scene->h) },
	        scene->grants, STAND_EPOCH, true);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

#define TRY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static struct ring_consumer_block *block(struct scene *scene, unsigned i)
{
	return (void *)((uint8_t *)scene->h + RING_BLOCKS_OFFSET +
	                i * sizeof(struct ring_consumer_block));
}

static void move_in(struct scene *scene, unsigned i, uint64_t epoch, uint32_t mode)
{
	memset(block(scene, i), 0, sizeof(struct ring_consumer_block));
	shared_store_u64(&block(scene, i)->attached_epoch, STAND_EPOCH);
	shared_store_u32(&block(scene, i)->mode, mode);
	shared_store_u64(&block(scene, i)->epoch, epoch);
}

static void a_grant_says_who_what_and_from_where(void **state)
{
	struct scene *scene = *state;
	struct ring_grant *grant = &scene->grants[7];

	move_in(scene, 7, 1234, RING_MODE_LOSSLESS);
	consumer_watch_update(&scene->watch, 41, START_NS);
	assert_int_equal(shared_load_u64(&grant->epoch_acknowledged), 1234);
	assert_int_equal(shared_load_u32(&grant->mode), RING_MODE_LOSSLESS);
	assert_int_equal(shared_load_u64(&grant->from), 42 << RING_FROM_SHIFT);
	assert_int_equal(shared_load_u32(&grant->revocations), 0);
	assert_true(consumer_watch_cursor(&scene->watch) == 41);
	assert_int_equal(consumer_watch_count(&scene->watch, START_NS), 1);
	/* Another moves in without a word. */
	move_in(scene, 7, 1235, RING_MODE_LATEST);
	consumer_watch_update(&scene->watch, 50, START_NS);
	assert_int_equal(shared_load_u64(&grant->epoch_acknowledged), 1235);
	assert_int_equal(shared_load_u32(&grant->mode), RING_MODE_LATEST);
	assert_int_equal(shared_load_u64(&grant->from), 0);
	assert_true(consumer_watch_cursor(&scene->watch) == UINT64_MAX);
	/* And out. */
	shared_store_u64(&block(scene, 7)->epoch, 0);
	consumer_watch_update(&scene->watch, 50, START_NS);
	assert_int_equal(shared_load_u64(&grant->epoch_acknowledged), 0);
	assert_int_equal(consumer_watch_count(&scene->watch, START_NS), 0);
}

static void unknown_modes_are_latest(void **state)
{
	static const uint32_t modes[] = { 0, 3, 0x102, UINT32_MAX };
	struct scene *scene = *state;

	for (unsigned i = 0; i < 4; i++) {
		move_in(scene, i, 10 + i, modes[i]);
	}
	consumer_watch_update(&scene->watch, 0, START_NS);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(shared_load_u32(&scene->grants[i].mode), RING_MODE_LATEST);
	}
}

static void every_slot_can_be_leased(void **state)
{
	struct scene *scene = *state;

	move_in(scene, 0, 9, RING_MODE_LATEST);
	for (unsigned slot = 0; slot < RING_SLOTS_MAX; slot++) {
		for (unsigned j = 0; j < RING_LEASES_MAX; j++) {
			shared_store_u64(&block(scene, 0)->leases[j],
			        (UINT64_C(1000) + slot) << 8 | (slot + 1));
			assert_int_equal(consumer_watch_leases(&scene->watch, 0, START_NS),
			        UINT32_C(1) << slot);
			shared_store_u64(&block(scene, 0)->leases[j], 0);
		}
	}
	shared_store_u64(&block(scene, 0)->leases[0], UINT64_C(5) << 8 | 1);
	shared_store_u64(&block(scene, 0)->leases[1], UINT64_C(5) << 8 | 32);
	assert_int_equal(consumer_watch_leases(&scene->watch, 0, START_NS), 0x80000001u);
	assert_int_equal(scene->watch.ignored_hints, 0);
}

static void the_slowest_cursor_counts(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < 3; i++) {
		move_in(scene, i, 9 + i, RING_MODE_LOSSLESS);
	}
	consumer_watch_update(&scene->watch, 10, START_NS);
	shared_store_u64(&block(scene, 0)->cursor, 15);
	shared_store_u64(&block(scene, 1)->cursor, 12);
	shared_store_u64(&block(scene, 2)->cursor, 20);
	consumer_watch_update(&scene->watch, 20, START_NS);
	assert_true(consumer_watch_cursor(&scene->watch) == 12);
	shared_store_u64(&block(scene, 1)->epoch, 0);
	consumer_watch_update(&scene->watch, 20, START_NS);
	assert_true(consumer_watch_cursor(&scene->watch) == 15);
}

/* One that holds the others up is given up, and only that one. */
static void patience_is_for_those_who_lag_and_stand_still(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = START_NS;

	for (unsigned i = 0; i < 3; i++) {
		move_in(scene, i, 9 + i, RING_MODE_LOSSLESS);
	}
	consumer_watch_update(&scene->watch, 0, now_ns);
	shared_store_u64(&block(scene, 0)->cursor, 4);
	consumer_watch_update(&scene->watch, 4, now_ns);
	for (unsigned i = 0; i <= 20; i++) {
		consumer_watch_blocked(&scene->watch, 4, now_ns);
		assert_int_equal(scene->watch.revocations, i == 20);
		now_ns += 100 * NS_PER_MS;
		for (unsigned j = 0; j < 3; j++) {
			shared_store_u64(&block(scene, j)->heartbeat, i);
		}
		if (i == 10) {
			shared_store_u64(&block(scene, 1)->cursor, 1);
		}
		consumer_watch_update(&scene->watch, 4, now_ns);
	}
	assert_int_equal(shared_load_u32(&scene->grants[2].revocations), 1);
	assert_false(scene->watch.consumers[2].admitted);
	/* It may guess its revocation's number, but not before it happened. */
	shared_store_u32(&block(scene, 2)->revocations_seen, 2);
	consumer_watch_update(&scene->watch, 9, now_ns);
	assert_false(scene->watch.consumers[2].admitted);
	shared_store_u32(&block(scene, 2)->revocations_seen, 1);
	consumer_watch_update(&scene->watch, 9, now_ns);
	assert_true(scene->watch.consumers[2].admitted);
	/* The start, after that one revocation. */
	assert_int_equal(shared_load_u64(&scene->grants[2].from), (10 << RING_FROM_SHIFT) + 1);
}

/* What a deposed producer overwrote stands there again after the next turn. */
static void grants_heal(void **state)
{
	struct scene *scene = *state;
	struct ring_grant before[RING_CONSUMERS_MAX];

	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		move_in(scene, i, 9 + i, i % 2 ? RING_MODE_LOSSLESS : RING_MODE_LATEST);
	}
	consumer_watch_update(&scene->watch, 77, START_NS);
	memcpy(before, scene->grants, sizeof(before));
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		shared_store_u64(&scene->grants[i].epoch_acknowledged, 0);
		shared_store_u64(&scene->grants[i].from, i % 2 ? 5 : 0);
		shared_store_u32(&scene->grants[i].revocations, 3);
		shared_store_u32(&scene->grants[i].mode, 0);
	}
	consumer_watch_update(&scene->watch, 77, START_NS);
	assert_memory_equal(before, scene->grants, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(a_grant_says_who_what_and_from_where),
		TRY(unknown_modes_are_latest),
		TRY(every_slot_can_be_leased),
		TRY(the_slowest_cursor_counts),
		TRY(patience_is_for_those_who_lag_and_stand_still),
		TRY(grants_heal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
