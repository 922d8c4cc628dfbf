/* SPDX-License-Identifier: MIT */
/*
 * Who is rung, when, how often, and where.
 */
#include "wake_stand.h"

static void publish(struct stand *stand)
{
	assert_int_equal(stand_publish(stand), WRITER_OK);
}

static void a_sleep_is_rung_for_once(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;
	struct frame frame;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 3, READER_LATEST, &consumer);
	assert_true(ring_reader_will_be_rung(&reader));
	/* Awake: never said, or said so. */
	publish(&stand);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	ring_reader_arm(&reader);
	ring_reader_disarm(&reader);
	publish(&stand);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(producer.rings, 0);
	for (unsigned i = 1; i <= 600; i++) {
		ring_reader_arm(&reader);
		assert_false(ring_reader_has_news(&reader));
		publish(&stand);
		assert_int_equal(producer.rings, i);
		assert_int_equal(producer.peer, 20);
		assert_int_equal(producer.vector, 20 % 3);
		publish(&stand);
		assert_int_equal(producer.rings, i);
		ring_reader_disarm(&reader);
		assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	}
	/* Awake again. */
	publish(&stand);
	assert_int_equal(producer.rings, 600);
	assert_true(producer.doorbell.rings == 600);
	stand_tear_down(&stand);
}

/* What it was rung for was not for it: it sleeps again, and that is another sleep. */
static void a_sleep_after_a_vain_ring_is_rung_for_again(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	for (unsigned i = 1; i <= 600; i++) {
		ring_reader_arm(&reader);
		publish(&stand);
		assert_int_equal(producer.rings, i);
		ring_reader_disarm(&reader);
	}
	stand_tear_down(&stand);
}

static void nobody_is_rung_for_a_frame_before_the_one_it_awaits(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	shared_store_u64(&stand_block(&stand, 0)->wake_arm, (3 << RING_ARM_SHIFT) | 9);
	publish(&stand);
	publish(&stand);
	assert_int_equal(producer.rings, 0);
	publish(&stand);
	assert_int_equal(producer.rings, 1);
	stand_tear_down(&stand);
}

/* Sleeps until more than one frame is there, so that the word names the sequence for sure. */
static void a_word_names_the_next_sequence(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;
	uint64_t before = 0;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	for (unsigned i = 0; i < 256; i++) {
		uint64_t word;

		ring_reader_arm(&reader);
		word = shared_load_u64(&stand_block(&stand, 0)->wake_arm);
		assert_true(word >> RING_ARM_SHIFT == 1);
		assert_true(word != before);
		before = word;
		ring_writer_arm_space(&stand.writer);
		assert_true(shared_load_u64(&stand_identity(&stand)->space_arm) == word);
	}
	ring_reader_disarm(&reader);
	assert_true(shared_load_u64(&stand_block(&stand, 0)->wake_arm) == 0);
	ring_writer_disarm_space(&stand.writer);
	assert_true(shared_load_u64(&stand_identity(&stand)->space_arm) == 0);
	stand_tear_down(&stand);
}

static void addresses_are_judged(void **state)
{
	static const struct {
		uint32_t peer;
		uint32_t vector;
		bool rung;
	} cases[] = {
		{ 0, 0, false },
		{ 1, 0, true },
		{ 65536, 65535, true },
		{ 65537, 0, false },
		{ UINT32_MAX, 0, false },
		{ 5, 65536, false },
		{ 5, UINT32_MAX - 1, false },
		{ 5, RING_VECTOR_DEAF, false },
		{ 0, RING_VECTOR_DEAF, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
		struct tower consumer = tower_of(20, SOMEBODY_FD);
		struct ring_reader reader;
		struct stand stand;

		wake_set_up(&stand, false, &producer);
		wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
		shared_store_u32(&stand_block(&stand, 0)->doorbell_peer, cases[i].peer);
		shared_store_u32(&stand_block(&stand, 0)->doorbell_vector, cases[i].vector);
		ring_reader_arm(&reader);
		publish(&stand);
		assert_int_equal(producer.rings, cases[i].rung);
		if (cases[i].rung) {
			assert_int_equal(producer.peer + 1, cases[i].peer);
			assert_int_equal(producer.vector, cases[i].vector);
		}
		/* The same, said by a producer: one that is deaf rings all the same. */
		shared_store_u32(&stand_identity(&stand)->doorbell_peer, cases[i].peer);
		shared_store_u32(&stand_identity(&stand)->doorbell_vector, cases[i].vector);
		consumer.rings = 0;
		wake_attach(&stand, &reader, 1, READER_LATEST, &consumer);
		assert_int_equal(consumer.rings, cases[i].rung);
		assert_int_equal(ring_reader_will_be_rung(&reader),
		        cases[i].rung || (cases[i].peer && cases[i].vector == RING_VECTOR_DEAF));
		stand_tear_down(&stand);
	}
}

static void who_has_no_doorbell_says_so(void **state)
{
	for (unsigned i = 0; i < 9; i++) {
		/* none, one that cannot be rung, one that can: of either side */
		struct tower towers[2] = { tower_of(PRODUCER_PEER, i % 3 == 1 ? -1 : SOMEBODY_FD),
			tower_of(20, i / 3 == 1 ? -1 : SOMEBODY_FD) };
		struct tower *producer = i % 3 ? &towers[0] : NULL;
		struct tower *consumer = i / 3 ? &towers[1] : NULL;
		struct ring_reader reader;
		struct stand stand;
		struct frame frame;

		(void)state;
		wake_set_up(&stand, true, producer);
		wake_attach(&stand, &reader, 0, READER_LOSSLESS, consumer);
		/* We are here. */
		assert_int_equal(towers[1].rings, consumer && i % 3 == 2);
		stand_pass(&stand, 0);
		assert_int_equal(ring_reader_will_be_rung(&reader), producer != NULL);
		assert_int_equal(ring_writer_will_be_rung(&stand.writer), producer && consumer);
		ring_reader_arm(&reader);
		ring_writer_arm_space(&stand.writer);
		publish(&stand);
		assert_int_equal(towers[0].rings, producer && i / 3 == 2);
		towers[1].rings = 0;
		assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
		assert_int_equal(towers[1].rings, consumer && i % 3 == 2);
		stand_tear_down(&stand);
	}
}

static void observers_leave_no_trace(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;
	struct frame frame;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_OBSERVE, &consumer);
	assert_false(ring_reader_will_be_rung(&reader));
	ring_writer_arm_space(&stand.writer);
	ring_reader_arm(&reader);
	publish(&stand);
	ring_reader_disarm(&reader);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(producer.rings, 0);
	assert_int_equal(consumer.rings, 0);
	stand_tear_down(&stand);
}

static void everybody_who_sleeps_is_rung(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumers[RING_CONSUMERS_MAX];
	struct ring_reader readers[RING_CONSUMERS_MAX];
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		consumers[i] = tower_of(100 + i, SOMEBODY_FD);
		wake_attach(&stand, &readers[i], i, READER_LATEST, &consumers[i]);
		if (i % 3 != 0) {
			ring_reader_arm(&readers[i]);
		}
	}
	publish(&stand);
	assert_int_equal(producer.rings, 5);
	assert_int_equal(producer.peer, 107);
	/* One of them sleeps again. */
	ring_reader_arm(&readers[4]);
	publish(&stand);
	assert_int_equal(producer.rings, 6);
	assert_int_equal(producer.peer, 104);
	stand_tear_down(&stand);
}

/* Killed: the block stays as it is, and the next one moves in over it. */
static void a_new_consumer_has_an_address_of_its_own(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower first = tower_of(20, SOMEBODY_FD);
	struct tower second = tower_of(21, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &first);
	ring_reader_arm(&reader);
	publish(&stand);
	assert_int_equal(producer.peer, 20);
	wake_attach(&stand, &reader, 0, READER_LATEST, &second);
	/* Its block is wiped: it is awake. */
	publish(&stand);
	assert_int_equal(producer.rings, 1);
	/* The very word that the first one was rung for. */
	ring_reader_arm(&reader);
	publish(&stand);
	assert_int_equal(producer.rings, 2);
	assert_int_equal(producer.peer, 21);
	ring_reader_detach(&reader, RING_BYE_DETACHED);
	shared_store_u64(&stand_block(&stand, 0)->wake_arm, (1 << RING_ARM_SHIFT) | 77);
	publish(&stand);
	assert_int_equal(producer.rings, 2);
	stand_tear_down(&stand);
}

/* It comes while a frame is copied in, whose slot was found before anybody knew of it. */
static void who_comes_during_a_copy_is_rung(void **state)
{
	for (unsigned had_one = 0; had_one < 2; had_one++) {
		struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
		struct tower before = tower_of(20, SOMEBODY_FD);
		struct tower consumer = tower_of(21, SOMEBODY_FD);
		struct ring_reader reader;
		struct stand stand;

		(void)state;
		wake_set_up(&stand, false, &producer);
		if (had_one) {
			wake_attach(&stand, &reader, 0, READER_LATEST, &before);
		}
		assert_int_equal(stand_begin(&stand), WRITER_OK);
		stand_copy(&stand);
		wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
		ring_reader_arm(&reader);
		assert_false(ring_reader_has_news(&reader));
		assert_int_equal(stand_finish(&stand), WRITER_OK);
		assert_int_equal(producer.rings, 1);
		assert_int_equal(producer.peer, 21);
		publish(&stand);
		assert_int_equal(producer.rings, 1);
		stand_tear_down(&stand);
	}
}

static void a_producer_that_waits_is_rung_for_space(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;
	struct frame frame;

	(void)state;
	wake_set_up(&stand, true, &producer);
	wake_attach(&stand, &reader, 0, READER_LOSSLESS, &consumer);
	assert_int_equal(consumer.rings, 1);
	assert_int_equal(consumer.peer, PRODUCER_PEER);
	stand_pass(&stand, 0);
	assert_int_equal(stand_publish_until_blocked(&stand), 4);
	/* Awake. */
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(consumer.rings, 1);
	assert_int_equal(stand_publish_until_blocked(&stand), 1);
	ring_writer_arm_space(&stand.writer);
	assert_int_equal(stand_begin(&stand), WRITER_WOULD_BLOCK);
	assert_int_equal(stand_claim(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(consumer.rings, 1);
	assert_int_equal(stand_take(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(consumer.rings, 2);
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	/* Once a sleep. */
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(consumer.rings, 2);
	ring_writer_disarm_space(&stand.writer);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(consumer.rings, 2);
	ring_writer_arm_space(&stand.writer);
	ring_reader_detach(&reader, RING_BYE_DETACHED);
	assert_int_equal(consumer.rings, 3);
	stand_tear_down(&stand);
}

/* A lease that led to no frame was in the way all the same. */
static void a_lease_that_is_dropped_is_told(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;
	struct frame frame;
	shared_u64 *control;

	(void)state;
	wake_set_up(&stand, true, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	publish(&stand);
	control = &stand_descriptor(&stand, 0)->control;
	shared_store_u64(control, shared_load_u64(control) | RING_CONTROL_CLAIM);
	ring_writer_arm_space(&stand.writer);
	consumer.rings = 0;
	assert_int_equal(ring_reader_claim(&reader, &frame), READER_BAD);
	assert_int_equal(consumer.rings, 1);
	stand_tear_down(&stand);
}

static void an_address_has_a_generation(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	wake_set_up(&stand, true, &producer);
	assert_true(shared_load_u64(&stand_identity(&stand)->doorbell_generation) == 1);
	shared_store_u64(&stand_identity(&stand)->doorbell_generation, 0);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	assert_false(ring_reader_will_be_rung(&reader));
	assert_int_equal(consumer.rings, 0);
	stand_tear_down(&stand);
}

static void all_who_hold_it_up_have_to_ring(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader readers[3];
	struct stand stand;

	(void)state;
	wake_set_up(&stand, true, &producer);
	assert_false(ring_writer_will_be_rung(&stand.writer));
	wake_attach(&stand, &readers[0], 0, READER_LATEST, NULL);
	stand_pass(&stand, 0);
	assert_false(ring_writer_will_be_rung(&stand.writer));
	wake_attach(&stand, &readers[1], 1, READER_LOSSLESS, &consumer);
	stand_pass(&stand, 0);
	assert_true(ring_writer_will_be_rung(&stand.writer));
	wake_attach(&stand, &readers[2], 2, READER_LOSSLESS, NULL);
	stand_pass(&stand, 0);
	assert_false(ring_writer_will_be_rung(&stand.writer));
	ring_reader_detach(&readers[2], RING_BYE_DETACHED);
	stand_pass(&stand, 0);
	assert_true(ring_writer_will_be_rung(&stand.writer));
	stand_tear_down(&stand);
}

/* A word that another session's producer says is not ours to say. */
static void who_is_deposed_says_nothing(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct stand stand;
	shared_u64 *space_arm;

	(void)state;
	wake_set_up(&stand, true, &producer);
	space_arm = &stand_identity(&stand)->space_arm;
	shared_store_u64(&stand_identity(&stand)->epoch, STAND_EPOCH + 1);
	shared_store_u64(space_arm, 12345);
	ring_writer_disarm_space(&stand.writer);
	assert_true(shared_load_u64(space_arm) == 12345);
	ring_writer_arm_space(&stand.writer);
	assert_true(shared_load_u64(space_arm) == 12345);
	stand_tear_down(&stand);
}

/* Whoever took its block sleeps there. */
static void who_lost_its_block_says_nothing(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader before;
	struct ring_reader reader;
	struct stand stand;
	uint64_t word;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &before, 0, READER_LATEST, &consumer);
	ring_reader_arm(&before);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	ring_reader_arm(&reader);
	word = shared_load_u64(&stand_block(&stand, 0)->wake_arm);
	ring_reader_disarm(&before);
	assert_true(shared_load_u64(&stand_block(&stand, 0)->wake_arm) == word);
	ring_reader_arm(&before);
	assert_true(shared_load_u64(&stand_block(&stand, 0)->wake_arm) == word);
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sleep_is_rung_for_once),
		cmocka_unit_test(a_sleep_after_a_vain_ring_is_rung_for_again),
		cmocka_unit_test(nobody_is_rung_for_a_frame_before_the_one_it_awaits),
		cmocka_unit_test(a_word_names_the_next_sequence),
		cmocka_unit_test(addresses_are_judged),
		cmocka_unit_test(who_has_no_doorbell_says_so),
		cmocka_unit_test(observers_leave_no_trace),
		cmocka_unit_test(everybody_who_sleeps_is_rung),
		cmocka_unit_test(a_new_consumer_has_an_address_of_its_own),
		cmocka_unit_test(who_comes_during_a_copy_is_rung),
		cmocka_unit_test(a_producer_that_waits_is_rung_for_space),
		cmocka_unit_test(a_lease_that_is_dropped_is_told),
		cmocka_unit_test(an_address_has_a_generation),
		cmocka_unit_test(all_who_hold_it_up_have_to_ring),
		cmocka_unit_test(who_is_deposed_says_nothing),
		cmocka_unit_test(who_lost_its_block_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
