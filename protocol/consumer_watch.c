/* SPDX-License-Identifier: MIT */
/*
 * For each block: read every word of interest once, then decide.
 *
 *   nobody, or attached to another epoch   forget it
 *   a new own epoch                        grant: mode, and for lossless admit it
 *   heartbeat silent                       its leases do not count; lossless: revoke
 *   it has seen its revocation             admit it again from the next frame on
 *
 * Model: protocol/model/ring.pml (leases), lossless.pml (admission, revocation).
 */
#include "consumer_watch.h"

#include <string.h>

/* One reading of a block; nothing in it is trusted. */
struct block_reading {
	uint64_t epoch;
	uint64_t attached_epoch;
	uint64_t heartbeat;
	uint64_t cursor;
	uint64_t leases[RING_LEASES_MAX];
	uint32_t mode;
	uint32_t revocations_seen;
};

void consumer_watch_init(struct consumer_watch *watch, struct span h, struct ring_grant *grants,
        uint64_t producer_epoch, bool lossless)
{
	memset(watch, 0, sizeof(*watch));
	watch->h = h;
	watch->grants = grants;
	watch->producer_epoch = producer_epoch;
	watch->lossless = lossless;
}

const struct ring_consumer_block *consumer_watch_block(
        const struct consumer_watch *watch, unsigned i)
{
	return (const void *)(watch->h.bytes + RING_BLOCKS_OFFSET +
	                      i * sizeof(struct ring_consumer_block));
}

/* returns: false when nobody who is attached to us lives here */
static bool block_read(
        const struct consumer_watch *watch, unsigned i, struct block_reading *untrusted)
{
	const struct ring_consumer_block *block = consumer_watch_block(watch, i);

	/* Pairs with the release of the consumer's epoch in ring_reader_attach(). */
	untrusted->epoch = shared_load_acquire_u64(&block->epoch);
	if (untrusted->epoch == 0) {
		return false;
	}
	untrusted->attached_epoch = shared_load_u64(&block->attached_epoch);
	if (untrusted->attached_epoch != watch->producer_epoch) {
		return false;
	}
	untrusted->heartbeat = shared_load_u64(&block->heartbeat);
	untrusted->mode = shared_load_u32(&block->mode);
	untrusted->revocations_seen = shared_load_u32(&block->revocations_seen);
	for (unsigned j = 0; j < RING_LEASES_MAX; j++) {
		untrusted->leases[j] = shared_load_u64(&block->leases[j]);
	}
	/* Acquire: the slot is written only after its consumer was seen to be through with it. */
	untrusted->cursor = shared_load_acquire_u64(&block->cursor);
	return true;
}

/*
 * One word says both from where on and after how many revocations, so that a consumer can never
 * pair the start of one admission with the count of another.
 */
static void grant_admit(struct ring_grant *grant, struct consumer *consumer, uint64_t from_sequence)
{
	consumer->admitted = true;
	consumer->from_sequence = from_sequence;
	consumer->cursor = from_sequence - 1;
	consumer->from = (from_sequence << RING_FROM_SHIFT) |
	                 (consumer->revocations & RING_FROM_REVOCATIONS_MASK);
	shared_store_release_u64(&grant->from, consumer->from);
	shared_fence_release();
}

/*
 * Says again what stands in a grant. It changes nothing, unless a producer that was deposed was
 * stopped in the middle of a grant and finished it when we had long moved in. The order is that of
 * consumer_arrive().
 */
static void grant_repeat(struct ring_grant *grant, const struct consumer *consumer)
{
	shared_store_u32(&grant->mode, consumer->mode);
	shared_store_u32(&grant->revocations, consumer->revocations);
	shared_store_release_u64(&grant->from, consumer->from);
	shared_store_release_u64(&grant->epoch_acknowledged, consumer->epoch);
}

/*
 * Stops counting the cursor and says so, before any slot is touched. Who needs that too often gets
 * no more promises: it goes on as LATEST.
 */
static void consumer_revoke(struct consumer_watch *watch, unsigned i)
{
	struct consumer *consumer = &watch->consumers[i];

	consumer->admitted = false;
	consumer->revocations++;
	watch->revocations++;
	shared_store_u32(&watch->grants[i].revocations, consumer->revocations);
	if (consumer->revocations >= CONSUMER_REVOCATIONS_MAX) {
		consumer->mode = RING_MODE_LATEST;
		shared_store_u32(&watch->grants[i].mode, consumer->mode);
	}
	shared_fence_release();
}

static void consumer_leave(struct consumer_watch *watch, unsigned i)
{
	if (watch->consumers[i].epoch) {
		memset(&watch->consumers[i], 0, sizeof(watch->consumers[i]));
		shared_store_release_u64(&watch->grants[i].epoch_acknowledged, 0);
	}
}

static void consumer_arrive(struct consumer_watch *watch, unsigned i,
        const struct block_reading *reading, uint64_t published, uint64_t now_ns)
{
	const struct ring_consumer_block *block = consumer_watch_block(watch, i);
	struct consumer *consumer = &watch->consumers[i];
	struct ring_grant *grant = &watch->grants[i];

	memset(consumer, 0, sizeof(*consumer));
	consumer->epoch = reading->epoch;
	consumer->attached_ns = now_ns;
	consumer->cursor_moved_ns = now_ns;
	consumer->address = ring_address_judge(
	        shared_load_u32(&block->doorbell_peer), shared_load_u32(&block->doorbell_vector));
	consumer->features = shared_load_u64(&block->features_accepted);
	consumer->mode = watch->lossless && reading->mode == RING_MODE_LOSSLESS ? RING_MODE_LOSSLESS
	                                                                        : RING_MODE_LATEST;
	shared_store_release_u64(&grant->epoch_acknowledged, 0);
	shared_store_u32(&grant->revocations, 0);
	shared_store_u64(&grant->from, 0);
	shared_store_u32(&grant->mode, consumer->mode);
	if (consumer->mode == RING_MODE_LOSSLESS) {
		grant_admit(grant, consumer, published + 1);
	}
	/* Pairs with the acquire in ring_reader_granted(). */
	shared_store_release_u64(&grant->epoch_acknowledged, consumer->epoch);
	shared_fence_release();
}

static void consumer_follow_cursor(struct consumer_watch *watch, struct consumer *consumer,
        uint64_t untrusted_cursor, uint64_t published, uint64_t now_ns)
{
	/* Before its first frame the word still holds what the attach left: 0. */
	if (untrusted_cursor <= consumer->cursor) {
		return;
	}
	if (untrusted_cursor > published) {
		watch->ignored_hints++;
		return;
	}
	consumer->cursor = untrusted_cursor;
	consumer->cursor_moved_ns = now_ns;
}

static void consumer_follow_leases(
        struct consumer *consumer, const struct block_reading *reading, uint64_t now_ns)
{
	for (unsigned j = 0; j < RING_LEASES_MAX; j++) {
		if (consumer->leases[j].word != reading->leases[j]) {
			consumer->leases[j].word = reading->leases[j];
			consumer->leases[j].since_ns = now_ns;
		}
	}
}

/* Silence counts from the attach until the heartbeat is first seen to move. */
static uint64_t consumer_silent_ns(const struct consumer *consumer, uint64_t now_ns)
{
	uint64_t heard_ns =
	        consumer->pulse.moved ? consumer->pulse.moved_ns : consumer->attached_ns;

	return clock_elapsed_ns(heard_ns, now_ns);
}

static void consumer_update(
        struct consumer_watch *watch, unsigned i, uint64_t published, uint64_t now_ns)
{
	struct consumer *consumer = &watch->consumers[i];
	struct block_reading reading;

	if (!block_read(watch, i, &reading)) {
		consumer_leave(watch, i);
		return;
	}
	if (reading.epoch != consumer->epoch) {
		consumer_arrive(watch, i, &reading, published, now_ns);
	}
	liveness_observe(&consumer->pulse, reading.heartbeat, now_ns);
	consumer_follow_leases(consumer, &reading, now_ns);
	if (consumer->mode != RING_MODE_LOSSLESS) {
		return;
	}
	if (consumer->admitted) {
		consumer_follow_cursor(watch, consumer, reading.cursor, published, now_ns);
		if (consumer_silent_ns(consumer, now_ns) >= CONSUMER_PATIENCE_NS) {
			consumer_revoke(watch, i);
		}
	} else if (reading.revocations_seen == consumer->revocations &&
	           consumer_silent_ns(consumer, now_ns) < CONSUMER_SILENT_NS) {
		consumer->cursor_moved_ns = now_ns;
		grant_admit(&watch->grants[i], consumer, published + 1);
	}
}

static void look_at_all(struct consumer_watch *watch, uint64_t published, uint64_t now_ns)
{
	watch->looked_ns = now_ns;
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		consumer_update(watch, i, published, now_ns);
	}
}

void consumer_watch_update(struct consumer_watch *watch, uint64_t published, uint64_t now_ns)
{
	look_at_all(watch, published, now_ns);
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		if (watch->consumers[i].epoch) {
			grant_repeat(&watch->grants[i], &watch->consumers[i]);
		}
	}
}

uint32_t consumer_watch_leases(struct consumer_watch *watch, uint64_t published, uint64_t now_ns)
{
	uint32_t leased = 0;

	look_at_all(watch, published, now_ns);
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		const struct consumer *consumer = &watch->consumers[i];

		if (!consumer->epoch ||
		        consumer_silent_ns(consumer, now_ns) >= CONSUMER_SILENT_NS) {
			continue;
		}
		for (unsigned j = 0; j < RING_LEASES_MAX; j++) {
			uint64_t slot = (consumer->leases[j].word & RING_NAME_SLOT_MASK) - 1;

			if (consumer->leases[j].word == 0 ||
			        clock_elapsed_ns(consumer->leases[j].since_ns, now_ns) >=
			                CONSUMER_LEASE_NS) {
				continue;
			}
			if (slot >= RING_SLOTS_MAX) {
				watch->ignored_hints++;
				continue;
			}
			leased |= UINT32_C(1) << slot;
		}
	}
	return leased;
}

uint64_t consumer_watch_cursor(const struct consumer_watch *watch)
{
	uint64_t lowest = UINT64_MAX;

	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		const struct consumer *consumer = &watch->consumers[i];

		if (consumer->epoch && consumer->admitted && consumer->cursor < lowest) {
			lowest = consumer->cursor;
		}
	}
	return lowest;
}

void consumer_watch_blocked(struct consumer_watch *watch, uint64_t published, uint64_t now_ns)
{
	if (watch->blocked_since_ns == 0) {
		watch->blocked_since_ns = now_ns;
	}
	if (clock_elapsed_ns(watch->blocked_since_ns, now_ns) < CONSUMER_PATIENCE_NS) {
		return;
	}
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		const struct consumer *consumer = &watch->consumers[i];

		if (consumer->epoch && consumer->admitted && consumer->cursor < published &&
		        clock_elapsed_ns(consumer->cursor_moved_ns, now_ns) >=
		                CONSUMER_PATIENCE_NS) {
			consumer_revoke(watch, i);
		}
	}
}

void consumer_watch_unblocked(struct consumer_watch *watch)
{
	watch->blocked_since_ns = 0;
}

void consumer_watch_wake(struct consumer_watch *watch, uint64_t published, uint64_t until,
        uint64_t features, struct doorbell *doorbell)
{
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		struct consumer *consumer = &watch->consumers[i];
		uint64_t untrusted_arm;

		/* Who moved in while the frame was copied is not known yet, nor is its address. */
		if (shared_load_u64(&consumer_watch_block(watch, i)->epoch) != consumer->epoch) {
			consumer_update(watch, i, published, watch->looked_ns);
		}
		if (!consumer->epoch || !ring_address_hears(consumer->address) ||
		        (consumer->features & features) != features) {
			continue;
		}
		untrusted_arm = shared_load_u64(&consumer_watch_block(watch, i)->wake_arm);
		if (untrusted_arm != 0 && untrusted_arm != consumer->rung &&
		        untrusted_arm >> RING_ARM_SHIFT <= until) {
			consumer->rung = untrusted_arm;
			(void)ring_address_ring(consumer->address, doorbell);
		}
	}
}

bool consumer_watch_rings(const struct consumer_watch *watch)
{
	bool any = false;

	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		const struct consumer *consumer = &watch->consumers[i];

		if (consumer->epoch && consumer->admitted) {
			any = true;
			if (!ring_address_rings(consumer->address)) {
				return false;
			}
		}
	}
	return any;
}

unsigned consumer_watch_count(const struct consumer_watch *watch, uint64_t now_ns)
{
	unsigned count = 0;

	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		const struct consumer *consumer = &watch->consumers[i];

		if (consumer->epoch && consumer_silent_ns(consumer, now_ns) < CONSUMER_SILENT_NS) {
			count++;
		}
	}
	return count;
}
