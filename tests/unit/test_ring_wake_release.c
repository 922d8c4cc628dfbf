/* SPDX-License-Identifier: MIT */
/*
 * Waking across the ring: who sleeps is rung once a sleep, for what it sleeps for; what was let go
 * of is told to a producer that waits for it. The doorbells here are notes of who was rung.
 */
#include "ring_stand.h"
#include "ring_wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define PRODUCER 1u /* peer ids */
#define CONSUMER 2u

struct bell {
	struct doorbell doorbell;
	unsigned last_peer;
};

static int note_ring(struct doorbell *doorbell, unsigned peer, unsigned vector)
{
	(void)vector;
	((struct bell *)doorbell)->last_peer = peer;
	return 0;
}

static const struct doorbell_ops note_ops = { .name = "note", .ring = note_ring };

struct wake_stand {
	struct stand stand;
	struct bell writer;
	struct bell reader;
};

static struct bell bell_of(unsigned peer)
{
	return (struct bell) { .doorbell = { .ops = &note_ops, .peer = peer, .fd = 0 } };
}

static int set_up(void **state)
{
	static struct wake_stand wake;

	wake.writer = bell_of(PRODUCER);
	wake.reader = bell_of(CONSUMER);
	stand_set_up(&wake.stand, STAND_REGION,
	        &(struct ring_writer_config) {
	                .slot_count = 4,
	                .lossless = true,
	                .version_text = "stand",
	                .epoch = STAND_EPOCH,
	                .doorbell = &wake.writer.doorbell,
	        });
	*state = &wake;
	return 0;
}

static int tear_down(void **state)
{
	stand_tear_down(&((struct wake_stand *)*state)->stand);
	return 0;
}

#define TRY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void attach(
        struct wake_stand *wake, struct ring_reader *reader, unsigned block, enum reader_mode mode)
{
	struct span g = { wake->stand.memory.bytes, wake->stand.ring.region_size };
	struct ring_header header;

	assert_int_equal(region_header_read(g, &header), HEADER_GOOD);
	ring_reader_attach(reader,
	        &(struct ring_reader_config) {
	                .g = g,
	                .h = wake->stand.ring.h,
	                .block = block,
	                .mode = mode,
	                .doorbell = &wake->reader.doorbell,
	        },
	        &header);
}

/* Attached and known to the producer; nobody was rung yet. */
static void attach_known(
        struct wake_stand *wake, struct ring_reader *reader, unsigned block, enum reader_mode mode)
{
	attach(wake, reader, block, mode);
	stand_pass(&wake->stand, 0);
	wake->reader.doorbell.rings = 0;
}

static void publish(struct wake_stand *wake)
{
	assert_int_equal(stand_publish(&wake->stand), WRITER_OK);
}

static void a_sleep_is_rung_for_once(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_reader reader;

	attach_known(wake, &reader, 0, READER_LATEST);
	publish(wake);
	assert_int_equal(wake->writer.doorbell.rings, 0);
	ring_reader_arm(&reader);
	publish(wake);
	publish(wake);
	assert_int_equal(wake->writer.doorbell.rings, 1);
	assert_int_equal(wake->writer.last_peer, CONSUMER);
	/* It slept on: for the same number, and yet another sleep. */
	ring_reader_disarm(&reader);
	publish(wake);
	assert_int_equal(wake->writer.doorbell.rings, 1);
	ring_reader_arm(&reader);
	publish(wake);
	assert_int_equal(wake->writer.doorbell.rings, 2);
}

/* Even one whom the producer has not seen before: who comes rings, and may sleep at once. */
static void who_came_while_the_frame_was_copied_is_rung(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_reader reader;

	assert_int_equal(stand_begin(&wake->stand), WRITER_OK);
	attach(wake, &reader, 0, READER_LATEST);
	assert_int_equal(wake->reader.doorbell.rings, 1);
	assert_int_equal(wake->reader.last_peer, PRODUCER);
	assert_true(ring_reader_will_be_rung(&reader));
	ring_reader_arm(&reader);
	stand_copy(&wake->stand);
	assert_int_equal(stand_finish(&wake->stand), WRITER_OK);
	assert_int_equal(wake->writer.doorbell.rings, 1);
	assert_int_equal(wake->writer.last_peer, CONSUMER);
}

static void what_is_let_go_of_is_told(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_reader reader;

	attach_known(wake, &reader, 0, READER_LOSSLESS);
	assert_true(ring_writer_will_be_rung(&wake->stand.writer));
	assert_int_equal(stand_publish_until_blocked(&wake->stand), 4);
	stand_assert_reads(&wake->stand, &reader, 1);
	assert_int_equal(wake->reader.doorbell.rings, 0);
	publish(wake);
	ring_writer_arm_space(&wake->stand.writer);
	stand_assert_reads(&wake->stand, &reader, 2);
	stand_assert_reads(&wake->stand, &reader, 3);
	assert_int_equal(wake->reader.doorbell.rings, 1);
	/* It sleeps again, and we leave. */
	ring_writer_arm_space(&wake->stand.writer);
	ring_reader_detach(&reader, RING_BYE_DETACHED);
	assert_int_equal(wake->reader.doorbell.rings, 2);
}

/* A lease that led to no frame was in the way all the same. */
static void a_dropped_lease_is_told(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_reader lossless;
	struct ring_reader newest;
	struct frame frame;
	shared_u64 *control = &stand_descriptor(&wake->stand, 0)->control;

	attach_known(wake, &lossless, 0, READER_LOSSLESS);
	attach_known(wake, &newest, 1, READER_LATEST);
	publish(wake);
	shared_store_u64(control, shared_load_u64(control) | RING_CONTROL_CLAIM);
	ring_writer_arm_space(&wake->stand.writer);
	assert_int_equal(ring_reader_claim(&newest, &frame), READER_BAD);
	assert_int_equal(wake->reader.doorbell.rings, 1);
}

static void a_foreign_block_is_left_alone(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_consumer_block *block = stand_block(&wake->stand, 0);
	struct ring_reader old;
	struct ring_reader reader;
	uint64_t word;

	attach_known(wake, &old, 0, READER_LATEST);
	ring_reader_arm(&old);
	attach_known(wake, &reader, 0, READER_LATEST);
	ring_reader_arm(&reader);
	word = shared_load_u64(&block->wake_arm);
	ring_reader_disarm(&old);
	assert_int_equal(shared_load_u64(&block->wake_arm), word);
	ring_reader_arm(&old);
	assert_int_equal(shared_load_u64(&block->wake_arm), word);
}

static void a_deposed_writer_does_not_say_that_it_sleeps(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_writer old = wake->stand.writer;

	stand_reopen(&wake->stand, STAND_EPOCH + 1);
	ring_writer_arm_space(&old);
	assert_int_equal(shared_load_u64(&stand_identity(&wake->stand)->space_arm), 0);
}

static void impossible_addresses_are_none(void **state)
{
	static const struct {
		uint32_t peer;
		uint32_t vector;
		bool rings;
		bool hears;
	} rows[] = {
		{ 0, 0, false, false },
		{ 0, RING_VECTOR_DEAF, false, false },
		{ 1, 0, true, true },
		{ 65536, 65535, true, true },
		{ 1, RING_VECTOR_DEAF, true, false },
		{ 65537, 0, false, false },
		{ UINT32_MAX, 0, false, false },
		{ 1, 65536, false, false },
		{ 1, RING_VECTOR_DEAF - 1, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ring_address address = ring_address_judge(rows[i].peer, rows[i].vector);

		assert_int_equal(ring_address_rings(address), rows[i].rings);
		assert_int_equal(ring_address_hears(address), rows[i].hears);
	}
}

/* One that can ring and cannot be rung is told of, and is not rung. */
static void the_deaf_are_not_rung(void **state)
{
	struct wake_stand *wake = *state;
	struct ring_reader reader;

	wake->reader.doorbell.fd = -1;
	attach_known(wake, &reader, 0, READER_LATEST);
	assert_true(ring_reader_will_be_rung(&reader));
	ring_reader_arm(&reader);
	publish(wake);
	assert_int_equal(wake->writer.doorbell.rings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(a_sleep_is_rung_for_once),
		TRY(who_came_while_the_frame_was_copied_is_rung),
		TRY(what_is_let_go_of_is_told),
		TRY(a_dropped_lease_is_told),
		TRY(a_foreign_block_is_left_alone),
		TRY(a_deposed_writer_does_not_say_that_it_sleeps),
		TRY(impossible_addresses_are_none),
		TRY(the_deaf_are_not_rung),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
