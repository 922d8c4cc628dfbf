/* SPDX-License-Identifier: MIT */
/*
 * What a reader thinks of its producer: bad frames, names that cannot be, and when it is enough.
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

static void spoil_payload(struct stand *stand, const struct ring_reader *reader)
{
	stand_payload(stand, reader->slot)[13] ^= 4;
}

static void eight_bad_frames_in_a_row_end_the_session(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (unsigned i = 0; i < RING_QUARANTINE_ROW; i++) {
		assert_false(reader.quarantined);
		publish(stand, 1);
		assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
		spoil_payload(stand, &reader);
		assert_int_equal(stand_take(stand, &reader, &frame), READER_BAD);
		assert_int_equal(ring_reader_fault(&reader), FRAME_BAD_DIGEST);
		assert_null(frame.pixels);
	}
	publish(stand, 1);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_QUARANTINED);
	assert_int_equal(stand_counted(&reader), RING_QUARANTINE_ROW);
	/* A new session starts with a clean slate. */
	stand_reopen(stand, STAND_EPOCH + 1);
	assert_int_equal(stand_claim(stand, &reader, &frame), READER_STALE);
	stand_attach(stand, &reader, 0, READER_LATEST);
	publish(stand, 1);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
}

static void one_in_a_hundred_bad_ends_the_session(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (unsigned i = 0; i < 3 * RING_QUARANTINE_WINDOW; i++) {
		/* Nine of the first 1000, none of the second, ten of the third. */
		bool spoil = i % 7 == 0 && ((i < 63) || (i >= 2000 && i < 2070));

		assert_int_equal(reader.quarantined, i > 2065);
		if (reader.quarantined) {
			break;
		}
		publish(stand, 1);
		assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
		if (spoil) {
			spoil_payload(stand, &reader);
		}
		assert_int_equal(
		        stand_take(stand, &reader, &frame), spoil ? READER_BAD : READER_FRAME);
	}
	assert_true(reader.quarantined);
}

/* A name that is nothing of this session is refused once, and the reader waits for another. */
static void a_name_that_cannot_be_is_not_believed(void **state)
{
	static const uint64_t names[] = {
		UINT64_C(9) << 8 | 4,   /* no such slot */
		UINT64_C(9) << 8 | 255, /* nor that */
		UINT64_C(9) << 8 | 0,   /* the slot says 1 */
		RING_SEQUENCE_MAX << 8 | 0,
		UINT64_MAX,
	};
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		publish(stand, 1);
		shared_store_u64(&stand_identity(stand)->latest, names[i]);
		assert_int_equal(stand_read(stand, &reader, &frame), READER_BAD);
		assert_int_equal(shared_load_u64(&stand_block(stand, 0)->leases[0]), 0);
		for (unsigned j = 0; j < 20; j++) {
			assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
		}
		publish(stand, 1);
		assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
		assert_int_equal(frame.sequence, 2 * i + 2);
	}
	assert_int_equal(reader.counts.bad, 0);
	assert_int_equal(stand_counted(&reader), reader.last);
}

/* The slot agrees with the name, but what it holds belongs to another session or number. */
static void a_number_that_only_the_slot_claims_is_not_believed(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_LATEST);
	publish(stand, 1);
	shared_store_u64(&stand_descriptor(stand, 0)->control, UINT64_C(1000000) << 2);
	shared_store_u64(&stand_identity(stand)->latest, UINT64_C(1000000) << 8);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_BAD);
	assert_int_equal(ring_reader_fault(&reader), FRAME_OTHER_SEQUENCE);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
	publish(stand, 1);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_FRAME);
	assert_int_equal(frame.sequence, 2);
}

/* A descriptor forged where slot 200 would have its own, were there one: its payload is nowhere. */
static void a_slot_that_is_not_there_is_not_looked_at(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	publish(stand, 1);
	memcpy(stand_descriptor(stand, 200), stand_descriptor(stand, 0),
	        sizeof(struct ring_descriptor));
	memcpy(stand->memory.bytes + stand->writer.geometry.digests_base +
	                200 * RING_DIGEST_WORDS_MIN * 8,
	        stand->memory.bytes + stand->writer.geometry.digests_base, sizeof(uint64_t));
	shared_store_u64(&stand_identity(stand)->latest, 1 << 8 | 200);
	stand_attach(stand, &reader, 0, READER_LATEST);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_BAD);
	assert_int_equal(stand_read(stand, &reader, &frame), READER_EMPTY);
}

static void eight_impossible_names_end_the_session(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	publish(stand, 1);
	stand_attach(stand, &reader, 0, READER_LATEST);
	for (unsigned i = 0; i < RING_QUARANTINE_ROW; i++) {
		shared_store_u64(&stand_identity(stand)->latest, (UINT64_C(100) + i) << 8 | 200);
		assert_int_equal(stand_read(stand, &reader, &frame), READER_BAD);
	}
	assert_int_equal(stand_read(stand, &reader, &frame), READER_QUARANTINED);
}

static void torn_frames_are_nobodys_fault(void **state)
{
	struct stand *stand = *state;
	struct ring_reader reader;
	struct frame frame;

	stand_attach(stand, &reader, 0, READER_OBSERVE);
	for (unsigned i = 0; i < 100; i++) {
		publish(stand, 1);
		assert_int_equal(stand_claim(stand, &reader, &frame), READER_FRAME);
		publish(stand, 4);
		assert_int_equal(stand_take(stand, &reader, &frame), READER_TORN);
	}
	assert_false(reader.quarantined);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(eight_bad_frames_in_a_row_end_the_session),
		TRY(one_in_a_hundred_bad_ends_the_session),
		TRY(a_name_that_cannot_be_is_not_believed),
		TRY(a_number_that_only_the_slot_claims_is_not_believed),
		TRY(a_slot_that_is_not_there_is_not_looked_at),
		TRY(eight_impossible_names_end_the_session),
		TRY(torn_frames_are_nobodys_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
