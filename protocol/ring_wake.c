/* SPDX-License-Identifier: MIT */
#include "ring_wake.h"

/* The words differ from sleep to sleep, and none is 0. */
static uint64_t sleep_word(uint64_t number, uint64_t sleeps)
{
	return (number << RING_ARM_SHIFT) | (sleeps & RING_ARM_SLEEPS_MASK);
}

/* Whoever took the block from us may sleep in it: our word would be taken for its own. */
static bool owns_block(const struct ring_reader *reader)
{
	return reader->block && shared_load_u64(&reader->block->epoch) == reader->own_epoch;
}

void ring_reader_arm(struct ring_reader *reader)
{
	if (owns_block(reader)) {
		shared_store_u64(
		        &reader->block->wake_arm, sleep_word(reader->last + 1, ++reader->sleeps));
		/* Pairs with the fence in ring_writer_wake(): it rings, or we see its frame. */
		shared_fence_full();
	}
}

void ring_reader_disarm(struct ring_reader *reader)
{
	if (owns_block(reader)) {
		shared_store_u64(&reader->block->wake_arm, 0);
		shared_fence_release();
	}
}

bool ring_reader_will_be_rung(const struct ring_reader *reader)
{
	return reader->block && ring_address_rings(reader->producer);
}

void ring_reader_wake(struct ring_reader *reader)
{
	uint64_t untrusted_arm;

	if (!reader->block || !reader->doorbell || !ring_address_hears(reader->producer)) {
		return;
	}
	/* Pairs with the fence in ring_writer_arm_space(). */
	shared_fence_full();
	untrusted_arm = shared_load_u64(&reader->identity->space_arm);
	if (untrusted_arm != 0 && untrusted_arm != reader->space_rung) {
		reader->space_rung = untrusted_arm;
		(void)ring_address_ring(reader->producer, reader->doorbell);
	}
}

void ring_reader_call(struct ring_reader *reader)
{
	shared_fence_full();
	(void)ring_address_ring(reader->producer, reader->doorbell);
}

void ring_writer_wake(struct ring_writer *writer)
{
	if (writer->doorbell) {
		/* Pairs with the fence in ring_reader_arm(). */
		shared_fence_full();
		consumer_watch_wake(
		        &writer->watch, writer->sequence, writer->sequence, 0, writer->doorbell);
	}
}

void ring_writer_wake_early(struct ring_writer *writer)
{
	if (writer->doorbell) {
		/* Pairs with the fence in ring_reader_arm(). */
		shared_fence_full();
		consumer_watch_wake(&writer->watch, writer->sequence, writer->sequence + 1,
		        RING_FEATURE_EARLY, writer->doorbell);
	}
}

void ring_writer_wake_pointer(struct ring_writer *writer)
{
	if (writer->doorbell) {
		/* Pairs with the fence in ring_reader_arm(). */
		shared_fence_full();
		consumer_watch_wake(&writer->watch, writer->sequence, RING_SEQUENCE_MAX,
		        RING_FEATURE_POINTER, writer->doorbell);
	}
}

void ring_writer_arm_space(struct ring_writer *writer)
{
	if (!ring_writer_is_deposed(writer)) {
		shared_store_u64(&writer->identity->space_arm,
		        sleep_word(writer->sequence + 1, ++writer->space_sleeps));
	}
	/* Pairs with the fence in ring_reader_wake(): it rings, or we see its slot. */
	shared_fence_full();
}

void ring_writer_disarm_space(struct ring_writer *writer)
{
	if (!ring_writer_is_deposed(writer)) {
		shared_store_u64(&writer->identity->space_arm, 0);
		shared_fence_release();
	}
}

bool ring_writer_will_be_rung(const struct ring_writer *writer)
{
	return writer->doorbell && consumer_watch_rings(&writer->watch);
}
