/* SPDX-License-Identifier: MIT */
/*
 * Slot transitions, all by the producer:
 *
 *   4q or 0 -> CLAIM        candidate: not the latest, not leased, passed by all lossless cursors
 *   CLAIM   -> back         a lease appeared meanwhile; the payload is untouched
 *   CLAIM   -> WRITING      nobody came; from here on the payload changes
 *   WRITING -> 4q'          payload and descriptor complete
 *   any     -> 0            at start, while the epoch is 0
 *
 * One flag would not do: backing off must not make a correctly leased frame look torn.
 * Model: protocol/model/ring.pml, lossless.pml.
 */
#include "ring_wake.h"

#include <errno.h>
#include <string.h>

#define OCCUPY_WATCH_NS (350 * NS_PER_MS)
#define OCCUPY_LOOK_NS  (10 * NS_PER_MS)

struct ring_memory ring_memory_of_region(uint8_t *bytes, size_t size)
{
	return (struct ring_memory) {
		.g = { bytes, size - RING_FEEDBACK_SIZE },
		.h = { bytes + size - RING_FEEDBACK_SIZE, RING_FEEDBACK_SIZE },
		.region_size = size,
	};
}

/* Memory outlives its producer: only a heartbeat that moves while we watch is a living one. */
static bool somebody_produces(const struct ring_identity *identity)
{
	struct liveness pulse = { 0 };
	uint64_t end_ns = clock_now_ns() + OCCUPY_WATCH_NS;
	uint64_t now_ns;

	do {
		now_ns = clock_now_ns();
		if (liveness_observe(&pulse, shared_load_u64(&identity->heartbeat), now_ns) ==
		        LIVENESS_LIVE) {
			return true;
		}
		clock_sleep_until_ns(now_ns + OCCUPY_LOOK_NS);
	} while (now_ns < end_ns);
	return false;
}

static bool page_is_blank(const struct ring_identity *identity)
{
	const shared_u64 *words = (const void *)identity;
	uint64_t any = 0;

	for (unsigned i = 0; i < RING_IDENTITY_SIZE / 8; i++) {
		any |= shared_load_u64(&words[i]);
	}
	return any == 0;
}

enum occupy_result ring_writer_occupy(
        struct ring_writer *writer, struct ring_memory memory, bool takeover)
{
	struct ring_identity *identity = (void *)memory.g.bytes;

	memset(writer, 0, sizeof(*writer));
	if (memory.g.size < RING_IDENTITY_SIZE) {
		return OCCUPY_SMALL;
	}
	writer->memory = memory;
	writer->identity = identity;
	writer->latest = -1;
	writer->current = -1;
	if (!takeover && shared_load_u64(&identity->magic) != RING_MAGIC_G &&
	        !page_is_blank(identity)) {
		return OCCUPY_FOREIGN;
	}
	if (!takeover && shared_load_u64(&identity->epoch) != 0 && somebody_produces(identity)) {
		return OCCUPY_BUSY;
	}
	/* Every consumer of the old session sees this before it can accept anything new. */
	shared_store_release_u64(&identity->epoch, 0);
	shared_fence_full();
	return OCCUPY_OK;
}

struct span ring_writer_scratch(const struct ring_writer *writer)
{
	const uint64_t skip = UINT64_C(1) << 19;
	struct span g = writer->memory.g;

	return g.size <= skip ? (struct span) { NULL, 0 }
	                      : (struct span) { g.bytes + skip, g.size - skip };
}

struct ring_descriptor *ring_writer_descriptor(const struct ring_writer *writer, int slot)
{
	return (void *)(writer->memory.g.bytes + writer->geometry.descriptors_base +
	                (uint64_t)slot * writer->geometry.descriptor_stride);
}

shared_u64 *ring_writer_digests(const struct ring_writer *writer, int slot)
{
	return (void *)(writer->memory.g.bytes + writer->geometry.digests_base +
	                (uint64_t)slot * writer->geometry.digest_words * 8);
}

uint8_t *ring_writer_payload(const struct ring_writer *writer, int slot)
{
	return writer->memory.g.bytes + writer->geometry.payload_base +
	       (uint64_t)slot * writer->geometry.slot_capacity;
}

static shared_u64 *index_at(const struct ring_writer *writer, uint64_t sequence)
{
	shared_u64 *index = (void *)(writer->memory.g.bytes + RING_IDENTITY_SIZE);

	return &index[sequence & (writer->geometry.index_length - 1)];
}

static void store_zeroes(uint8_t *from, uint64_t size)
{
	shared_u64 *words = (void *)from;

	for (uint64_t i = 0; i < size / sizeof(words[0]); i++) {
		shared_store_u64(&words[i], 0);
	}
}

/* Wipes what the last session left, while the epoch is 0 and nobody may believe any of it. */
static void wipe_session(struct ring_writer *writer)
{
	uint8_t *g = writer->memory.g.bytes;

	/*
	 * The heartbeat word belongs to its thread and stays. So does the magic: without it,
	 * whoever starts after a death in here would take the rest of the page for somebody else's.
	 */
	store_zeroes(g + sizeof(shared_u64),
	        offsetof(struct ring_identity, heartbeat) - sizeof(shared_u64));
	store_zeroes(g + offsetof(struct ring_identity, state),
	        writer->geometry.digests_base - offsetof(struct ring_identity, state));
	shared_fence_release();
}

/* Into words that were wiped. The generation tells a reader whether the two belong together. */
static void store_address(struct ring_writer *writer)
{
	struct ring_address address = ring_address_of(writer->doorbell);

	if (!ring_address_rings(address)) {
		return;
	}
	shared_store_u32(&writer->identity->doorbell_peer, address.peer);
	shared_store_u32(&writer->identity->doorbell_vector, address.vector);
	shared_store_release_u64(&writer->identity->doorbell_generation, 1);
}

static void store_state(struct ring_writer *writer, uint32_t state)
{
	shared_store_u32(&writer->identity->state, state);
	shared_fence_release();
}

static void open_pointer(struct ring_writer *writer, uint32_t shape_capacity)
{
	if (shape_capacity) {
		pointer_writer_open(&writer->pointer,
		        (void *)(writer->memory.g.bytes + writer->geometry.end), shape_capacity);
	}
}

int ring_writer_open(struct ring_writer *writer, const struct ring_writer_config *config)
{
	if (!ring_geometry_fill(&writer->geometry, config->slot_count, writer->memory.g.size,
	            ring_pointer_area_size(config->shape_capacity))) {
		return -ENOSPC;
	}
	writer->epoch = config->epoch ? config->epoch : ring_random_epoch();
	writer->sequence = config->first_sequence ? config->first_sequence - 1 : 0;
	writer->lossless = config->lossless;
	writer->doorbell = config->doorbell;
	writer->clocks.has_counter = clock_has_counter();
	wipe_session(writer);
	open_pointer(writer, config->shape_capacity);
	region_header_format(writer->identity, &writer->geometry,
	        RING_FEATURE_EARLY | (config->shape_capacity ? RING_FEATURE_POINTER : 0),
	        writer->memory.region_size, config->version_text);
	consumer_watch_init(&writer->watch, writer->memory.h, writer->identity->grants,
	        writer->epoch, config->lossless);
	store_address(writer);
	store_state(writer, RING_STATE_RUNNING);
	region_header_publish(writer->identity, writer->epoch);
	return 0;
}

uint64_t ring_writer_next_sequence(const struct ring_writer *writer)
{
	return writer->sequence + 1;
}

bool ring_writer_is_deposed(const struct ring_writer *writer)
{
	return shared_load_u64(&writer->identity->epoch) != writer->epoch;
}

enum frame_fault ring_writer_fault(const struct ring_writer *writer)
{
	return writer->fault;
}

/* The control word as it stands in memory: we wrote it, so we know it without reading. */
static uint64_t control_of(const struct ring_writer *writer, int slot)
{
	return (writer->slots[slot].sequence << RING_CONTROL_SHIFT) |
	       (writer->slots[slot].dirty ? RING_CONTROL_WRITING : 0);
}

/* Is it better to write to the first one? */
static bool is_better(const struct ring_writer_slot *slot, const struct ring_writer_slot *other)
{
	if (slot->content.is_known != other->content.is_known) {
		return slot->content.is_known;
	}
	return slot->content.is_known ? slot->sequence > other->sequence
	                              : slot->sequence < other->sequence;
}

/* Whoever reads it. The latest frame stays. */
static int oldest_slot(const struct ring_writer *writer)
{
	int oldest = -1;

	for (int i = 0; i < (int)writer->geometry.slot_count; i++) {
		if (i != writer->latest && (oldest < 0 || writer->slots[i].sequence <
		                                                  writer->slots[oldest].sequence)) {
			oldest = i;
		}
	}
	return oldest;
}

/*
 * Among the slots that may be written, while damage is told: the newest, for it lacks least of what
 * changed. Otherwise the oldest: that spreads the frames over all slots, which gives a slow
 * consumer the longest time. -1: none.
 */
static int choose_slot(const struct ring_writer *writer, uint32_t leased, uint64_t cursor)
{
	int chosen = -1;

	for (int i = 0; i < (int)writer->geometry.slot_count; i++) {
		const struct ring_writer_slot *slot = &writer->slots[i];

		if (i == writer->latest || (leased >> i & 1) || slot->sequence > cursor) {
			continue;
		}
		if (chosen < 0 || is_better(slot, &writer->slots[chosen])) {
			chosen = i;
		}
	}
	return chosen;
}

/* CLAIM, full fence, look again. returns: false after backing off; *leased is the newer set then */
static bool claim_slot(struct ring_writer *writer, int slot, uint64_t now_ns, uint32_t *leased)
{
	shared_u64 *control = &ring_writer_descriptor(writer, slot)->control;
	uint64_t before = control_of(writer, slot);

	shared_store_u64(control, before | RING_CONTROL_CLAIM);
	/* Pairs with the fence between lease and control in take_lease(). */
	shared_fence_full();
	*leased = consumer_watch_leases(&writer->watch, writer->sequence, now_ns);
	if (*leased >> slot & 1) {
		shared_store_release_u64(control, before);
		writer->counts.back_offs++;
		return false;
	}
	return true;
}

static void start_writing(struct ring_writer *writer, int slot)
{
	uint64_t sequence = writer->slots[slot].sequence;

	writer->slots[slot].dirty = true;
	writer->current = slot;
	shared_store_u64(&ring_writer_descriptor(writer, slot)->control,
	        (sequence << RING_CONTROL_SHIFT) | RING_CONTROL_WRITING);
	/* Before the first payload byte; pairs with the acquire fence in recheck(). */
	shared_fence_release();
}

/* Does an admitted lossless consumer still need any slot but the latest? */
static bool cursor_holds_any(const struct ring_writer *writer, uint64_t cursor)
{
	for (int i = 0; i < (int)writer->geometry.slot_count; i++) {
		if (i != writer->latest && writer->slots[i].sequence > cursor) {
			return true;
		}
	}
	return false;
}

static enum writer_result find_slot(struct ring_writer *writer, uint64_t now_ns)
{
	uint32_t leased = consumer_watch_leases(&writer->watch, writer->sequence, now_ns);
	uint64_t cursor = consumer_watch_cursor(&writer->watch);
	int slot;

	for (unsigned tries = 0; tries < writer->geometry.slot_count + 2; tries++) {
		slot = choose_slot(writer, leased, cursor);
		if (slot < 0) {
			break;
		}
		if (claim_slot(writer, slot, now_ns, &leased)) {
			consumer_watch_unblocked(&writer->watch);
			start_writing(writer, slot);
			return WRITER_OK;
		}
	}
	/* While a cursor will yet let go of a slot, no lease is broken for one. */
	if (cursor_holds_any(writer, cursor)) {
		consumer_watch_blocked(&writer->watch, writer->sequence, now_ns);
		writer->counts.would_block++;
		return WRITER_WOULD_BLOCK;
	}
	/* Leases alone make nobody wait: a reader that is overtaken finds out by itself. */
	slot = oldest_slot(writer);
	consumer_watch_unblocked(&writer->watch);
	writer->counts.overruns++;
	start_writing(writer, slot);
	return WRITER_OK;
}

enum writer_result ring_writer_begin(
        struct ring_writer *writer, const struct frame_info *info, uint64_t now_ns)
{
	if (ring_writer_is_deposed(writer)) {
		return WRITER_DEPOSED;
	}
	if (writer->sequence >= RING_SEQUENCE_MAX) {
		return WRITER_EXHAUSTED;
	}
	writer->fault = frame_check_info(info, writer->geometry.slot_capacity);
	if (writer->fault != FRAME_FITS) {
		return WRITER_NO_FIT;
	}
	/* What was begun and never published is no frame that damage could be relative to. */
	writer->digests_are_known &= writer->current < 0;
	writer->info = *info;
	ring_writer_answer(writer);
	return find_slot(writer, now_ns);
}

struct ring_claim ring_writer_claim(const struct ring_writer *writer)
{
	return (struct ring_claim) {
		.epoch = writer->epoch,
		.sequence = ring_writer_next_sequence(writer),
		.fourcc = writer->info.fourcc,
		.width = writer->info.width,
		.height = writer->info.height,
		.stride = writer->info.stride,
		.data_size = frame_info_bytes(&writer->info),
		.digest_algorithm = writer->algorithm,
		.strip_rows = writer->grid.strip_rows,
		.strip_count = writer->grid.strips,
		.tile_width = writer->grid.tile_width,
	};
}

static void fill_claim(const struct ring_writer *writer, const struct frame *frame,
        struct ring_claim *claim, uint64_t *damage)
{
	*claim = ring_writer_claim(writer);
	claim->base_sequence = frame->damage.base_sequence;
	claim->due_ns = frame->times.due_ns;
	claim->captured_ns = frame->times.captured_ns;
	claim->filled_ns = frame->times.filled_ns;
	claim->claimed_ns = frame->times.claimed_ns;
	claim->published_ns = frame->times.published_ns;
	claim->damage_count = frame->damage.count;
	for (uint32_t i = 0; i < frame->damage.count; i++) {
		const struct frame_rect *rect = &frame->damage.rects[i];

		damage[i] = rect->x | (uint64_t)rect->y << 16 | (uint64_t)rect->width << 32 |
		            (uint64_t)rect->height << 48;
	}
	claim->checksum = frame_claim_checksum(claim, damage, writer->digests_sum);
}

enum writer_result ring_writer_publish(struct ring_writer *writer, struct frame *frame)
{
	struct ring_descriptor *descriptor = ring_writer_descriptor(writer, writer->current);
	int slot = writer->current;
	struct ring_claim claim;
	uint64_t damage[RING_DAMAGE_MAX];
	uint64_t name;

	frame->epoch = writer->epoch;
	frame->sequence = ring_writer_next_sequence(writer);
	fill_claim(writer, frame, &claim, damage);
	shared_copy_in(descriptor->claim, &claim, RING_CLAIM_WORDS);
	shared_copy_in(descriptor->damage, damage, frame->damage.count);
	writer->current = -1;
	if (ring_writer_is_deposed(writer)) {
		return WRITER_DEPOSED;
	}
	name = (frame->sequence << RING_NAME_SHIFT) | (uint64_t)slot;
	shared_store_release_u64(&descriptor->control, frame->sequence << RING_CONTROL_SHIFT);
	shared_store_release_u64(index_at(writer, frame->sequence), name);
	shared_store_release_u64(&writer->identity->latest, name);
	shared_fence_release();
	writer->slots[slot].sequence = frame->sequence;
	writer->slots[slot].dirty = false;
	writer->latest = slot;
	writer->sequence = frame->sequence;
	writer->counts.published++;
	ring_writer_wake(writer);
	return WRITER_OK;
}

bool ring_writer_tend(struct ring_writer *writer, uint64_t now_ns)
{
	if (ring_writer_is_deposed(writer)) {
		return false;
	}
	shared_store_u64(&writer->identity->progress, ++writer->turns);
	consumer_watch_update(&writer->watch, writer->sequence, now_ns);
	ring_writer_answer(writer);
	return true;
}

unsigned ring_writer_consumers(const struct ring_writer *writer, uint64_t now_ns)
{
	return consumer_watch_count(&writer->watch, now_ns);
}

void ring_writer_count_not_published(struct ring_writer *writer, uint64_t frames)
{
	writer->not_published += frames;
	if (!ring_writer_is_deposed(writer)) {
		shared_store_u64(&writer->identity->not_published, writer->not_published);
	}
}

void ring_writer_set_state(struct ring_writer *writer, uint32_t state)
{
	if (!ring_writer_is_deposed(writer)) {
		store_state(writer, state);
	}
}

void ring_writer_end(struct ring_writer *writer)
{
	ring_writer_set_state(writer, RING_STATE_ENDED);
}
