/* SPDX-License-Identifier: MIT */
/*
 * Who is rung when the pointer moves.
 */
#include "wake_stand.h"

static void look(struct ring_reader *reader, enum point_result expected)
{
	static uint32_t pixels[RING_SHAPE_CAPACITY_MIN / 4];
	struct pointer pointer;

	assert_int_equal(ring_reader_point(reader, pixels, &pointer), expected);
}

static void a_sleep_is_rung_for_a_move_once(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 3, READER_LATEST, &consumer);
	/* Awake. */
	wake_point(&stand, 1);
	assert_int_equal(producer.rings, 0);
	look(&reader, POINT_SHAPE);
	for (unsigned i = 1; i <= 600; i++) {
		ring_reader_arm(&reader);
		assert_false(ring_reader_has_news(&reader));
		/* Where it is already is no news. */
		wake_point(&stand, (int32_t)i);
		assert_int_equal(producer.rings, i - 1);
		wake_point(&stand, (int32_t)i + 1);
		assert_int_equal(producer.rings, i);
		assert_int_equal(producer.peer, 20);
		wake_point(&stand, 10000 + (int32_t)i);
		wake_point(&stand, (int32_t)i + 1);
		assert_int_equal(producer.rings, i);
		assert_true(ring_reader_has_news(&reader));
		ring_reader_disarm(&reader);
		look(&reader, POINT_MOVED);
	}
	stand_tear_down(&stand);
}

/* To be hidden is news too. */
static void a_sleep_is_rung_when_it_goes(void **state)
{
	const struct pointer gone = { .is_shown = false };
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	wake_point(&stand, 1);
	look(&reader, POINT_SHAPE);
	ring_reader_arm(&reader);
	ring_writer_point(&stand.writer, &gone, false);
	assert_int_equal(producer.rings, 1);
	stand_tear_down(&stand);
}

static void whatever_frame_it_awaits(void **state)
{
	static const uint64_t sequences[] = { 1, 2, 1000, RING_SEQUENCE_MAX };
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	for (unsigned i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		shared_store_u64(
		        &stand_block(&stand, 0)->wake_arm, (sequences[i] << RING_ARM_SHIFT) | i);
		wake_point(&stand, (int32_t)i);
		assert_int_equal(producer.rings, i + 1);
	}
	stand_tear_down(&stand);
}

static void a_move_and_a_frame_are_two_sleeps(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;
	struct frame frame;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	ring_reader_arm(&reader);
	wake_point(&stand, 1);
	assert_int_equal(producer.rings, 1);
	/* Rung already: it looks at both. */
	assert_int_equal(stand_publish(&stand), WRITER_OK);
	assert_int_equal(producer.rings, 1);
	ring_reader_disarm(&reader);
	look(&reader, POINT_SHAPE);
	/* It did not see the frame, and sleeps until that: the second look finds it. */
	ring_reader_arm(&reader);
	assert_true(ring_reader_has_news(&reader));
	ring_reader_disarm(&reader);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	ring_reader_arm(&reader);
	assert_int_equal(stand_publish(&stand), WRITER_OK);
	assert_int_equal(producer.rings, 2);
	ring_reader_disarm(&reader);
	ring_reader_arm(&reader);
	wake_point(&stand, 2);
	assert_int_equal(producer.rings, 3);
	stand_tear_down(&stand);
}

/* Half of them follow it; all are rung for a frame. */
static void who_does_not_follow_sleeps_on(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumers[RING_CONSUMERS_MAX];
	struct ring_reader readers[RING_CONSUMERS_MAX];
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		struct ring_consumer_block *block = stand_block(&stand, i);

		consumers[i] = tower_of(100 + i, SOMEBODY_FD);
		wake_attach(&stand, &readers[i], i, READER_LATEST, &consumers[i]);
		if (i % 2) {
			shared_store_u64(&block->features_accepted, ~RING_FEATURE_POINTER);
		}
		ring_reader_arm(&readers[i]);
	}
	wake_point(&stand, 1);
	assert_int_equal(producer.rings, RING_CONSUMERS_MAX / 2);
	assert_int_equal(producer.peer, 106);
	assert_int_equal(stand_publish(&stand), WRITER_OK);
	assert_int_equal(producer.rings, RING_CONSUMERS_MAX);
	assert_int_equal(producer.peer, 107);
	stand_tear_down(&stand);
}

/* A producer without a doorbell rings nobody; one that is deposed neither. */
static void nobody_to_ring_and_nobody_who_may(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		wake_set_up(&stand, false, i ? &producer : NULL);
		wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
		ring_reader_arm(&reader);
		if (i) {
			shared_store_u64(&stand_identity(&stand)->epoch, STAND_EPOCH + 1);
		}
		wake_point(&stand, 1);
		assert_int_equal(producer.rings, 0);
		stand_tear_down(&stand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sleep_is_rung_for_a_move_once),
		cmocka_unit_test(a_sleep_is_rung_when_it_goes),
		cmocka_unit_test(whatever_frame_it_awaits),
		cmocka_unit_test(a_move_and_a_frame_are_two_sleeps),
		cmocka_unit_test(who_does_not_follow_sleeps_on),
		cmocka_unit_test(nobody_to_ring_and_nobody_who_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
