/* SPDX-License-Identifier: MIT */
/*
 * A producer is stopped before any one of its stores, another takes the region over, publishes, and
 * then the first wakes up and finishes what it began. Consumers of the new session may lose a frame
 * by that; they may not be shown a wrong one, and they may not be left behind.
 */
#include "ring_hooks.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define NEW_EPOCH (STAND_EPOCH + 1)

struct takeover {
	struct stand *stand;
	struct ring_writer old;
	struct ring_reader reader;
	enum reader_mode mode;
	unsigned countdown; /* stores of the old one until it is stopped */
	unsigned frames;    /* that the new one publishes before the old one wakes up */
	bool happened;
};

/* The new producer moves in, right before a store of the old one. */
static void stop_here(void *context, const void *word)
{
	struct takeover *takeover = context;
	struct stand *stand = takeover->stand;
	uint8_t *drawn = stand->drawn;
	struct frame frame;

	(void)word;
	if (takeover->countdown-- > 0) {
		return;
	}
	ring_hooks.store = NULL;
	takeover->happened = true;
	/* The stand's writer is the one that is stopped: it is kept with its source, and put back.
	 */
	takeover->old = stand->writer;
	stand->drawn = NULL;
	stand_reopen(stand, NEW_EPOCH);
	stand_attach(stand, &takeover->reader, 0, takeover->mode);
	stand_pass(stand, 1);
	for (unsigned i = 0; i < takeover->frames; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
		assert_int_equal(stand_read(stand, &takeover->reader, &frame), READER_FRAME);
	}
	/* One that was not read yet: the old one may hit it. */
	assert_int_equal(stand_publish(stand), WRITER_OK);
	{
		struct ring_writer new = stand->writer;

		stand->writer = takeover->old;
		takeover->old = new;
	}
	free(stand->drawn);
	stand->drawn = drawn;
}

/* Everything that a producer does in a turn. returns: false when it noticed that it is deposed */
static bool turn(struct stand *stand)
{
	ring_writer_tend(&stand->writer, stand->now_ns);
	ring_writer_set_state(&stand->writer, RING_STATE_RUNNING);
	ring_writer_count_not_published(&stand->writer, 1);
	return stand_publish(stand) == WRITER_OK;
}

/* The new session goes on: within a few frames its reader sees the newest again. */
static void goes_on(struct takeover *takeover)
{
	struct stand *stand = takeover->stand;
	struct frame frame;
	enum reader_result result;
	bool seen = false;

	stand->writer = takeover->old;
	for (unsigned i = 0; i < 100 && !seen; i++) {
		stand_beat(&takeover->reader);
		stand_pass(stand, 50);
		do {
			result = stand_read(stand, &takeover->reader, &frame);
			assert_int_not_equal(result, READER_STALE);
			assert_int_not_equal(result, READER_QUARANTINED);
			seen |= i > 0 && result == READER_FRAME && frame.epoch == NEW_EPOCH &&
			        frame.sequence == stand->writer.sequence;
		} while (result != READER_EMPTY && result != READER_BUSY);
		/* Whoever only wants the newest has it after one more frame, or, where the old
		 * one's frame went by the very name of that, after two. */
		assert_true(seen || i <= 1 || takeover->mode == READER_LOSSLESS);
		stand_publish(stand);
	}
	assert_true(seen);
	assert_true(stand_counted(&takeover->reader) == takeover->reader.last);
}

/* returns: false when the old one had fewer stores than that to make */
static bool try_takeover(
        enum reader_mode mode, unsigned old_frames, unsigned frames, unsigned countdown)
{
	struct takeover takeover = { .mode = mode, .frames = frames, .countdown = countdown };
	struct ring_reader before;
	struct stand stand;

	stand_set_up_plain(&stand, 4, mode == READER_LOSSLESS);
	takeover.stand = &stand;
	/* One that the old one knows, in the block that the new one's consumer will use. */
	stand_attach(&stand, &before, 0, mode == READER_OBSERVE ? READER_LATEST : mode);
	for (unsigned i = 0; i < old_frames; i++) {
		struct frame frame;

		assert_int_equal(stand_publish(&stand), WRITER_OK);
		assert_int_equal(stand_read(&stand, &before, &frame), READER_FRAME);
	}
	ring_hooks.context = &takeover;
	ring_hooks.store = stop_here;
	while (turn(&stand) && takeover.countdown < 100000 && !takeover.happened) {
	}
	ring_hooks.store = NULL;
	assert_true(takeover.happened);
	/* Once awake, it finds out at the latest with its next frame. */
	assert_false(turn(&stand));
	goes_on(&takeover);
	stand_tear_down(&stand);
	return true;
}

static void try_all(enum reader_mode mode)
{
	static const unsigned old_frames[] = { 1, 3, 64, 70 };

	for (size_t i = 0; i < sizeof(old_frames) / sizeof(old_frames[0]); i++) {
		for (unsigned frames = 0; frames < 7; frames += 3) {
			for (unsigned countdown = 0; countdown < 120; countdown++) {
				try_takeover(mode, old_frames[i], frames, countdown);
			}
		}
	}
}

static void latest(void **state)
{
	(void)state;
	try_all(READER_LATEST);
}

static void observe(void **state)
{
	(void)state;
	try_all(READER_OBSERVE);
}

static void lossless(void **state)
{
	(void)state;
	try_all(READER_LOSSLESS);
}

/* A source whose picture does not change never begins a frame: tending has to find out too. */
static void an_idle_producer_touches_nothing_once_deposed(void **state)
{
	struct stand stand;
	struct ring_writer old;
	struct ring_reader reader;
	struct frame frame;

	(void)state;
	stand_set_up_plain(&stand, 4, true);
	stand_attach(&stand, &reader, 0, READER_LOSSLESS);
	stand_pass(&stand, 1);
	old = stand.writer;
	stand_reopen(&stand, NEW_EPOCH);
	stand_attach(&stand, &reader, 0, READER_LOSSLESS);
	stand_pass(&stand, 1);
	ring_writer_set_state(&stand.writer, RING_STATE_PAUSED);
	assert_int_equal(ring_reader_granted(&reader), RING_MODE_LOSSLESS);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(ring_writer_tend(&old, stand.now_ns));
		ring_writer_set_state(&old, RING_STATE_FAULT);
		ring_writer_count_not_published(&old, 1);
		ring_writer_end(&old);
		assert_int_equal(ring_reader_granted(&reader), RING_MODE_LOSSLESS);
		assert_int_equal(ring_reader_state(&reader), RING_STATE_PAUSED);
		assert_int_equal(shared_load_u64(&stand_identity(&stand)->not_published), 0);
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	}
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latest),
		cmocka_unit_test(observe),
		cmocka_unit_test(lossless),
		cmocka_unit_test(an_idle_producer_touches_nothing_once_deposed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
