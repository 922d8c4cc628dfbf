/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "clock.h"
#include "doorbell.h"
#include "log.h"
#include "ring_wake.h"

#include <errno.h>
#include <string.h>

#define LOOK_NS   (10 * NS_PER_MS)  /* between looks at a header that is not live yet ... */
#define LOOKS_NS  (50 * NS_PER_MS)  /* ... and what that grows to while it does not change */
#define REOPEN_NS (250 * NS_PER_MS) /* between tries to open the region again */
#define CHECK_NS  NS_PER_S          /* between looks at the path while attached */

/* A block whose owner's heart did not beat for so long belongs to nobody. */
#define BLOCK_WATCH_NS (4 * HEARTBEAT_NS)

void link_init(struct link *link, const struct link_config *config)
{
	memset(link, 0, sizeof(*link));
	link->config = *config;
	link->region.fd = -1;
	link->state = LINK_WAITING;
	link->verdict = HEADER_NOT_READY;
}

int link_open(struct link *link, struct complaint *why)
{
	enum region_access access =
	        link->config.mode == READER_OBSERVE ? REGION_READ_ONLY_FILE : REGION_READ;
	int error = region_open(
	        &link->region, link->config.region, access, region_header_recognise, why);

	if (error) {
		return error;
	}
	error = wakeup_open_doorbell(&link->region, link->config.wakeup, &link->why_deaf);
	if (error) {
		*why = link->why_deaf;
		region_close(&link->region);
		return error;
	}
	log_debug("%s", link->why_deaf.text[0] ? link->why_deaf.text : "a doorbell can wake us");
	return 0;
}

struct doorbell *link_doorbell(const struct link *link)
{
	return link->attached && ring_reader_will_be_rung(&link->reader) ? link->region.doorbell
	                                                                 : NULL;
}

uint64_t link_patience_ns(const struct link *link, uint64_t now_ns)
{
	return link->attached ? WAKEUP_LIMIT_NS : clock_elapsed_ns(now_ns, link->next_look_ns);
}

void link_rest(struct link *link)
{
	if (link->attached) {
		heartbeat_rest(&link->heartbeat);
	}
}

void link_resume(struct link *link)
{
	heartbeat_resume(&link->heartbeat);
}

static void add_counts(struct ring_reader_counts *to, const struct ring_reader_counts *from)
{
	to->verified += from->verified;
	to->skipped += from->skipped;
	to->before_first += from->before_first;
	to->torn += from->torn;
	to->stale += from->stale;
	to->bad += from->bad;
}

void link_drop(struct link *link, uint32_t bye)
{
	if (!link->attached) {
		return;
	}
	heartbeat_stop(&link->heartbeat);
	add_counts(&link->counts, &link->reader.counts);
	link->last_sum += link->reader.last - link->reader.start;
	link->left_epoch = link->reader.epoch;
	link->left_last = link->reader.last;
	link->left_fault = link_last_fault(link);
	ring_reader_detach(&link->reader, bye);
	/* The counts have moved; what is left must not be added again. */
	memset(&link->reader.counts, 0, sizeof(link->reader.counts));
	link->reader.last = 0;
	link->reader.start = 0;
	if (link->config.mode != READER_OBSERVE) {
		region_unlock(&link->region, link->h_offset + link->block, 1);
	}
	link->attached = false;
	memset(&link->pulse, 0, sizeof(link->pulse));
}

static void reopen_later(struct link *link, uint64_t now_ns)
{
	link_drop(link, RING_BYE_DETACHED);
	region_close(&link->region);
	link->h = (struct span) { NULL, 0 };
	link->state = LINK_LOST;
	link->next_look_ns = now_ns + REOPEN_NS;
}

/*
 * Is somebody alive in this block who does not see our locks, a process of another guest? Asked at
 * each look; says yes until it has watched a block that was left behind for long enough.
 */
static bool block_is_taken(struct link *link, unsigned block, uint64_t now_ns)
{
	const struct ring_consumer_block *theirs =
	        (const void *)(link->h.bytes + RING_BLOCKS_OFFSET +
	                       block * sizeof(struct ring_consumer_block));
	uint64_t untrusted_epoch = shared_load_u64(&theirs->epoch);

	if (untrusted_epoch == 0 ||
	        shared_load_u64(&theirs->attached_epoch) != link->header.epoch) {
		return false;
	}
	if (untrusted_epoch != link->block_epoch) {
		link->block_epoch = untrusted_epoch;
		link->block_since_ns = now_ns;
		memset(&link->block_pulse, 0, sizeof(link->block_pulse));
	}
	if (liveness_observe(&link->block_pulse, shared_load_u64(&theirs->heartbeat), now_ns) ==
	        LIVENESS_LIVE) {
		complain(&link->detail,
		        "consumer block %u is in use by another viewer; name another --block",
		        block);
		return true;
	}
	return clock_elapsed_ns(link->block_since_ns, now_ns) < BLOCK_WATCH_NS;
}

/*
 * The block is ours while we hold the lock on its byte of H, whatever becomes of us. Processes of
 * other machines (guests) cannot see the lock: they are told a block, and the last one is left to
 * them.
 */
static bool take_block(struct link *link, uint64_t now_ns)
{
	unsigned first = link->config.block < 0 ? 0 : (unsigned)link->config.block;
	unsigned last = link->config.block < 0 ? RING_CONSUMERS_MAX - 2 : first;

	if (link->config.block >= 0 && block_is_taken(link, first, now_ns)) {
		return false;
	}
	for (unsigned i = first; i <= last; i++) {
		int error = region_lock(&link->region, link->h_offset + i, 1);

		if (error == 0) {
			link->block = i;
			return true;
		}
		if (error != -EAGAIN) {
			complain(&link->detail, "cannot lock consumer block %u: %s", i,
			        strerror(-error));
			return false;
		}
	}
	complain(&link->detail,
	        first == last ? "consumer block %u is in use; name another --block"
	                      : "all consumer blocks from %u on are in use; close a viewer, or use "
	                        "--mode observe",
	        first);
	return false;
}

/* returns: false when it cannot be mapped, or is to be mapped anew because it lies elsewhere now */
static bool map_feedback(struct link *link, uint64_t now_ns)
{
	uint64_t h_offset = link->header.region_size - RING_FEEDBACK_SIZE;
	int error;

	if (link->h.bytes && link->h_offset == h_offset) {
		return true;
	}
	if (link->h.bytes) {
		complain(&link->detail, "the producer sees a region of another size than the last");
		reopen_later(link, now_ns);
		return false;
	}
	error = region_map_writable(&link->region, h_offset, RING_FEEDBACK_SIZE, &link->h);
	if (error) {
		complain(&link->detail, "cannot map the consumers' section: %s", strerror(-error));
	}
	link->h_offset = h_offset;
	return error == 0;
}

static void attach(struct link *link, uint64_t now_ns)
{
	struct ring_reader_config config = {
		.g = { link->region.bytes, link->region.size },
		.mode = link->config.mode,
		.keeps_pixels = true,
		.reads_early = true,
		.wants_pointer = link->config.wants_pointer,
		.doorbell = link->region.doorbell,
	};

	if (link->config.mode != READER_OBSERVE &&
	        (!map_feedback(link, now_ns) || !take_block(link, now_ns))) {
		return;
	}
	config.h = link->h;
	config.block = link->block;
	ring_reader_attach(&link->reader, &config, &link->header);
	if (link->header.epoch == link->left_epoch) {
		ring_reader_resume(&link->reader, link->left_last);
	}
	if (link->config.mode != READER_OBSERVE &&
	        heartbeat_start(&link->heartbeat, ring_reader_heartbeat(&link->reader)) < 0) {
		log_warning("cannot start the heartbeat: the producer will think us dead");
	}
	link->detail.text[0] = '\0';
	link->attached = true;
	link->sessions++;
	log_debug("attached to session %016llx", (unsigned long long)link->header.epoch);
}

static uint64_t read_heartbeat(const struct link *link)
{
	const struct ring_identity *identity = (const void *)link->region.bytes;

	return shared_load_u64(&identity->heartbeat);
}

static void describe_verdict(struct link *link)
{
	struct ring_header *header = &link->header;

	switch (link->verdict) {
	case HEADER_GOOD:
	case HEADER_NOT_READY:
		link->detail.text[0] = '\0';
		return;
	case HEADER_OTHER_VERSION:
		complain(&link->detail, "the producer speaks version %u.%u (%s), this viewer %u.%u",
		        header->major, header->minor, header->version_text, RING_MAJOR, RING_MINOR);
		return;
	case HEADER_NEEDS_FEATURES:
		complain(&link->detail,
		        "the producer (version %u.%u, %s) requires features that this viewer "
		        "(%u.%u) lacks",
		        header->major, header->minor, header->version_text, RING_MAJOR, RING_MINOR);
		return;
	case HEADER_TOO_LARGE:
		complain(&link->detail,
		        "the producer sees a region of %llu bytes, here it has %zu; start both with "
		        "one size",
		        (unsigned long long)header->region_size, link->region.size);
		return;
	default:
		complain(&link->detail, "the region %s", header_verdict_text(link->verdict));
	}
}

/* A header proves nothing; a heartbeat that moves while its epoch stays does. */
static enum link_state look_for_session(struct link *link, uint64_t now_ns)
{
	struct span g = { link->region.bytes, link->region.size };
	bool is_live;

	if (now_ns < link->next_look_ns) {
		return link->state;
	}
	link->verdict = region_header_read(g, &link->header);
	link->look_ns = link->look_ns ? link->look_ns + link->look_ns / 8 : LOOK_NS;
	link->look_ns = link->look_ns < LOOKS_NS ? link->look_ns : LOOKS_NS;
	if (link->header.epoch != link->pulse_epoch) {
		link->look_ns = LOOK_NS;
		memset(&link->pulse, 0, sizeof(link->pulse));
		link->pulse_epoch = link->header.epoch;
	}
	describe_verdict(link);
	link->next_look_ns = now_ns + link->look_ns;
	is_live = liveness_observe(&link->pulse, read_heartbeat(link), now_ns) == LIVENESS_LIVE;
	if (is_live &&
	        (link->verdict == HEADER_OTHER_VERSION || link->verdict == HEADER_NEEDS_FEATURES)) {
		return LINK_OTHER_VERSION;
	}
	if (link->verdict != HEADER_GOOD || !is_live) {
		return link->state == LINK_ENDED || link->state == LINK_GONE ? link->state
		                                                             : LINK_WAITING;
	}
	attach(link, now_ns);
	if (!link->region.bytes) {
		return LINK_LOST;
	}
	return link->attached ? LINK_LIVE : LINK_WAITING;
}

static enum link_state state_of_producer(const struct link *link)
{
	switch (ring_reader_state(&link->reader)) {
	case RING_STATE_IDLE:
		return LINK_IDLE;
	case RING_STATE_NO_SIGNAL:
		return LINK_NO_SIGNAL;
	case RING_STATE_PAUSED:
		return LINK_PAUSED;
	case RING_STATE_ENDED:
		return LINK_ENDED;
	case RING_STATE_FAULT:
		return LINK_FAULT;
	}
	return LINK_LIVE;
}

static enum link_state follow_session(struct link *link, uint64_t now_ns)
{
	enum liveness_state alive = liveness_observe(&link->pulse, read_heartbeat(link), now_ns);
	enum link_state state = state_of_producer(link);

	if (link->reader.quarantined) {
		complain(&link->detail, "last fault: the frame %s",
		        frame_fault_text(ring_reader_fault(&link->reader)));
		return LINK_QUARANTINED;
	}
	if (state == LINK_ENDED || state == LINK_FAULT) {
		return state;
	}
	switch (alive) {
	case LIVENESS_STALE:
		return LINK_STALE;
	case LIVENESS_GONE:
		return LINK_GONE;
	default:
		return state;
	}
}

enum link_state link_turn(struct link *link, uint64_t now_ns)
{
	struct complaint why;

	if (!link->region.bytes) {
		if (now_ns >= link->next_look_ns) {
			link->next_look_ns = now_ns + REOPEN_NS;
			if (link_open(link, &why) == 0) {
				link->state = LINK_WAITING;
				link->next_look_ns = now_ns;
			} else {
				link->detail = why;
			}
		}
		return link->state;
	}
	if (link->region.doorbell) {
		doorbell_turn(link->region.doorbell, now_ns);
	}
	if (region_was_lost(&link->region)) {
		complain(&link->detail, "the region's file was truncated");
		reopen_later(link, now_ns);
		return link->state;
	}
	if (!link->attached) {
		link->state = look_for_session(link, now_ns);
	} else {
		link->state = follow_session(link, now_ns);
	}
	if (link->region.bytes && link->state != LINK_LIVE && now_ns >= link->next_path_check_ns) {
		bool was_replaced = region_was_replaced(&link->region);

		/* To ask a server that does not answer takes long: seldom, then. */
		link->next_path_check_ns = now_ns + CHECK_NS + 10 * (clock_now_ns() - now_ns);
		if (was_replaced) {
			complain(&link->detail, "the region's file was removed or made anew");
			reopen_later(link, now_ns);
		}
	}
	return link->state;
}

enum frame_fault link_last_fault(const struct link *link)
{
	enum frame_fault fault = ring_reader_fault(&link->reader);

	return fault == FRAME_FITS ? link->left_fault : fault;
}

struct ring_reader_counts link_counts(const struct link *link)
{
	struct ring_reader_counts counts = link->counts;

	add_counts(&counts, &link->reader.counts);
	return counts;
}

uint64_t link_counted(const struct link *link)
{
	return link->last_sum + link->reader.last - link->reader.start;
}

bool link_counts_reconcile(const struct link *link)
{
	const struct ring_reader_counts counts = link_counts(link);

	return counts.verified + counts.skipped + counts.torn + counts.stale + counts.bad ==
	       link_counted(link);
}

uint64_t link_in_ring(const struct link *link)
{
	return link->attached ? ring_reader_in_ring(&link->reader) : 0;
}

void link_close(struct link *link)
{
	link_drop(link, RING_BYE_DETACHED);
	region_close(&link->region);
}
