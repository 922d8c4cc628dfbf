/* SPDX-License-Identifier: MIT */
/*
 * The reader's algorithm (docs/protocol.md, "The reader"):
 *
 *   1 epoch is ours, else STALE
 *   2 load latest, or index[next], once; range-check
 *   3 store the lease, full fence
 *   4 control is exactly 4 * sequence, else drop the lease and look again, a few times
 *   5 copy the descriptor once, judge the copy
 *   6 copy the pixels to private memory, digesting the copy
 *   7 acquire fence; control is 4 * sequence or that plus CLAIM, and the epoch is ours
 *   8 clear the lease, advance the cursor
 *   9 compare the digests
 *
 * A word of the other side is loaded once for each decision; control and epoch are the two that are
 * loaded again, in step 7.
 *
 * A number is counted only when name and slot agree on it. A name that its slot contradicts twice,
 * or whose descriptor is of another frame, is no frame of this session: flipped bits, or a producer
 * that was deposed while it published. It is refused until the word changes; to believe its number
 * would mean to wait for a sequence that is years away. Model: protocol/model/ring.pml,
 * lossless.pml.
 */
#include "ring_reader.h"
#include "next_frame.h"
#include "ring_wake.h"

#include <string.h>

#define CLAIM_TRIES 4

/* Nothing that its last owner left may count for us; the heartbeat belongs to its own thread. */
static void wipe_block(struct ring_consumer_block *block)
{
	shared_store_u64(&block->attached_epoch, 0);
	shared_store_u32(&block->mode, RING_MODE_NONE);
	shared_store_u32(&block->bye, RING_BYE_NONE);
	shared_store_u64(&block->features_accepted, 0);
	shared_store_u32(&block->doorbell_peer, 0);
	shared_store_u32(&block->doorbell_vector, 0);
	shared_store_u32(&block->revocations_seen, 0);
	for (unsigned i = 0; i < RING_LEASES_MAX; i++) {
		shared_store_u64(&block->leases[i], 0);
	}
	shared_store_u64(&block->cursor, 0);
	shared_store_u64(&block->clock_question, 0);
	shared_store_u64(&block->wake_arm, 0);
	shared_store_u64(&block->verified, 0);
	shared_store_u64(&block->skipped, 0);
	shared_store_u64(&block->torn, 0);
	shared_store_u64(&block->stale, 0);
	shared_store_u64(&block->bad, 0);
}

/*
 * Where the producer can be rung. Its generation is 0 when it cannot, and differs when the two were
 * not read as a pair.
 */
static struct ring_address load_producer(const struct ring_identity *identity)
{
	uint64_t untrusted_generation = shared_load_acquire_u64(&identity->doorbell_generation);
	uint32_t untrusted_peer = shared_load_u32(&identity->doorbell_peer);
	uint32_t untrusted_vector = shared_load_u32(&identity->doorbell_vector);

	shared_fence_acquire();
	if (untrusted_generation == 0 ||
	        shared_load_u64(&identity->doorbell_generation) != untrusted_generation) {
		return (struct ring_address) { 0, 0 };
	}
	return ring_address_judge(untrusted_peer, untrusted_vector);
}

/* Takes the block over from whoever lived there. The epoch comes last: with it all counts. */
static void move_in(struct ring_reader *reader, const struct ring_reader_config *config)
{
	struct ring_consumer_block *block = reader->block;
	struct ring_address address = ring_address_of(config->doorbell);

	/* Whoever lived here before is gone before anything of ours can be seen. */
	shared_store_release_u64(&block->epoch, 0);
	shared_fence_release();
	wipe_block(block);
	shared_store_u64(&block->attached_epoch, reader->epoch);
	shared_store_u32(&block->mode,
	        config->mode == READER_LOSSLESS ? RING_MODE_LOSSLESS : RING_MODE_LATEST);
	shared_store_u64(
	        &block->features_accepted, (reader->pointer.area ? RING_FEATURE_POINTER : 0) |
	                                           (reader->reads_early ? RING_FEATURE_EARLY : 0));
	shared_store_u32(&block->doorbell_peer, address.peer);
	shared_store_u32(&block->doorbell_vector, address.vector);
	/* Pairs with the acquire in block_read(). */
	shared_store_release_u64(&block->epoch, reader->own_epoch);
	shared_fence_release();
}

void ring_reader_attach(struct ring_reader *reader, const struct ring_reader_config *config,
        const struct ring_header *header)
{
	memset(reader, 0, sizeof(*reader));
	reader->g = config->g;
	reader->identity = (const void *)config->g.bytes;
	reader->geometry = header->geometry;
	reader->epoch = header->epoch;
	reader->mode = config->mode;
	reader->keeps_pixels = config->keeps_pixels;
	reader->reads_early =
	        config->reads_early && (header->features_offered & RING_FEATURE_EARLY);
	if (config->wants_pointer) {
		pointer_reader_open(&reader->pointer, config->g, header);
	}
	if (config->mode == READER_OBSERVE) {
		return;
	}
	region_header_format_feedback(config->h);
	reader->block = (void *)(config->h.bytes + RING_BLOCKS_OFFSET +
	                         config->block * sizeof(*reader->block));
	reader->grant = &reader->identity->grants[config->block];
	reader->own_epoch = ring_random_epoch();
	reader->doorbell = config->doorbell;
	reader->producer = load_producer(reader->identity);
	move_in(reader, config);
	ring_reader_call(reader);
}

void ring_reader_resume(struct ring_reader *reader, uint64_t last)
{
	reader->start = last;
	reader->last = last;
	reader->taken_any = true;
}

static void release_lease(struct ring_reader *reader)
{
	reader->sequence = 0;
	if (reader->block) {
		/* Release: every read of the slot comes before. */
		shared_store_release_u64(&reader->block->leases[0], 0);
	}
}

/* Gives back a lease that led to no frame: a producer may have found it in the way, and sleep. */
static void drop_lease(struct ring_reader *reader)
{
	release_lease(reader);
	ring_reader_wake(reader);
}

static void publish_counts(const struct ring_reader *reader)
{
	if (reader->block) {
		shared_store_u64(&reader->block->verified, reader->counts.verified);
		shared_store_u64(&reader->block->skipped, reader->counts.skipped);
		shared_store_u64(&reader->block->torn, reader->counts.torn);
		shared_store_u64(&reader->block->stale, reader->counts.stale);
		shared_store_u64(&reader->block->bad, reader->counts.bad);
	}
}

void ring_reader_detach(struct ring_reader *reader, uint32_t bye)
{
	/* A block with a foreign epoch is somebody else's: hands off. */
	if (reader->block && shared_load_u64(&reader->block->epoch) == reader->own_epoch) {
		release_lease(reader);
		shared_store_u32(&reader->block->bye, bye);
		shared_store_release_u64(&reader->block->attached_epoch, 0);
		shared_store_release_u64(&reader->block->epoch, 0);
		shared_fence_release();
		ring_reader_wake(reader);
	}
	reader->block = NULL;
	reader->epoch = 0;
}

shared_u64 *ring_reader_heartbeat(const struct ring_reader *reader)
{
	return reader->block ? &reader->block->heartbeat : NULL;
}

uint32_t ring_reader_state(const struct ring_reader *reader)
{
	uint32_t untrusted_state = shared_load_u32(&reader->identity->state);

	return untrusted_state <= RING_STATE_FAULT ? untrusted_state : RING_STATE_NONE;
}

uint64_t ring_reader_in_ring(const struct ring_reader *reader)
{
	uint64_t untrusted_latest = shared_load_u64(&reader->identity->latest) >> RING_NAME_SHIFT;

	return untrusted_latest > reader->last ? untrusted_latest - reader->last : 0;
}

enum frame_fault ring_reader_fault(const struct ring_reader *reader)
{
	return reader->last_fault;
}

/* Every sequence up to this one is accounted for: the gap as skipped, itself by the caller. */
static void count_up_to(struct ring_reader *reader, uint64_t sequence)
{
	uint64_t gap = sequence - reader->last - 1;

	reader->counts.skipped += gap;
	if (!reader->taken_any) {
		reader->taken_any = true;
		reader->counts.before_first = gap;
	}
	reader->last = sequence;
}

static void advance_cursor(const struct ring_reader *reader)
{
	if (reader->block) {
		shared_store_release_u64(&reader->block->cursor, reader->last);
		shared_fence_release();
	}
}

/* Bad frames are dropped one by one; too many of them end the session. */
static void judge_producer(struct ring_reader *reader, bool bad)
{
	reader->bad_row = bad ? reader->bad_row + 1 : 0;
	reader->bad_window += bad;
	if (reader->bad_row >= RING_QUARANTINE_ROW ||
	        reader->bad_window >= RING_QUARANTINE_WINDOW / 100) {
		reader->quarantined = true;
	}
	if (++reader->window == RING_QUARANTINE_WINDOW) {
		reader->window = 0;
		reader->bad_window = 0;
	}
}

static enum reader_result finish(struct ring_reader *reader, enum reader_result result)
{
	count_up_to(reader, reader->sequence);
	release_lease(reader);
	advance_cursor(reader);
	switch (result) {
	case READER_FRAME:
		reader->counts.verified++;
		break;
	case READER_TORN:
		reader->counts.torn++;
		break;
	case READER_STALE:
		reader->counts.stale++;
		break;
	default:
		reader->counts.bad++;
		break;
	}
	if (result == READER_FRAME || result == READER_BAD) {
		judge_producer(reader, result == READER_BAD);
	}
	publish_counts(reader);
	ring_reader_wake(reader);
	return result;
}

const struct ring_descriptor *ring_reader_descriptor(
        const struct ring_reader *reader, uint32_t slot)
{
	return (const void *)(reader->g.bytes + reader->geometry.descriptors_base +
	                      (uint64_t)slot * reader->geometry.descriptor_stride);
}

const uint8_t *ring_reader_payload(const struct ring_reader *reader, uint32_t slot)
{
	return reader->g.bytes + reader->geometry.payload_base +
	       (uint64_t)slot * reader->geometry.slot_capacity;
}

/* Step 7. READER_FRAME: what was read since take_lease() is of this frame and this session. */
static enum reader_result recheck(const struct ring_reader *reader)
{
	uint64_t untrusted_control;

	/* Pairs with the release fence in start_writing(). */
	shared_fence_acquire();
	untrusted_control = shared_load_u64(&ring_reader_descriptor(reader, reader->slot)->control);
	if ((untrusted_control & ~RING_CONTROL_CLAIM) != reader->sequence << RING_CONTROL_SHIFT) {
		return READER_TORN;
	}
	shared_fence_acquire();
	if (shared_load_u64(&reader->identity->epoch) != reader->epoch) {
		return READER_STALE;
	}
	return READER_FRAME;
}

/* Nothing by this name is looked at again, and no sequence is counted for it. */
static enum reader_result refuse(
        struct ring_reader *reader, uint64_t untrusted_name, enum frame_fault fault)
{
	drop_lease(reader);
	reader->refused = untrusted_name;
	/* A session that just ended wipes its names and slots, which looks the same. */
	shared_fence_acquire();
	if (shared_load_u64(&reader->identity->epoch) != reader->epoch) {
		return READER_STALE;
	}
	reader->last_fault = fault;
	judge_producer(reader, true);
	return READER_BAD;
}

/* Steps 2 to 4. READER_FRAME: reader->sequence and slot are set, and leased. */
static enum reader_result take_lease(struct ring_reader *reader)
{
	uint64_t tried = 0;

	for (int i = 0; i < CLAIM_TRIES; i++) {
		uint64_t untrusted_name = next_frame_name(reader);
		uint64_t slot = untrusted_name & RING_NAME_SLOT_MASK;
		uint64_t control;

		if (untrusted_name == 0 || untrusted_name == reader->refused) {
			return READER_EMPTY;
		}
		/* A producer touches a slot only after another name has taken this one's place. */
		if (slot >= reader->geometry.slot_count || untrusted_name == tried) {
			return refuse(reader, untrusted_name, FRAME_OTHER_SEQUENCE);
		}
		tried = untrusted_name;
		reader->sequence = untrusted_name >> RING_NAME_SHIFT;
		reader->slot = (uint32_t)slot;
		if (reader->block) {
			shared_store_u64(&reader->block->leases[0],
			        (reader->sequence << RING_NAME_SHIFT) | (slot + 1));
		}
		/* Pairs with the fence between CLAIM and the leases in claim_slot(). */
		shared_fence_full();
		control = shared_load_acquire_u64(
		        &ring_reader_descriptor(reader, reader->slot)->control);
		if (control == reader->sequence << RING_CONTROL_SHIFT) {
			return READER_FRAME;
		}
		drop_lease(reader);
	}
	return READER_BUSY;
}

/* Step 5: the fixed part first, because it says how long the other parts are. */
static enum frame_fault copy_descriptor(struct ring_reader *reader)
{
	const struct ring_descriptor *descriptor = ring_reader_descriptor(reader, reader->slot);
	const shared_u64 *digests =
	        (const void *)(reader->g.bytes + reader->geometry.digests_base +
	                       (uint64_t)reader->slot * reader->geometry.digest_words * 8);
	struct ring_claim *untrusted = &reader->claim;
	uint64_t damage[RING_DAMAGE_MAX];
	enum frame_fault fault;
	uint32_t words;

	shared_copy_out(untrusted, descriptor->claim, RING_CLAIM_WORDS);
	fault = frame_check_claim(
	        untrusted, reader->epoch, reader->sequence, reader->geometry.slot_capacity);
	if (fault != FRAME_FITS) {
		return fault;
	}
	shared_copy_out(damage, descriptor->damage, untrusted->damage_count);
	words = frame_claim_digest_words(untrusted);
	shared_copy_out(reader->digests, digests, words);
	if (untrusted->checksum != frame_claim_checksum(untrusted, damage,
	                                   frame_digests_sum(reader->digests, words))) {
		return FRAME_BAD_CHECKSUM;
	}
	frame_check_damage(damage, untrusted->damage_count, untrusted->base_sequence, untrusted,
	        &reader->damage);
	return FRAME_FITS;
}

static void describe(const struct ring_reader *reader, struct frame *frame)
{
	const struct ring_claim *claim = &reader->claim;

	frame->info = frame_claim_info(claim);
	frame->times = (struct frame_times) {
		.due_ns = claim->due_ns,
		.captured_ns = claim->captured_ns,
		.filled_ns = claim->filled_ns,
		.claimed_ns = claim->claimed_ns,
		.published_ns = claim->published_ns,
	};
	frame->damage = reader->damage;
	frame->epoch = claim->epoch;
	frame->sequence = claim->sequence;
	frame->pixels = NULL;
}

/* Is it at least known that this is the frame of this session that its name says it is? */
static bool number_is_proven(enum frame_fault fault)
{
	return fault != FRAME_OTHER_EPOCH && fault != FRAME_OTHER_SEQUENCE;
}

/* A descriptor that is wrong: overwritten under our eyes, or really? */
static enum reader_result reject(struct ring_reader *reader, enum frame_fault fault)
{
	enum reader_result result = recheck(reader);

	if (result != READER_FRAME) {
		if (number_is_proven(fault)) {
			return finish(reader, result);
		}
		drop_lease(reader);
		return result == READER_TORN ? READER_BUSY : result;
	}
	reader->last_fault = fault;
	if (number_is_proven(fault)) {
		return finish(reader, READER_BAD);
	}
	return refuse(reader, (reader->sequence << RING_NAME_SHIFT) | reader->slot, fault);
}

enum reader_result ring_reader_claim(struct ring_reader *reader, struct frame *frame)
{
	enum reader_result result;
	enum frame_fault fault;

	if (shared_load_acquire_u64(&reader->identity->epoch) != reader->epoch) {
		return READER_STALE;
	}
	if (reader->quarantined) {
		return READER_QUARANTINED;
	}
	if (reader->block && shared_load_u64(&reader->block->epoch) != reader->own_epoch) {
		return READER_DEPOSED;
	}
	result = take_lease(reader);
	if (result != READER_FRAME) {
		return result;
	}
	fault = copy_descriptor(reader);
	if (fault != FRAME_FITS) {
		return reject(reader, fault);
	}
	describe(reader, frame);
	return READER_FRAME;
}

static bool digests_agree(const struct ring_reader *reader)
{
	return reader->claim.digest_algorithm == DIGEST_NONE ||
	       memcmp(reader->digests, reader->digests_seen,
	               frame_claim_digest_words(&reader->claim) * sizeof(uint64_t)) == 0;
}

enum reader_result ring_reader_copy(
        struct ring_reader *reader, struct copier *copier, void *pixels, struct frame *frame)
{
	enum reader_result result;

	frame_update(reader, copier, pixels);
	result = recheck(reader);
	if (result == READER_FRAME && !digests_agree(reader)) {
		reader->last_fault = FRAME_BAD_DIGEST;
		result = READER_BAD;
	}
	if (result == READER_FRAME) {
		frame_update_accept(reader, pixels);
	}
	result = finish(reader, result);
	if (result == READER_FRAME) {
		frame->pixels = pixels;
	}
	return result;
}
