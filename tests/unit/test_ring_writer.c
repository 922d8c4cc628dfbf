/* SPDX-License-Identifier: MIT */
/*
 * The producer's end: which slot it takes, what leases do to it, who may produce, and how a session
 * begins and ends.
 */
#include "ring_stand.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

static int set_up(void **state)
{
	static struct stand stand;

	stand_set_up_plain(&stand, 4, false);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	stand_tear_down(*state);
	return 0;
}

#define TRY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static int publish_one(struct stand *stand)
{
	assert_int_equal(stand_publish(stand), WRITER_OK);
	return stand->writer.latest;
}

/* A lease on whatever slot, by a consumer that need not be one of ours. */
static void lease(struct stand *stand, unsigned block, unsigned number, uint64_t word)
{
	shared_store_u64(&stand_block(stand, block)->leases[number], word);
}

static void the_oldest_slot_is_taken(void **state)
{
	struct stand *stand = *state;

	for (int i = 0; i < 40; i++) {
		assert_int_equal(publish_one(stand), i % 4);
	}
	assert_int_equal(stand->writer.counts.overruns, 0);
	assert_int_equal(stand->writer.counts.published, 40);
}

static void what_it_takes_to_publish_is_written(void **state)
{
	struct stand *stand = *state;
	struct ring_identity *identity = stand_identity(stand);

	for (uint64_t sequence = 1; sequence <= 200; sequence++) {
		uint64_t slot = (sequence - 1) % 4;
		uint64_t name = sequence << RING_NAME_SHIFT | slot;
		struct ring_descriptor *descriptor = stand_descriptor(stand, (unsigned)slot);

		assert_int_equal(ring_writer_next_sequence(&stand->writer), sequence);
		assert_int_equal(stand_begin(stand), WRITER_OK);
		assert_int_equal(
		        shared_load_u64(&identity->latest) >> RING_NAME_SHIFT, sequence - 1);
		assert_int_equal(shared_load_u64(&descriptor->control),
		        (sequence > 4 ? (sequence - 4) << 2 : 0) | RING_CONTROL_WRITING);
		stand_copy(stand);
		assert_int_equal(shared_load_u64(&identity->announced), name);
		assert_int_equal(shared_load_u64(&descriptor->progress),
		        sequence << RING_PROGRESS_SHIFT | 1);
		assert_int_equal(stand_finish(stand), WRITER_OK);
		assert_int_equal(shared_load_u64(&identity->latest), name);
		assert_int_equal(shared_load_u64(stand_index(stand, sequence)), name);
		assert_int_equal(shared_load_u64(&descriptor->control), sequence << 2);
	}
}

static void a_leased_slot_is_passed_over(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	publish_one(stand);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	for (int i = 1; i < 20; i++) {
		assert_int_not_equal(publish_one(stand), reader.slot);
	}
	assert_int_equal(stand_take(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(publish_one(stand), 0);
}

static void a_lease_lasts_250_ms(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	publish_one(stand);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	stand_pass(stand, 0);
	for (int i = 0; i < 24; i++) {
		stand_beat(&reader);
		stand_pass(stand, 10);
		assert_int_not_equal(publish_one(stand), reader.slot);
	}
	stand->now_ns += 10 * NS_PER_MS - 1;
	assert_int_not_equal(publish_one(stand), reader.slot);
	stand->now_ns += 1;
	assert_int_equal(publish_one(stand), reader.slot);
	assert_int_equal(stand_take(stand, &reader, &frame), READER_TORN);
}

static void the_leases_of_the_silent_do_not_count(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach(stand, &reader, 0, READER_LATEST);
	publish_one(stand);
	stand_pass(stand, 0);
	stand_beat(&reader);
	stand_pass(stand, 100);
	stand_pass(stand, 999);
	lease(stand, 0, 0, 1 << 8 | 2); /* slot 1 */
	assert_int_equal(ring_writer_consumers(&stand->writer, stand->now_ns), 1);
	assert_int_equal(publish_one(stand), 2);
	stand->now_ns += NS_PER_MS;
	assert_int_equal(ring_writer_consumers(&stand->writer, stand->now_ns), 0);
	assert_int_equal(publish_one(stand), 1);
	/* Who never beats at all is heard for a second from its arrival. */
	stand_attach(stand, &reader, 1, READER_LATEST);
	stand_pass(stand, 0);
	assert_int_equal(ring_writer_consumers(&stand->writer, stand->now_ns), 1);
	stand_pass(stand, 999);
	assert_int_equal(ring_writer_consumers(&stand->writer, stand->now_ns), 1);
	stand_pass(stand, 1);
	assert_int_equal(ring_writer_consumers(&stand->writer, stand->now_ns), 0);
}

static void leases_of_another_session_or_of_nobody_do_not_count(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach(stand, &reader, 0, READER_LATEST);
	lease(stand, 0, 0, 1 << 8 | 1);
	lease(stand, 3, 0, 1 << 8 | 2); /* nobody lives in block 3 */
	shared_store_u64(&stand_block(stand, 0)->attached_epoch, STAND_EPOCH + 1);
	assert_int_equal(publish_one(stand), 0);
	assert_int_equal(publish_one(stand), 1);
	assert_int_equal(ring_writer_consumers(&stand->writer, stand->now_ns), 0);
}

static void impossible_leases_are_ignored_and_counted(void **state)
{
	static const uint64_t words[] = { 33, 255, 256, UINT64_MAX, UINT64_C(0xffffffffffffff00) };
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint64_t before = stand->writer.watch.ignored_hints;

		lease(stand, 0, 1, words[i]);
		assert_int_equal(publish_one(stand), i % 4);
		assert_true(stand->writer.watch.ignored_hints > before);
	}
	assert_int_equal(stand->writer.counts.overruns, 0);
}

/* With every other slot leased, LATEST takes the oldest all the same. */
static void latest_never_waits(void **state)
{
	struct stand *stand = *state;
	struct ring_reader readers[2];
	struct frame frame;

	stand_attach(stand, &readers[0], 0, READER_LATEST);
	stand_attach(stand, &readers[1], 1, READER_LATEST);
	for (unsigned i = 0; i < 4; i++) {
		publish_one(stand);
	}
	assert_int_equal(stand_claim(stand, &readers[0], &frame), READER_FRAME); /* slot 3 */
	lease(stand, 0, 1, 1 << 8 | 1);
	lease(stand, 1, 0, 1 << 8 | 2);
	lease(stand, 1, 1, 1 << 8 | 3);
	assert_int_equal(publish_one(stand), 0);
	assert_int_equal(stand->writer.counts.overruns, 1);
	assert_int_equal(publish_one(stand), 1);
	assert_int_equal(publish_one(stand), 2);
	assert_int_equal(publish_one(stand), 3);
	assert_int_equal(stand->writer.counts.overruns, 4);
	assert_int_equal(stand_take(stand, &readers[0], &frame), READER_TORN);
}

static void an_abandoned_frame_is_never_seen(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (int i = 0; i < 4; i++) {
		publish_one(stand);
	}
	for (int i = 0; i < 30; i++) {
		assert_int_equal(stand_begin(stand), WRITER_OK);
		if (i % 2) {
			stand_copy(stand);
		}
		assert_true(
		        shared_load_u64(&stand_descriptor(stand, (unsigned)stand->writer.current)
		                                 ->control) &
		        RING_CONTROL_WRITING);
		if (i % 3 == 0) {
			publish_one(stand);
			assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
		}
	}
	assert_int_equal(reader.counts.bad + reader.counts.torn, 0);
}

/* A dirty slot whose claim backs off has to stay dirty. */
static void backing_off_leaves_a_dirty_slot_dirty(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;
	unsigned dirty;

	for (int i = 0; i < 5; i++) {
		publish_one(stand);
	}
	assert_int_equal(stand_begin(stand), WRITER_OK);
	stand_copy(stand);
	dirty = (unsigned)stand->writer.current;
	stand_attach(stand, &reader, 0, READER_LATEST);
	lease(stand, 0, 0, 2 << 8 | (dirty + 1));
	stand_pass(stand, 1);
	assert_int_not_equal(publish_one(stand), dirty);
	assert_true(
	        shared_load_u64(&stand_descriptor(stand, dirty)->control) & RING_CONTROL_WRITING);
	lease(stand, 0, 0, 0);
	assert_int_equal(publish_one(stand), dirty);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct stand *stand = *state;

	stand->info.stride = 65;
	assert_int_equal(stand_begin(stand), WRITER_NO_FIT);
	assert_int_equal(ring_writer_fault(&stand->writer), FRAME_BAD_STRIDE);
	stand->info = (struct frame_info) { STAND_XRGB, 1024, 49, 4096 };
	assert_int_equal(stand_begin(stand), WRITER_NO_FIT);
	assert_int_equal(ring_writer_fault(&stand->writer), FRAME_OVER_CAPACITY);
	stand->info.height = 48;
	publish_one(stand);
	assert_int_equal(ring_writer_next_sequence(&stand->writer), 2);
}

static void slots_that_do_not_fit_are_refused(void **state)
{
	struct ring_writer_config config = { .version_text = "", .slot_count = 15 };
	struct stand *stand = *state;
	struct ring_writer writer;

	assert_int_equal(ring_writer_occupy(&writer, stand->ring, true), OCCUPY_OK);
	assert_int_equal(ring_writer_open(&writer, &config), -ENOSPC);
	config.slot_count = 2;
	assert_int_equal(ring_writer_open(&writer, &config), -ENOSPC);
	config.slot_count = 33;
	assert_int_equal(ring_writer_open(&writer, &config), -ENOSPC);
	config.slot_count = 3;
	assert_int_equal(ring_writer_open(&writer, &config), 0);
	assert_int_not_equal(writer.epoch, 0);
	assert_int_equal(ring_writer_next_sequence(&writer), 1);
}

/* Frames of which one pixel changed, after the first. returns: the slot that was taken */
static int tell_damage(struct stand *stand, struct frame *frame)
{
	uint8_t *pixels = calloc(1, frame_info_bytes(&stand->info));
	int slot;

	assert_non_null(pixels);
	assert_int_equal(stand_begin(stand), WRITER_OK);
	slot = stand->writer.current;
	frame->damage.count = 1;
	frame->damage.rects[0] = (struct frame_rect) { 0, 0, 1, 1 };
	ring_writer_copy(&stand->writer, &stand->in, pixels, &frame->damage);
	assert_int_equal(ring_writer_publish(&stand->writer, frame), WRITER_OK);
	frame->damage.base_sequence = frame->sequence;
	free(pixels);
	return slot;
}

/*
 * While damage is told, two slots take turns: they lack least. Without it, all of them do. A lease
 * brings in a third, which is left alone again.
 */
static void the_newest_slot_is_taken_while_damage_is_told(void **state)
{
	static const int told[] = { 0, 1, 0, 1, 2, 1, 2, 1, 2, 1 };
	static const int after[] = { 3, 0, 1, 2, 3, 0 };
	struct stand *stand = *state;
	struct frame frame = { .damage.base_sequence = 0 };
	struct ring_reader reader;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		lease(stand, 0, 0, i == 4 ? 1 << 8 | 1 : 0); /* slot 0 */
		assert_int_equal(tell_damage(stand, &frame), told[i]);
	}
	/* That all of it may change is not known before the slot is found. */
	assert_int_equal(publish_one(stand), 2);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		assert_int_equal(publish_one(stand), after[i]);
	}
}

/* Who reads the oldest frame has had the longest time for it, damage or not. */
static void the_oldest_lease_is_broken_while_damage_is_told(void **state)
{
	struct stand *stand = *state;
	struct frame frame = { .damage.base_sequence = 0 };
	struct ring_reader readers[2];

	for (int i = 0; i < 4; i++) {
		assert_int_equal(tell_damage(stand, &frame), i % 2);
	}
	stand_attach(stand, &readers[0], 0, READER_LATEST);
	stand_attach(stand, &readers[1], 1, READER_LATEST);
	lease(stand, 0, 0, 3 << 8 | 1);
	assert_int_equal(tell_damage(stand, &frame), 2);
	lease(stand, 0, 1, 4 << 8 | 2);
	assert_int_equal(tell_damage(stand, &frame), 3);
	lease(stand, 1, 0, 5 << 8 | 3);
	assert_int_equal(tell_damage(stand, &frame), 0);
	assert_int_equal(stand->writer.counts.overruns, 1);
}

static void the_end_is_said(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(ring_reader_state(&reader), RING_STATE_RUNNING);
	publish_one(stand);
	ring_writer_end(&stand->writer);
	assert_int_equal(ring_reader_state(&reader), RING_STATE_ENDED);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
}

static void the_turns_and_the_missed_are_shown(void **state)
{
	struct stand *stand = *state;

	stand_pass(stand, 1);
	stand_pass(stand, 1);
	assert_int_equal(shared_load_u64(&stand_identity(stand)->progress), 2);
	ring_writer_count_not_published(&stand->writer, 3);
	ring_writer_count_not_published(&stand->writer, 4);
	assert_int_equal(shared_load_u64(&stand_identity(stand)->not_published), 7);
}

static void the_scratch_is_inside_and_behind_the_header(void **state)
{
	struct stand *stand = *state;
	struct span scratch = ring_writer_scratch(&stand->writer);
	struct ring_writer small = { .memory = { .g = { stand->memory.bytes, 1 << 19 } } };

	assert_ptr_equal(scratch.bytes + scratch.size, stand->ring.h.bytes);
	assert_true(scratch.bytes >= stand_payload(stand, 0));
	assert_int_equal(ring_writer_scratch(&small).size, 0);
}

/* A stand that beats in a thread while others try to move in. */
static void *beat(void *argument)
{
	struct stand *stand = argument;

	for (int i = 0; i < 40; i++) {
		shared_store_u64(&stand_identity(stand)->heartbeat, 1000 + (uint64_t)i);
		clock_sleep_until_ns(clock_now_ns() + 10 * NS_PER_MS);
	}
	return NULL;
}

static void a_second_producer_is_refused_or_takes_over(void **state)
{
	struct stand *stand = *state;
	struct ring_writer second;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, beat, stand), 0);
	assert_int_equal(ring_writer_occupy(&second, stand->ring, false), OCCUPY_BUSY);
	assert_false(ring_writer_is_deposed(&stand->writer));
	publish_one(stand);
	assert_int_equal(ring_writer_occupy(&second, stand->ring, true), OCCUPY_OK);
	assert_true(ring_writer_is_deposed(&stand->writer));
	assert_int_equal(stand_begin(stand), WRITER_DEPOSED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* The epoch is 0 by now; a dead one leaves another behind. */
	shared_store_u64(&stand_identity(stand)->epoch, STAND_EPOCH);
	assert_int_equal(ring_writer_occupy(&second, stand->ring, false), OCCUPY_OK);
}

static void what_is_not_ours_is_left_alone(void **state)
{
	struct stand *stand = *state;
	struct ring_memory small = stand->ring;
	struct ring_writer writer;

	shared_store_u64(&stand_identity(stand)->magic, 0x1234);
	assert_int_equal(ring_writer_occupy(&writer, stand->ring, false), OCCUPY_FOREIGN);
	assert_int_equal(shared_load_u64(&stand_identity(stand)->epoch), STAND_EPOCH);
	memset(stand->memory.bytes, 0, RING_IDENTITY_SIZE);
	stand->memory.bytes[RING_IDENTITY_SIZE - 1] = 1;
	assert_int_equal(ring_writer_occupy(&writer, stand->ring, false), OCCUPY_FOREIGN);
	assert_int_equal(ring_writer_occupy(&writer, stand->ring, true), OCCUPY_OK);
	stand->memory.bytes[RING_IDENTITY_SIZE - 1] = 0;
	assert_int_equal(ring_writer_occupy(&writer, stand->ring, false), OCCUPY_OK);
	small.g.size = RING_IDENTITY_SIZE - 1;
	assert_int_equal(ring_writer_occupy(&writer, small, true), OCCUPY_SMALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(the_oldest_slot_is_taken),
		TRY(what_it_takes_to_publish_is_written),
		TRY(a_leased_slot_is_passed_over),
		TRY(a_lease_lasts_250_ms),
		TRY(the_leases_of_the_silent_do_not_count),
		TRY(leases_of_another_session_or_of_nobody_do_not_count),
		TRY(impossible_leases_are_ignored_and_counted),
		TRY(latest_never_waits),
		TRY(an_abandoned_frame_is_never_seen),
		TRY(backing_off_leaves_a_dirty_slot_dirty),
		TRY(what_does_not_fit_is_refused),
		TRY(slots_that_do_not_fit_are_refused),
		TRY(the_newest_slot_is_taken_while_damage_is_told),
		TRY(the_oldest_lease_is_broken_while_damage_is_told),
		TRY(the_end_is_said),
		TRY(the_turns_and_the_missed_are_shown),
		TRY(the_scratch_is_inside_and_behind_the_header),
		TRY(a_second_producer_is_refused_or_takes_over),
		TRY(what_is_not_ours_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
