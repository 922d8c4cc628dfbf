/* SPDX-License-Identifier: MIT */
/*
 * Questions and answers through the ring: both sides here read the same clock, so the offset that
 * comes out has to hold 0.
 */
#include "clock_question.h"
#include "ring_stand.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
/* Needs the four above. */
#include <cmocka.h>

#define PATIENCE_NS (60 * NS_PER_S)
#define LIES        20000u

struct pair {
	struct stand stand;
	struct ring_reader reader;
	struct clock_question question;
};

static int set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	stand_set_up_plain(&pair->stand, 4, false);
	stand_attach(&pair->stand, &pair->reader, 3, READER_LATEST);
	clock_question_init(&pair->question);
	stand_pass(&pair->stand, 1);
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	stand_tear_down(&pair->stand);
	free(pair);
	return 0;
}

static uint64_t asked(const struct pair *pair)
{
	return shared_load_u64(&stand_block(&pair->stand, 3)->clock_question);
}

static struct ring_clock_answer *answer_of(const struct pair *pair)
{
	return &stand_identity(&pair->stand)->clock_answers[3];
}

static void announce(struct pair *pair)
{
	pair->question.announced_ns = 0;
	clock_question_announce(&pair->question, &pair->reader);
}

static bool is_known(const struct pair *pair)
{
	uint64_t bound_ns;

	return clock_offset_bound(&pair->question.offset, clock_now_ns(), &bound_ns);
}

static void assert_true_offset(const struct pair *pair)
{
	assert_true(pair->question.offset.ns.low <= 0);
	assert_true(pair->question.offset.ns.high >= 0);
}

static void nothing_is_asked_before_a_frame_or_without_a_block(void **state)
{
	struct pair *pair = *state;
	struct ring_reader observer;

	clock_question_meet(&pair->question, &pair->reader);
	assert_int_equal(asked(pair), 0);
	stand_pass(&pair->stand, 1);
	assert_int_equal(shared_load_u64(&answer_of(pair)->question), 0);
	stand_attach(&pair->stand, &observer, 0, READER_OBSERVE);
	clock_question_announce(&pair->question, &observer);
	clock_question_meet(&pair->question, &observer);
	assert_int_equal(asked(pair), 0);
	assert_false(is_known(pair));
}

static void each_look_of_the_producer_answers(void **state)
{
	struct pair *pair = *state;
	uint64_t word;

	for (unsigned i = 0; i < 10; i++) {
		announce(pair);
		word = asked(pair);
		assert_true(word & RING_QUESTION_SOON);
		if (i % 2) {
			stand_pass(&pair->stand, 1);
		} else {
			assert_int_equal(stand_begin(&pair->stand), WRITER_OK);
		}
		assert_int_equal(shared_load_u64(&answer_of(pair)->question), word);
		clock_question_meet(&pair->question, &pair->reader);
		assert_true(pair->question.offset.ns.at != 0);
		assert_true(asked(pair) != word);
		assert_false(asked(pair) & RING_QUESTION_SOON);
		stand_pass(&pair->stand, 1);
		assert_int_equal(shared_load_u64(&answer_of(pair)->question), asked(pair));
		assert_true_offset(pair);
	}
	assert_int_equal(pair->question.offset.agreeing, CLOCK_OFFSET_AGREEING);
}

static void a_question_is_asked_at_its_time(void **state)
{
	struct pair *pair = *state;
	uint64_t word;

	announce(pair);
	word = asked(pair);
	clock_question_meet(&pair->question, &pair->reader);
	assert_int_equal(asked(pair), word + 1);
	/* Once: the next has to be announced, and that not yet. */
	pair->question.announced_ns = clock_now_ns() + PATIENCE_NS;
	clock_question_announce(&pair->question, &pair->reader);
	clock_question_meet(&pair->question, &pair->reader);
	assert_int_equal(asked(pair), word + 1);
	announce(pair);
	assert_int_equal(asked(pair), word + 2);
}

static void the_answer_to_another_is_none_of_ours(void **state)
{
	struct pair *pair = *state;
	uint64_t theirs;

	announce(pair);
	stand_pass(&pair->stand, 1);
	theirs = asked(pair);
	ring_reader_detach(&pair->reader, RING_BYE_DETACHED);
	stand_attach(&pair->stand, &pair->reader, 3, READER_LATEST);
	announce(pair);
	assert_true(asked(pair) != theirs);
	/* The producer has not looked yet: what lies there is the answer to the last owner. */
	clock_question_meet(&pair->question, &pair->reader);
	assert_int_equal(pair->question.offset.ns.at, 0);
}

static void another_attach_begins_anew(void **state)
{
	struct pair *pair = *state;

	while (!is_known(pair)) {
		announce(pair);
		stand_pass(&pair->stand, 1);
		clock_question_meet(&pair->question, &pair->reader);
		stand_pass(&pair->stand, 1);
	}
	ring_reader_detach(&pair->reader, RING_BYE_DETACHED);
	clock_question_meet(&pair->question, &pair->reader);
	stand_reopen(&pair->stand, STAND_EPOCH + 1);
	assert_int_equal(shared_load_u64(&answer_of(pair)->question), 0);
	stand_attach(&pair->stand, &pair->reader, 3, READER_LATEST);
	clock_question_meet(&pair->question, &pair->reader);
	assert_false(is_known(pair));
}

static void a_block_that_is_somebody_elses_is_left_alone(void **state)
{
	struct pair *pair = *state;

	announce(pair);
	shared_store_u64(&stand_block(&pair->stand, 3)->epoch, 12345);
	shared_store_u64(&stand_block(&pair->stand, 3)->clock_question, 77);
	clock_question_meet(&pair->question, &pair->reader);
	announce(pair);
	assert_int_equal(asked(pair), 77);
}

static void a_deposed_producer_answers_nothing(void **state)
{
	struct pair *pair = *state;

	announce(pair);
	shared_store_u64(&stand_identity(&pair->stand)->epoch, 12345);
	assert_false(ring_writer_tend(&pair->stand.writer, pair->stand.now_ns));
	assert_int_equal(stand_begin(&pair->stand), WRITER_DEPOSED);
	ring_writer_linger(&pair->stand.writer);
	assert_int_equal(shared_load_u64(&answer_of(pair)->question), 0);
}

/* It ends, though nobody asks, and happens once for each announcement and for no plain question. */
static void a_producer_lingers_once_for_an_announcement(void **state)
{
	struct pair *pair = *state;
	const struct clock_answers *clocks = &pair->stand.writer.clocks;
	uint64_t lingered_ns;

	ring_writer_linger(&pair->stand.writer);
	assert_int_equal(clocks->lingered_ns, 0);
	announce(pair);
	ring_writer_linger(&pair->stand.writer);
	lingered_ns = clocks->lingered_ns;
	assert_true(lingered_ns > 0);
	assert_int_equal(shared_load_u64(&answer_of(pair)->question), asked(pair));
	ring_writer_linger(&pair->stand.writer);
	assert_int_equal(clocks->lingered_ns, lingered_ns);
	clock_question_meet(&pair->question, &pair->reader);
	ring_writer_linger(&pair->stand.writer);
	assert_int_equal(clocks->lingered_ns, lingered_ns);
	assert_int_equal(shared_load_u64(&answer_of(pair)->question), asked(pair));
}

/* Whoever announces all the time is waited for no longer than is allowed. */
static void a_producer_does_not_linger_for_ever(void **state)
{
	struct pair *pair = *state;
	struct clock_answers *clocks = &pair->stand.writer.clocks;

	announce(pair);
	ring_writer_linger(&pair->stand.writer);
	clocks->since_ns = clock_now_ns() + PATIENCE_NS; /* this while does not end */
	clocks->lingered_ns = CLOCK_LINGER_SUM_NS;
	announce(pair);
	ring_writer_linger(&pair->stand.writer);
	assert_int_equal(clocks->lingered_ns, CLOCK_LINGER_SUM_NS);
}

static void a_producer_that_lies_is_not_believed(void **state)
{
	struct pair *pair = *state;
	uint64_t random = 4711;

	for (unsigned i = 0; i < LIES; i++) {
		struct ring_clock_answer *answer = answer_of(pair);

		if (i % 2) {
			announce(pair);
		} else {
			clock_question_meet(&pair->question, &pair->reader);
		}
		shared_store_u64(
		        &answer->answer_ns, stand_random(&random) >> stand_below(&random, 20));
		shared_store_u64(
		        &answer->answer_tsc, stand_random(&random) >> stand_below(&random, 20));
		shared_store_u64(&answer->question,
		        stand_below(&random, 8) ? asked(pair) : stand_random(&random));
		clock_question_announce(&pair->question, &pair->reader);
		assert_false(is_known(pair));
	}
}

struct party {
	struct pair *pair;
	atomic_bool is_over;
};

/* The producer: publishes nothing, but behaves as if it just had. */
static void *keep_lingering(void *argument)
{
	struct party *party = argument;

	while (!atomic_load(&party->is_over)) {
		ring_writer_linger(&party->pair->stand.writer);
	}
	return NULL;
}

static void two_that_are_awake_meet(void **state)
{
	struct pair *pair = *state;
	struct party party = { .pair = pair };
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
	struct clock_latency latency;
	uint64_t now_ns;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, keep_lingering, &party), 0);
	while (!(is_known(pair) && pair->question.has_met)) {
		assert_true(clock_now_ns() < end_ns);
		announce(pair);
		clock_question_meet(&pair->question, &pair->reader);
		clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
	}
	atomic_store(&party.is_over, true);
	pthread_join(thread, NULL);
	assert_true_offset(pair);
	now_ns = clock_now_ns();
	assert_true(clock_offset_latency(
	        &pair->question.offset, now_ns - 5 * NS_PER_MS, now_ns, &latency));
	assert_true(latency.ns + latency.bound_ns >= 5 * NS_PER_MS);
	assert_true(latency.ns <= 5 * NS_PER_MS + latency.bound_ns);
}

static void the_counter_is_read_beside_the_clock(void **state)
{
	struct clock_reading before = clock_read(false);
	bool has_counter = clock_has_counter();

	(void)state;
	assert_int_equal(before.counter, 0);
	assert_int_equal(clock_has_counter(), has_counter);
	for (unsigned i = 0; i < 1000; i++) {
		struct clock_reading now = clock_read(has_counter);

		assert_true(now.ns >= before.ns);
		assert_true(now.counter == 0 || (has_counter && now.counter > before.counter));
		before.ns = now.ns;
		before.counter = now.counter ? now.counter : before.counter;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counter_is_read_beside_the_clock),
		cmocka_unit_test_setup_teardown(
		        nothing_is_asked_before_a_frame_or_without_a_block, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        each_look_of_the_producer_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_question_is_asked_at_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        the_answer_to_another_is_none_of_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_attach_begins_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        a_block_that_is_somebody_elses_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        a_deposed_producer_answers_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        a_producer_lingers_once_for_an_announcement, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        a_producer_does_not_linger_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        a_producer_that_lies_is_not_believed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_that_are_awake_meet, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
