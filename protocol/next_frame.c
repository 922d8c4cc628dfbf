/* SPDX-License-Identifier: MIT */
/*
 * LATEST and observers: what `latest` names, if it is newer than what was taken.
 *
 * LOSSLESS: what index[next] names, from the sequence on that the producer's grant says. A reader
 * that is revoked says that it knows and waits to be let in again. After the end of the stream
 * there is nobody to wait for: what was to come is there, or the last frame is all there is.
 *
 * Model: protocol/model/lossless.pml.
 */
#include "next_frame.h"

uint32_t ring_reader_granted(const struct ring_reader *reader)
{
	/* Pairs with the release in consumer_arrive(). */
	if (!reader->grant ||
	        shared_load_acquire_u64(&reader->grant->epoch_acknowledged) != reader->own_epoch) {
		return RING_MODE_NONE;
	}
	return shared_load_u32(&reader->grant->mode) == RING_MODE_LOSSLESS ? RING_MODE_LOSSLESS
	                                                                   : RING_MODE_LATEST;
}

/*
 * Notices a revocation, says that it did, and waits to be let in again.
 * returns: true when frames from reader->from_sequence on wait for us
 */
static bool follow_revocation(struct ring_reader *reader)
{
	uint32_t untrusted_revocations = shared_load_u32(&reader->grant->revocations);
	uint64_t untrusted_from;

	if (untrusted_revocations != reader->revocations_seen) {
		reader->revocations_seen = untrusted_revocations;
		reader->admitted = false;
		shared_store_u32(&reader->block->revocations_seen, untrusted_revocations);
		shared_fence_release();
	}
	if (reader->admitted) {
		return true;
	}
	/* Pairs with the release in grant_admit(). */
	untrusted_from = shared_load_acquire_u64(&reader->grant->from);
	if (untrusted_from == 0 ||
	        (untrusted_from & RING_FROM_REVOCATIONS_MASK) !=
	                (reader->revocations_seen & RING_FROM_REVOCATIONS_MASK)) {
		return false;
	}
	reader->from_sequence = untrusted_from >> RING_FROM_SHIFT;
	reader->admitted = true;
	return true;
}

/* The word that names the next frame in order; 0: not there yet. */
static uint64_t name_next(struct ring_reader *reader)
{
	const shared_u64 *index = (const void *)(reader->g.bytes + RING_IDENTITY_SIZE);
	uint64_t next = reader->last + 1;
	uint64_t untrusted_name;

	if (!follow_revocation(reader)) {
		return 0;
	}
	if (reader->from_sequence > next) {
		next = reader->from_sequence;
	}
	/* Pairs with the release of the index entry in ring_writer_publish(). */
	untrusted_name =
	        shared_load_acquire_u64(&index[next & (reader->geometry.index_length - 1)]);
	/* An entry that is ahead of us means that we were given up: what it names is the way on. */
	return untrusted_name >> RING_NAME_SHIFT >= next ? untrusted_name : 0;
}

static uint64_t name_newest(const struct ring_reader *reader)
{
	/* Pairs with the release of latest in ring_writer_publish(). */
	uint64_t untrusted_name = shared_load_acquire_u64(&reader->identity->latest);

	return untrusted_name >> RING_NAME_SHIFT > reader->last ? untrusted_name : 0;
}

/* What the producer's grant makes the next frame; 0: none, or not granted yet. */
static uint64_t name_granted(struct ring_reader *reader)
{
	switch (ring_reader_granted(reader)) {
	case RING_MODE_LOSSLESS:
		return name_next(reader);
	case RING_MODE_LATEST:
		return name_newest(reader);
	default:
		return 0;
	}
}

static bool stream_has_ended(const struct ring_reader *reader)
{
	bool ended = ring_reader_state(reader) == RING_STATE_ENDED;

	/* Pairs with the fence at the end of ring_writer_publish(): what came before is seen. */
	shared_fence_acquire();
	return ended;
}

uint64_t next_frame_name(struct ring_reader *reader)
{
	uint64_t untrusted_name;

	if (reader->mode != READER_LOSSLESS) {
		return name_newest(reader);
	}
	untrusted_name = name_granted(reader);
	if (untrusted_name || !stream_has_ended(reader)) {
		return untrusted_name;
	}
	/*
	 * After its end nobody grants or admits us any more, but nothing is overwritten either:
	 * what was to wait for us is here, and else the last frame is what there is to see.
	 */
	untrusted_name = name_granted(reader);
	return untrusted_name ? untrusted_name : name_newest(reader);
}

bool ring_reader_has_news(struct ring_reader *reader)
{
	uint64_t untrusted_name;

	if (shared_load_u64(&reader->identity->epoch) != reader->epoch) {
		return true;
	}
	if (reader->quarantined) {
		return false;
	}
	untrusted_name = next_frame_name(reader);
	return (untrusted_name != 0 && untrusted_name != reader->refused) ||
	       pointer_reader_has_news(&reader->pointer) || early_read_has_news(reader);
}
