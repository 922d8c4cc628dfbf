/* SPDX-License-Identifier: MIT */
/*
 * Lossless: nobody who is admitted misses a frame, who holds the producer up for two seconds is
 * given up and told so, and what it missed is counted exactly.
 */
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

static int set_up(void **state)
{
	static struct stand stand;

	stand_set_up_plain(&stand, 4, true);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	stand_tear_down(*state);
	return 0;
}

#define TRY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void assert_empty(struct stand *stand, struct ring_reader *reader)
{
	struct frame frame;

	assert_int_equal(stand_read(stand, reader, &frame), READER_EMPTY);
}

/* ms pass in steps, with everybody's heart beating. */
static void live(struct stand *stand, struct ring_reader *readers, unsigned count, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 50) {
		for (unsigned j = 0; j < count; j++) {
			stand_beat(&readers[j]);
		}
		stand_pass(stand, 50);
	}
}

static void every_frame_arrives_in_order(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach_lossless(stand, &reader, 0);
	for (uint64_t sequence = 1; sequence <= 500; sequence++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
		stand_assert_reads(stand, &reader, sequence);
		assert_empty(stand, &reader);
	}
	assert_int_equal(reader.counts.verified, 500);
	assert_int_equal(reader.counts.skipped, 0);
	assert_int_equal(stand->writer.counts.would_block, 0);
}

static void the_producer_waits_for_the_slowest(void **state)
{
	struct stand *stand = *state;
	struct ring_reader readers[3];
	uint64_t slow = 1;

	for (unsigned i = 0; i < 3; i++) {
		stand_attach_lossless(stand, &readers[i], i);
	}
	for (uint64_t fast = 1; fast < 100;) {
		for (unsigned n = stand_publish_until_blocked(stand); n > 0; n--, fast++) {
			stand_assert_reads(stand, &readers[0], fast);
			stand_assert_reads(stand, &readers[1], fast);
		}
		assert_true(fast - slow <= 4);
		stand_assert_reads(stand, &readers[2], slow++);
	}
	assert_true(stand->writer.counts.would_block > 0);
	assert_int_equal(stand->writer.counts.overruns, 0);
	assert_int_equal(stand->writer.watch.revocations, 0);
}

static void admission_begins_with_the_next_frame(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
	}
	stand_attach_lossless(stand, &reader, 0);
	assert_empty(stand, &reader);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	for (uint64_t sequence = 11; sequence <= 14; sequence++) {
		stand_assert_reads(stand, &reader, sequence);
	}
	assert_int_equal(reader.counts.before_first, 10);
	assert_int_equal(reader.counts.skipped, 10);
	assert_int_equal(reader.counts.verified, 4);
}

/* Who arrives while a frame is being written gets that frame. */
static void admission_in_the_middle_of_a_frame(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	assert_int_equal(stand_publish(stand), WRITER_OK);
	assert_int_equal(stand_begin(stand), WRITER_OK);
	stand_attach_lossless(stand, &reader, 0);
	stand_copy(stand);
	assert_empty(stand, &reader);
	assert_int_equal(stand_finish(stand), WRITER_OK);
	assert_int_equal(stand_publish_until_blocked(stand), 3);
	stand_assert_reads(stand, &reader, 2);
	stand_assert_reads(stand, &reader, 3);
}

static void two_seconds_without_moving_while_blocking(void **state)
{
	struct stand *stand = *state;
	struct ring_reader readers[2];

	stand_attach_lossless(stand, &readers[0], 0);
	stand_attach_lossless(stand, &readers[1], 7);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	for (uint64_t sequence = 1; sequence <= 4; sequence++) {
		stand_assert_reads(stand, &readers[0], sequence);
	}
	for (unsigned i = 0; i < 39; i++) {
		live(stand, readers, 2, 50);
		assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
	}
	assert_int_equal(stand->writer.watch.revocations, 0);
	live(stand, readers, 2, 50);
	/* The first look after two seconds revokes, the next finds room. */
	assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
	assert_int_equal(stand->writer.watch.revocations, 1);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	stand_assert_reads(stand, &readers[0], 5);
	for (uint64_t sequence = 6; sequence <= 20; sequence++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
		stand_assert_reads(stand, &readers[0], sequence);
	}
	/* It notices, says so, is let in again, and knows what it missed. */
	assert_empty(stand, &readers[1]);
	stand_pass(stand, 1);
	assert_empty(stand, &readers[1]);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	stand_assert_reads(stand, &readers[1], 21);
	assert_int_equal(readers[1].counts.skipped, 20);
	stand_assert_reads(stand, &readers[0], 21);
	assert_int_equal(readers[0].counts.skipped, 0);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	stand_assert_reads(stand, &readers[1], 22);
}

static void a_slow_one_that_moves_is_not_given_up(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach_lossless(stand, &reader, 0);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	for (uint64_t sequence = 1; sequence < 20; sequence++) {
		assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
		live(stand, &reader, 1, 1950);
		assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
		stand_assert_reads(stand, &reader, sequence);
		assert_int_equal(stand_publish(stand), WRITER_OK);
	}
	assert_int_equal(stand->writer.watch.revocations, 0);
}

/* Blocked means that a slot is wanted: an idle producer takes nothing away from anybody. */
static void who_does_not_hold_up_is_not_given_up(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach_lossless(stand, &reader, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
	}
	live(stand, &reader, 1, 10000);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
	assert_int_equal(stand->writer.watch.revocations, 0);
	stand_assert_reads(stand, &reader, 1);
}

static void two_seconds_of_silence(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach_lossless(stand, &reader, 0);
	live(stand, &reader, 1, 1000);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	stand_pass(stand, 1999);
	assert_int_equal(stand->writer.watch.revocations, 0);
	stand_pass(stand, 1);
	assert_int_equal(stand->writer.watch.revocations, 1);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	/* It wakes up with its old place in mind, and goes on with what is promised to it. */
	assert_empty(stand, &reader);
	stand_pass(stand, 10);
	assert_empty(stand, &reader);
	assert_false(stand->writer.watch.consumers[0].admitted);
	stand_beat(&reader);
	stand_pass(stand, 10);
	assert_true(stand->writer.watch.consumers[0].admitted);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	stand_assert_reads(stand, &reader, 6);
	assert_int_equal(reader.counts.skipped, 5);
}

static void given_up_again_and_again(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;
	uint64_t random = 7;
	uint64_t last = 0;

	stand_attach_lossless(stand, &reader, 3);
	for (unsigned round = 0; round < CONSUMER_REVOCATIONS_MAX - 1; round++) {
		uint64_t revocations = stand->writer.watch.revocations;

		stand_publish_until_blocked(stand);
		if (stand_below(&random, 2)) {
			live(stand, &reader, 1, 2000);
			assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
		} else {
			stand_pass(stand, 2500);
		}
		assert_int_equal(stand->writer.watch.revocations, revocations + 1);
		for (uint64_t i = stand_below(&random, 200); i > 0; i--) {
			assert_int_equal(stand_publish(stand), WRITER_OK);
		}
		last = stand->writer.sequence;
		live(stand, &reader, 1, 100);
		while (stand_read(stand, &reader, &frame) != READER_EMPTY) {
		}
		live(stand, &reader, 1, 50);
		assert_int_equal(stand_publish(stand), WRITER_OK);
		stand_assert_reads(stand, &reader, last + 1);
	}
	assert_int_equal(reader.counts.torn + reader.counts.bad, 0);
}

static void the_dead_hold_nobody_up(void **state)
{
	struct stand *stand = *state;
	struct ring_reader readers[8];

	for (unsigned i = 0; i < 8; i++) {
		stand_attach_lossless(stand, &readers[i], i);
	}
	live(stand, readers, 8, 500);
	for (unsigned i = 1; i < 8; i++) {
		assert_int_equal(stand_publish_until_blocked(stand), 4);
		/* One more is killed; the rest go on within two seconds. */
		live(stand, readers + i, 8 - i, 2100);
		for (unsigned j = i; j < 8; j++) {
			for (uint64_t k = 4 * i - 3; k <= 4 * i; k++) {
				stand_assert_reads(stand, &readers[j], k);
			}
		}
	}
	assert_int_equal(stand->writer.watch.revocations, 7);
}

static void one_that_says_goodbye_is_forgotten_at_once(void **state)
{
	struct stand *stand = *state;
	struct ring_reader readers[2];

	stand_attach_lossless(stand, &readers[0], 0);
	stand_attach_lossless(stand, &readers[1], 1);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	for (uint64_t sequence = 1; sequence <= 4; sequence++) {
		stand_assert_reads(stand, &readers[1], sequence);
	}
	ring_reader_detach(&readers[0], RING_BYE_DETACHED);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	assert_int_equal(stand->writer.watch.revocations, 0);
}

static void the_backlog_survives_the_end(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach_lossless(stand, &reader, 0);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	ring_writer_end(&stand->writer);
	for (uint64_t sequence = 1; sequence <= 4; sequence++) {
		assert_int_equal(ring_reader_state(&reader), RING_STATE_ENDED);
		assert_true(ring_reader_has_news(&reader));
		stand_assert_reads(stand, &reader, sequence);
	}
	assert_empty(stand, &reader);
	assert_int_equal(ring_reader_in_ring(&reader), 0);
}

static void a_latest_producer_grants_latest(void **state)
{
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	stand_set_up_plain(&stand, 4, false);
	stand_attach(&stand, &reader, 0, READER_LOSSLESS);
	assert_empty(&stand, &reader);
	assert_int_equal(stand_publish(&stand), WRITER_OK);
	assert_int_equal(ring_reader_granted(&reader), RING_MODE_LATEST);
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(stand_publish(&stand), WRITER_OK);
	}
	stand_assert_reads(&stand, &reader, 10);
	stand_tear_down(&stand);
}

/* The watcher may be overtaken, and takes nothing from the one who records. */
static void mixed_consumers(void **state)
{
	struct stand *stand = *state;
	struct ring_reader recorder;
	struct ring_reader watcher;
	struct ring_reader observer;
	struct frame frame;
	uint64_t random = 5;
	uint64_t recorded = 0;

	stand_attach_lossless(stand, &recorder, 0);
	stand_attach(stand, &watcher, 1, READER_LATEST);
	stand_attach(stand, &observer, 0, READER_OBSERVE);
	while (recorded < 1000) {
		stand_beat(&recorder);
		stand_beat(&watcher);
		stand->now_ns += 10 * NS_PER_MS;
		stand_publish(stand);
		if (stand_below(&random, 3) && recorded < stand->writer.sequence) {
			stand_assert_reads(stand, &recorder, ++recorded);
		}
		if (stand_below(&random, 3) == 0) {
			stand_read(stand, &watcher, &frame);
		}
		stand_read(stand, &observer, &frame);
	}
	assert_int_equal(recorder.counts.skipped, 0);
	assert_int_equal(watcher.counts.torn + observer.counts.torn, 0);
	assert_true(stand_counted(&watcher) == watcher.last);
	assert_int_equal(stand->writer.counts.overruns, 0);
}

/* Leases of those who only watch may cost them a frame, but never hold a recording up for ever. */
static void cursors_that_cannot_be_are_ignored(void **state)
{
	struct stand *stand = *state;
	struct ring_consumer_block *block = stand_block(stand, 0);
	struct ring_reader reader;

	stand_attach_lossless(stand, &reader, 0);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	shared_store_u64(&block->cursor, 5);
	assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
	shared_store_u64(&block->cursor, UINT64_MAX);
	assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
	assert_int_not_equal(stand->writer.watch.ignored_hints, 0);
	shared_store_u64(&block->cursor, 4);
	assert_int_equal(stand_publish_until_blocked(stand), 4);
	/* It does not go back either. */
	shared_store_u64(&block->cursor, 1);
	assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
}

static void the_index_wraps_around(void **state)
{
	const struct ring_writer_config config = {
		.slot_count = 3,
		.lossless = true,
		.version_text = "wrap",
		.epoch = STAND_EPOCH,
		.first_sequence = RING_SEQUENCE_MAX - 999,
	};
	struct ring_reader reader;
	struct stand stand;

	(void)state;
	stand_set_up(&stand, STAND_REGION, &config);
	stand_attach_lossless(&stand, &reader, 0);
	for (uint64_t sequence = config.first_sequence; sequence <= RING_SEQUENCE_MAX; sequence++) {
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		stand_assert_reads(&stand, &reader, sequence);
	}
	assert_int_equal(stand_publish(&stand), WRITER_EXHAUSTED);
	assert_empty(&stand, &reader);
	assert_int_equal(reader.counts.skipped, config.first_sequence - 1);
	assert_int_equal(reader.counts.verified, 1000);
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(every_frame_arrives_in_order),
		TRY(the_producer_waits_for_the_slowest),
		TRY(admission_begins_with_the_next_frame),
		TRY(admission_in_the_middle_of_a_frame),
		TRY(two_seconds_without_moving_while_blocking),
		TRY(a_slow_one_that_moves_is_not_given_up),
		TRY(who_does_not_hold_up_is_not_given_up),
		TRY(two_seconds_of_silence),
		TRY(given_up_again_and_again),
		TRY(the_dead_hold_nobody_up),
		TRY(one_that_says_goodbye_is_forgotten_at_once),
		TRY(the_backlog_survives_the_end),
		TRY(a_latest_producer_grants_latest),
		TRY(mixed_consumers),
		TRY(cursors_that_cannot_be_are_ignored),
		TRY(the_index_wraps_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
