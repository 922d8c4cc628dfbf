/* SPDX-License-Identifier: MIT */
/*
 * One side does all it does between two accesses of the other one to shared words, at each of them
 * in turn: in any order, a sleeper sees what it waits for or is rung. And words that lie ring
 * nobody more than once.
 *
 * The order that the hooks see is the program's; what the machine makes of it is for the models and
 * for tests/stress/hammer.c.
 */
#include "ring_hooks.h"
#include "wake_stand.h"

struct schedule {
	struct stand stand;
	struct ring_reader reader;
	struct ring_reader leaver;
	struct tower producer;
	struct tower consumer;
	struct frame frame;
	/* the act of the other side */
	void (*act)(struct schedule *schedule);
	unsigned at;     /* which access it is for */
	bool is_late;    /* behind the access, if that is a load */
	unsigned access; /* the next one */
	bool acted;
	bool found; /* the sleeper's second look did */
};

static void act_now(struct schedule *schedule)
{
	const struct ring_hooks hooks = ring_hooks;

	schedule->acted = true;
	ring_hooks = (struct ring_hooks) { 0 };
	schedule->act(schedule);
	ring_hooks = hooks;
}

static uint64_t load(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct schedule *schedule = context;

	if (schedule->access++ == schedule->at) {
		act_now(schedule);
		if (!schedule->is_late) {
			really = 0;
			memcpy(&really, word, bytes);
		}
	}
	return really;
}

static void store(void *context, const void *word)
{
	struct schedule *schedule = context;

	(void)word;
	if (schedule->access++ == schedule->at) {
		act_now(schedule);
	}
}

static void set_up(struct schedule *schedule, bool lossless)
{
	struct stand *stand = &schedule->stand;

	schedule->producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	schedule->consumer = tower_of(20, SOMEBODY_FD);
	schedule->access = 0;
	schedule->acted = false;
	schedule->found = false;
	wake_set_up(stand, lossless, &schedule->producer);
	wake_attach(stand, &schedule->reader, 0, lossless ? READER_LOSSLESS : READER_LATEST,
	        &schedule->consumer);
	stand_pass(stand, 0);
}

/* Runs what is scheduled once for every access that it makes. */
static void try_all(bool lossless, void (*prepare)(struct schedule *schedule),
        void (*run)(struct schedule *schedule), void (*act)(struct schedule *schedule),
        unsigned (*rings)(const struct schedule *schedule))
{
	struct schedule schedule = { .act = act };
	unsigned tried = 0;

	for (unsigned late = 0; late < 2; late++) {
		schedule.is_late = late;
		schedule.at = 0;
		do {
			unsigned before;

			set_up(&schedule, lossless);
			if (prepare) {
				prepare(&schedule);
			}
			before = rings(&schedule);
			ring_hooks = (struct ring_hooks) { load, store, &schedule };
			run(&schedule);
			ring_hooks = (struct ring_hooks) { 0 };
			if (schedule.acted && !schedule.found && rings(&schedule) == before) {
				fail_msg("forgotten: at access %u, %s", schedule.at,
				        late ? "behind it" : "before it");
			}
			tried += schedule.acted;
			schedule.at++;
			stand_tear_down(&schedule.stand);
		} while (schedule.acted);
	}
	assert_true(tried >= 4);
	print_message("%u orders\n", tried);
}

static unsigned rings_of_producer(const struct schedule *schedule)
{
	return schedule->producer.rings;
}

static unsigned rings_of_consumer(const struct schedule *schedule)
{
	return schedule->consumer.rings;
}

/* A consumer that goes to sleep. */
static void arm_and_look(struct schedule *schedule)
{
	ring_reader_arm(&schedule->reader);
	schedule->found = ring_reader_has_news(&schedule->reader);
}

static void attach_arm_and_look(struct schedule *schedule)
{
	wake_attach(&schedule->stand, &schedule->reader, 0, READER_LATEST, &schedule->consumer);
	arm_and_look(schedule);
}

static void move_in_arm_and_look(struct schedule *schedule)
{
	wake_attach(&schedule->stand, &schedule->leaver, 5, READER_LATEST, &schedule->consumer);
	ring_reader_arm(&schedule->leaver);
	schedule->found = ring_reader_has_news(&schedule->leaver);
}

static void publish(struct schedule *schedule)
{
	assert_int_equal(stand_publish(&schedule->stand), WRITER_OK);
}

static void begin_and_copy(struct schedule *schedule)
{
	assert_int_equal(stand_begin(&schedule->stand), WRITER_OK);
	stand_copy(&schedule->stand);
}

static void finish(struct schedule *schedule)
{
	assert_int_equal(stand_finish(&schedule->stand), WRITER_OK);
}

static void a_frame_comes_while_a_consumer_arms(void **state)
{
	(void)state;
	try_all(false, NULL, arm_and_look, publish, rings_of_producer);
	try_all(true, NULL, arm_and_look, publish, rings_of_producer);
}

static void a_consumer_arms_while_a_frame_comes(void **state)
{
	(void)state;
	try_all(false, begin_and_copy, finish, arm_and_look, rings_of_producer);
	try_all(true, begin_and_copy, finish, arm_and_look, rings_of_producer);
}

static void move(struct schedule *schedule)
{
	wake_point(&schedule->stand, 7);
}

static void a_pointer_moves_while_a_consumer_arms(void **state)
{
	(void)state;
	try_all(false, NULL, arm_and_look, move, rings_of_producer);
	try_all(true, NULL, arm_and_look, move, rings_of_producer);
}

static void a_consumer_arms_while_a_pointer_moves(void **state)
{
	(void)state;
	try_all(false, NULL, move, arm_and_look, rings_of_producer);
	try_all(false, NULL, move, attach_arm_and_look, rings_of_producer);
	try_all(false, NULL, move, move_in_arm_and_look, rings_of_producer);
}

/* Over the block of one that was killed, and into a free one. */
static void a_consumer_comes_while_a_frame_comes(void **state)
{
	(void)state;
	try_all(false, begin_and_copy, finish, attach_arm_and_look, rings_of_producer);
	try_all(false, begin_and_copy, finish, move_in_arm_and_look, rings_of_producer);
}

/* A producer that goes to sleep, and a consumer that makes room. */
static void fill(struct schedule *schedule)
{
	stand_publish_until_blocked(&schedule->stand);
	assert_int_equal(
	        stand_claim(&schedule->stand, &schedule->reader, &schedule->frame), READER_FRAME);
}

static void arm_and_begin(struct schedule *schedule)
{
	ring_writer_arm_space(&schedule->stand.writer);
	schedule->found = stand_begin(&schedule->stand) == WRITER_OK;
}

static void take(struct schedule *schedule)
{
	assert_int_equal(
	        stand_take(&schedule->stand, &schedule->reader, &schedule->frame), READER_FRAME);
}

static void leave(struct schedule *schedule)
{
	ring_reader_detach(&schedule->reader, RING_BYE_DETACHED);
}

static void room_is_made_while_a_producer_arms(void **state)
{
	(void)state;
	try_all(true, fill, arm_and_begin, take, rings_of_consumer);
	try_all(true, fill, arm_and_begin, leave, rings_of_consumer);
}

static void a_producer_arms_while_room_is_made(void **state)
{
	(void)state;
	try_all(true, fill, take, arm_and_begin, rings_of_consumer);
	try_all(true, fill, leave, arm_and_begin, rings_of_consumer);
}

/* Words that lie. */
struct liar {
	const uint8_t *from;
	const uint8_t *to;
	uint64_t dice;
};

static uint64_t lie(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct liar *liar = context;

	(void)bytes;
	if ((const uint8_t *)word < liar->from || (const uint8_t *)word >= liar->to) {
		return really;
	}
	switch (stand_below(&liar->dice, 6)) {
	case 0:
		return 0;
	case 1:
		return 1 + stand_below(&liar->dice, 300);
	case 2:
		return stand_random(&liar->dice);
	default:
		return really;
	}
}

static void a_hostile_block_is_rung_once_a_frame(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader readers[RING_CONSUMERS_MAX];
	unsigned total = 0;
	struct stand stand;
	struct liar liar;

	(void)state;
	wake_set_up(&stand, false, &producer);
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		wake_attach(&stand, &readers[i], i, READER_LATEST, &consumer);
	}
	liar = (struct liar) { stand.ring.h.bytes, stand.ring.h.bytes + stand.ring.h.size, 99 };
	for (unsigned i = 0; i < 5000; i++) {
		for (unsigned j = 0; j < RING_CONSUMERS_MAX; j++) {
			ring_reader_arm(&readers[j]);
		}
		ring_hooks = (struct ring_hooks) { lie, NULL, &liar };
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		ring_hooks = (struct ring_hooks) { 0 };
		assert_true(producer.rings <= RING_CONSUMERS_MAX);
		total += producer.rings;
		producer.rings = 0;
	}
	assert_true(total > 5000);
	stand_tear_down(&stand);
}

static void a_hostile_producer_is_rung_once_a_frame(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower consumer = tower_of(20, SOMEBODY_FD);
	struct ring_reader reader;
	unsigned total = 0;
	struct stand stand;
	struct frame frame;
	struct liar liar;

	(void)state;
	wake_set_up(&stand, false, &producer);
	wake_attach(&stand, &reader, 0, READER_LATEST, &consumer);
	consumer.rings = 0;
	liar.from = (const uint8_t *)&stand_identity(&stand)->space_arm;
	liar.to = liar.from + sizeof(shared_u64);
	liar.dice = 77;
	for (unsigned i = 0; i < 5000; i++) {
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		ring_hooks = (struct ring_hooks) { lie, NULL, &liar };
		assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
		ring_hooks = (struct ring_hooks) { 0 };
		assert_true(consumer.rings <= 1);
		total += consumer.rings;
		consumer.rings = 0;
	}
	assert_true(total > 1000);
	stand_tear_down(&stand);
}

/* The two halves of the producer's address are of two sessions. */
static uint64_t tear(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct schedule *schedule = context;

	(void)bytes;
	if (word == &stand_identity(&schedule->stand)->doorbell_generation) {
		return schedule->access++ == schedule->at ? really + 1 : really;
	}
	return really;
}

static void a_torn_address_is_none(void **state)
{
	struct schedule schedule = { 0 };

	(void)state;
	for (schedule.at = 0; schedule.at < 3; schedule.at++) {
		set_up(&schedule, false);
		assert_int_equal(schedule.consumer.rings, 1);
		ring_hooks = (struct ring_hooks) { tear, NULL, &schedule };
		wake_attach(
		        &schedule.stand, &schedule.leaver, 1, READER_LATEST, &schedule.consumer);
		ring_hooks = (struct ring_hooks) { 0 };
		assert_int_equal(schedule.access, 2);
		assert_int_equal(ring_reader_will_be_rung(&schedule.leaver), schedule.at == 2);
		assert_int_equal(schedule.consumer.rings, schedule.at == 2 ? 2 : 1);
		stand_tear_down(&schedule.stand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_comes_while_a_consumer_arms),
		cmocka_unit_test(a_consumer_arms_while_a_frame_comes),
		cmocka_unit_test(a_consumer_comes_while_a_frame_comes),
		cmocka_unit_test(a_pointer_moves_while_a_consumer_arms),
		cmocka_unit_test(a_consumer_arms_while_a_pointer_moves),
		cmocka_unit_test(room_is_made_while_a_producer_arms),
		cmocka_unit_test(a_producer_arms_while_room_is_made),
		cmocka_unit_test(a_hostile_block_is_rung_once_a_frame),
		cmocka_unit_test(a_hostile_producer_is_rung_once_a_frame),
		cmocka_unit_test(a_torn_address_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
