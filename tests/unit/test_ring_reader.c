/* SPDX-License-Identifier: MIT */
/*
 * Reading as LATEST and as an observer: what is taken, what is passed over, what is refused, and
 * that each sequence is counted exactly once.
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

static void publish(struct stand *stand, unsigned frames)
{
	for (unsigned i = 0; i < frames; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
	}
}

static void the_newest_frame_is_taken_once(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
	assert_false(ring_reader_has_news(&reader));
	publish(stand, 1);
	assert_true(ring_reader_has_news(&reader));
	assert_int_equal(ring_reader_in_ring(&reader), 1);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.sequence, 1);
	assert_int_equal(frame.epoch, STAND_EPOCH);
	assert_int_equal(frame.times.due_ns, stand->now_ns);
	assert_int_equal(frame.times.captured_ns, stand->now_ns + 1);
	assert_int_equal(frame.times.filled_ns, stand->now_ns + 2);
	assert_int_equal(frame.times.claimed_ns, stand->now_ns + 3);
	assert_int_equal(frame.times.published_ns, stand->now_ns + 4);
	assert_true(frame_info_equal(&frame.info, &stand->info));
	assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
	publish(stand, 5);
	assert_int_equal(ring_reader_in_ring(&reader), 5);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.sequence, 6);
	assert_int_equal(reader.counts.verified, 2);
	assert_int_equal(reader.counts.skipped, 4);
	assert_int_equal(reader.counts.before_first, 0);
	assert_int_equal(ring_reader_in_ring(&reader), 0);
	assert_int_equal(stand_counted(&reader), 6);
}

static void frames_before_the_first_are_told_apart(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	publish(stand, 9);
	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.sequence, 9);
	publish(stand, 2);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(reader.counts.before_first, 8);
	assert_int_equal(reader.counts.skipped, 9);
	assert_int_equal(stand_counted(&reader), 11);
}

static void the_block_says_what_the_reader_does(void **state)
{
	struct stand *stand = *state;
	struct ring_consumer_block *block = stand_block(stand, 5);
	struct ring_reader reader;
	struct frame frame;

	memset(block, 0xee, sizeof(*block));
	stand_attach(stand, &reader, 5, READER_LATEST);
	assert_true(region_header_has_feedback(stand->ring.h));
	assert_int_equal(shared_load_u64(&block->epoch), reader.own_epoch);
	assert_int_equal(shared_load_u64(&block->attached_epoch), STAND_EPOCH);
	assert_int_equal(shared_load_u32(&block->mode), RING_MODE_LATEST);
	assert_int_equal(shared_load_u32(&block->bye), RING_BYE_NONE);
	assert_int_equal(shared_load_u64(&block->leases[0]), 0);
	assert_int_equal(shared_load_u64(&block->leases[1]), 0);
	assert_int_equal(shared_load_u64(&block->cursor), 0);
	assert_ptr_equal(ring_reader_heartbeat(&reader), &block->heartbeat);
	publish(stand, 3);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(shared_load_u64(&block->leases[0]), 3 << 8 | (reader.slot + 1));
	assert_int_equal(stand_take(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(shared_load_u64(&block->leases[0]), 0);
	assert_int_equal(shared_load_u64(&block->cursor), 3);
	assert_int_equal(shared_load_u64(&block->verified), 1);
	assert_int_equal(shared_load_u64(&block->skipped), 2);
	ring_reader_detach(&reader, RING_BYE_DETACHED);
	assert_int_equal(shared_load_u64(&block->epoch), 0);
	assert_int_equal(shared_load_u64(&block->attached_epoch), 0);
	assert_int_equal(shared_load_u32(&block->bye), RING_BYE_DETACHED);
	assert_null(ring_reader_heartbeat(&reader));
	ring_reader_detach(&reader, RING_BYE_DETACHED);
}

static void an_observer_leaves_no_trace(void **state)
{
	struct stand *stand = *state;
	uint8_t *before = malloc(STAND_REGION);
	struct ring_reader reader;
	struct frame frame;

	assert_non_null(before);
	publish(stand, 3);
	memcpy(before, stand->memory.bytes, STAND_REGION);
	stand_attach(stand, &reader, 0, READER_OBSERVE);
	assert_null(ring_reader_heartbeat(&reader));
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.sequence, 3);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
	assert_int_equal(ring_reader_granted(&reader), RING_MODE_NONE);
	ring_reader_detach(&reader, RING_BYE_DETACHED);
	assert_memory_equal(before, stand->memory.bytes, STAND_REGION);
	free(before);
}

static void a_frame_overwritten_while_it_is_read_is_torn(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_OBSERVE);
	publish(stand, 1);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	publish(stand, 4);
	assert_int_equal(stand_take(stand, &reader, &frame), READER_TORN);
	assert_null(frame.pixels);
	assert_int_equal(reader.counts.torn, 1);
	assert_int_equal(reader.counts.bad, 0);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.sequence, 5);
	assert_int_equal(stand_counted(&reader), 5);
}

static void a_frame_that_is_being_overwritten_is_torn(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_OBSERVE);
	publish(stand, 4);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	publish(stand, 3);
	assert_int_equal(stand_begin(stand), WRITER_OK);
	assert_int_equal(stand_take(stand, &reader, &frame), READER_TORN);
}

/* The writer looked, saw the lease and went away: the frame is whole. */
static void a_claim_that_backs_off_does_not_tear(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	publish(stand, 1);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	shared_store_u64(
	        &stand_descriptor(stand, reader.slot)->control, 1 << 2 | RING_CONTROL_CLAIM);
	assert_int_equal(stand_take(stand, &reader, &frame), READER_FRAME);
}

static void a_slot_that_is_claimed_is_left_alone(void **state)
{
	static const uint64_t flags[] = { RING_CONTROL_CLAIM, RING_CONTROL_WRITING,
		RING_CONTROL_FLAGS };
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	publish(stand, 1);
	for (size_t i = 0; i < 3; i++) {
		stand_attach(stand, &reader, 0, READER_LATEST);
		shared_store_u64(&stand_descriptor(stand, 0)->control, 1 << 2 | flags[i]);
		assert_int_not_equal(stand_read(stand, &reader, &frame), READER_FRAME);
		assert_int_equal(shared_load_u64(&stand_block(stand, 0)->leases[0]), 0);
		assert_int_equal(reader.counts.verified, 0);
	}
	shared_store_u64(&stand_descriptor(stand, 0)->control, 1 << 2);
	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
}

static void another_epoch_ends_the_session(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	publish(stand, 2);
	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	shared_store_u64(&stand_identity(stand)->epoch, STAND_EPOCH + 1);
	assert_int_equal(stand_take(stand, &reader, &frame), READER_STALE);
	assert_int_equal(reader.counts.stale, 1);
	assert_int_equal(stand_counted(&reader), 2);
	assert_true(ring_reader_has_news(&reader));
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_STALE);
	shared_store_u64(&stand_identity(stand)->epoch, 0);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_STALE);
	assert_int_equal(stand_counted(&reader), 2);
}

/* The same sequence, slot and control under another epoch: only the epoch tells. */
static void a_restart_under_the_copy_is_stale(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	publish(stand, 1);
	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
	stand_reopen(stand, STAND_EPOCH + 1);
	publish(stand, 1);
	assert_int_equal(stand_take(stand, &reader, &frame), READER_STALE);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_STALE);
	ring_reader_detach(&reader, RING_BYE_DETACHED);
	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.epoch, STAND_EPOCH + 1);
}

static void who_finds_another_in_its_block_lets_go(void **state)
{
	struct stand *stand = *state;
	struct ring_reader first;
	struct ring_reader second;
	struct frame frame;

	publish(stand, 1);
	stand_attach(stand, &first, 2, READER_LATEST);
	stand_attach(stand, &second, 2, READER_LATEST);
	assert_int_equal(stand_claim(stand, &first, &frame), READER_DEPOSED);
	assert_int_equal(stand_claim(stand, &second, &frame), READER_FRAME);
	ring_reader_detach(&first, RING_BYE_DEPOSED);
	assert_int_equal(shared_load_u64(&stand_block(stand, 2)->epoch), second.own_epoch);
	assert_int_not_equal(shared_load_u64(&stand_block(stand, 2)->leases[0]), 0);
	assert_int_equal(stand_take(stand, &second, &frame), READER_FRAME);
}

static void geometry_and_format_may_change_with_every_frame(void **state)
{
	static const uint32_t formats[] = { STAND_XRGB, STAND_RGB888, STAND_RGB565, STAND_ARGB };
	static const uint32_t bytes[] = { 4, 3, 2, 4 };
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;
	uint64_t random = 42;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t which = stand_below(&random, 4);
		uint32_t width = (uint32_t)(1 + stand_below(&random, i % 50 ? 20 : 800));
		uint32_t row = (width * bytes[which] + 3) & ~3u;

		stand->info = (struct frame_info) {
			.fourcc = formats[which],
			.width = width,
			.height = (uint32_t)(1 + stand_below(&random, i % 50 ? 20 : 60)),
			.stride = row + 4 * (uint32_t)stand_below(&random, 5),
		};
		publish(stand, 1);
		assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
		assert_true(frame_info_equal(&frame.info, &stand->info));
	}
}

static void damage_arrives_as_it_was_sent(void **state)
{
	struct stand *stand = *state;
	struct frame sent = { .damage = { .base_sequence = 1, .count = FRAME_DAMAGE_MAX } };
	struct ring_reader reader;
	struct frame frame;

	for (uint16_t i = 0; i < FRAME_DAMAGE_MAX; i++) {
		sent.damage.rects[i] = (struct frame_rect) { i % 16, i % 8, 1, 1 };
	}
	stand_attach(stand, &reader, 0, READER_LATEST);
	publish(stand, 1);
	assert_int_equal(stand_begin(stand), WRITER_OK);
	stand_copy(stand);
	assert_int_equal(ring_writer_publish(&stand->writer, &sent), WRITER_OK);
	assert_int_equal(sent.sequence, 2);
	assert_int_equal(sent.epoch, STAND_EPOCH);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.damage.base_sequence, 1);
	assert_int_equal(frame.damage.count, FRAME_DAMAGE_MAX);
	assert_memory_equal(frame.damage.rects, sent.damage.rects, sizeof(sent.damage.rects));
}

static void every_digest_is_carried(void **state)
{
	static const enum digest_algorithm algorithms[] = { DIGEST_NONE, DIGEST_XXH3, DIGEST_XXH64,
		DIGEST_SHA256 };
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (size_t i = 0; i < 4; i++) {
		stand->in.algorithm = algorithms[i];
		publish(stand, 1);
		assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
		assert_int_equal(reader.claim.digest_algorithm, algorithms[i]);
		assert_int_equal(stand_take(stand, &reader, &frame), READER_FRAME);
	}
}

static void the_state_is_known_or_none(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (uint32_t i = 0; i <= RING_STATE_FAULT; i++) {
		ring_writer_set_state(&stand->writer, i);
		assert_int_equal(ring_reader_state(&reader), i);
	}
	shared_store_u32(&stand_identity(stand)->state, RING_STATE_FAULT + 1);
	assert_int_equal(ring_reader_state(&reader), RING_STATE_NONE);
	shared_store_u32(&stand_identity(stand)->state, UINT32_MAX);
	assert_int_equal(ring_reader_state(&reader), RING_STATE_NONE);
}

static void sequences_end_at_two_to_the_56(void **state)
{
	const struct ring_writer_config config = {
		.slot_count = 3,
		.version_text = "end",
		.epoch = STAND_EPOCH,
		.first_sequence = RING_SEQUENCE_MAX - 999,
	};
	static const enum reader_mode modes[] = { READER_LATEST, READER_OBSERVE };
	struct ring_reader readers[2];
	struct stand stand;
	struct frame frame;

	(void)state;
	stand_set_up(&stand, STAND_REGION, &config);
	for (unsigned i = 0; i < 2; i++) {
		stand_attach(&stand, &readers[i], i, modes[i]);
	}
	for (uint64_t sequence = config.first_sequence; sequence <= RING_SEQUENCE_MAX; sequence++) {
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(stand_read(&stand, &readers[i], &frame), READER_FRAME);
			assert_true(frame.sequence == sequence);
			assert_true(stand_counted(&readers[i]) == sequence);
		}
	}
	assert_int_equal(stand_publish(&stand), WRITER_EXHAUSTED);
	assert_int_equal(stand_read(&stand, &readers[0], &frame), READER_EMPTY);
	assert_int_equal(readers[0].counts.verified, 1000);
	assert_int_equal(readers[0].counts.before_first, config.first_sequence - 1);
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(the_newest_frame_is_taken_once),
		TRY(frames_before_the_first_are_told_apart),
		TRY(the_block_says_what_the_reader_does),
		TRY(an_observer_leaves_no_trace),
		TRY(a_frame_overwritten_while_it_is_read_is_torn),
		TRY(a_frame_that_is_being_overwritten_is_torn),
		TRY(a_claim_that_backs_off_does_not_tear),
		TRY(a_slot_that_is_claimed_is_left_alone),
		TRY(another_epoch_ends_the_session),
		TRY(a_restart_under_the_copy_is_stale),
		TRY(who_finds_another_in_its_block_lets_go),
		TRY(geometry_and_format_may_change_with_every_frame),
		TRY(damage_arrives_as_it_was_sent),
		TRY(every_digest_is_carried),
		TRY(the_state_is_known_or_none),
		cmocka_unit_test(sequences_end_at_two_to_the_56),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
