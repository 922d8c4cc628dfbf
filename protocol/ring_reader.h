/* SPDX-License-Identifier: MIT */
/*
 * A consumer's end of the ring.
 *
 *   region_header_read()     is there a session, and does it fit?
 *   ring_reader_attach()     follow it, from a block of our own or as an observer
 *   for each frame:
 *     ring_reader_claim()    name the frame, lease its slot, copy and judge its descriptor
 *     ring_reader_copy()     copy its pixels, look again, compare the digests
 *   ring_reader_detach()     say goodbye
 *
 * Nothing that the producer writes is used before it was copied and judged, and a frame is right
 * only if its slot was stable before and after the copy, its epoch is ours after the copy, and
 * every digest of the copy agrees. Time decides who may lose a frame, never whether a frame is
 * right.
 *
 * Threads: one. No call waits; callers wait with wakeup.h and ring_reader_has_news().
 */
#ifndef ORIEL_RING_READER_H
#define ORIEL_RING_READER_H

#include "copy_digest.h"
#include "early_read.h"
#include "frame.h"
#include "frame_check.h"
#include "frame_update.h"
#include "layout.h"
#include "pointer_reader.h"
#include "region_header.h"
#include "ring_address.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define RING_QUARANTINE_ROW    8u    /* so many bad frames in a row end the session */
#define RING_QUARANTINE_WINDOW 1000u /* or 1 % of so many */

enum reader_mode {
	READER_LATEST,   /* the newest frame there is */
	READER_LOSSLESS, /* every frame, in order, where the producer grants it */
	READER_OBSERVE,  /* as LATEST, and leaves no trace: writes nothing, holds nothing up */
};

enum reader_result {
	READER_FRAME,       /* claim: it is leased and judged; copy: it is whole and right */
	READER_EMPTY,       /* nothing newer */
	READER_BUSY,        /* the producer was always quicker; come again at once */
	READER_TORN,        /* overwritten while it was read; counted */
	READER_BAD,         /* impossible, or a digest disagrees; counted if it has a number */
	READER_STALE,       /* the session is over: read the header again */
	READER_QUARANTINED, /* too much was bad: nothing more until a new epoch */
	READER_DEPOSED,     /* somebody else uses our block: detach */
};

struct ring_reader_config {
	struct span g; /* mapped read-only */
	struct span h; /* mapped read-write; bytes == NULL for READER_OBSERVE */
	enum reader_mode mode;
	/*
	 * ring_reader_copy() is handed the same buffer each time, and nobody else writes into it:
	 * only what changed since the last frame is copied.
	 */
	bool keeps_pixels;
	bool reads_early;   /* a frame may be taken while it is written */
	bool wants_pointer; /* follow the mouse pointer's channel, where there is one */
	unsigned block;     /* which of the RING_CONSUMERS_MAX is ours; the caller holds its lock */
	struct doorbell *doorbell; /* to ring and to be rung; the caller's; or NULL */
};

/* Each sequence of the session is counted exactly once; see docs/measuring.md. */
struct ring_reader_counts {
	uint64_t verified;
	uint64_t skipped;      /* passed over: gaps, and all before the first frame we took */
	uint64_t before_first; /* the part of skipped that was published before our first frame */
	uint64_t torn;
	uint64_t stale;
	uint64_t bad;
};

struct ring_reader {
	struct span g;
	const struct ring_identity *identity;
	struct ring_consumer_block *block; /* NULL: observer */
	const struct ring_grant *grant;
	struct ring_geometry geometry;
	struct ring_reader_counts counts;
	enum reader_mode mode;
	uint64_t epoch;     /* the producer's */
	uint64_t own_epoch; /* ours; 0 = observer */
	uint64_t last;      /* every sequence up to here is counted */
	uint64_t start;     /* and those up to here were counted before we attached */
	bool taken_any;
	/* waking; see ring_wake.h */
	struct doorbell *doorbell;
	struct ring_address producer;
	uint64_t sleeps;
	uint64_t space_rung; /* the space_arm that the producer was last rung for */
	/* lossless */
	bool admitted;
	uint64_t from_sequence;
	uint32_t revocations_seen;
	/* judgement */
	bool quarantined;
	uint32_t bad_row;
	uint32_t bad_window;
	uint32_t window;
	enum frame_fault last_fault;
	/* the claimed frame */
	uint64_t sequence; /* 0 = none is claimed */
	uint32_t slot;
	uint64_t refused; /* the last name that cannot be one of this session */
	struct ring_claim claim;
	struct frame_damage damage;
	uint64_t digests[RING_DIGEST_WORDS_MAX];
	uint64_t digests_seen[RING_DIGEST_WORDS_MAX];
	bool keeps_pixels;
	struct frame_content content;
	struct pointer_reader pointer;
	bool reads_early;
	struct early_read early;
};

/* Follows the session that header describes, and rings its producer where it can. */
void ring_reader_attach(struct ring_reader *reader, const struct ring_reader_config *config,
        const struct ring_header *header);

/*
 * Right after an attach to a session that this process had been attached to before: every sequence
 * up to last is counted already.
 */
void ring_reader_resume(struct ring_reader *reader, uint64_t last);

/* Says goodbye (RING_BYE_*) and forgets the session. The block may go to somebody else then. */
void ring_reader_detach(struct ring_reader *reader, uint32_t bye);

/* Where a slot's parts lie in our mapping of G. slot: below geometry.slot_count */
const struct ring_descriptor *ring_reader_descriptor(
        const struct ring_reader *reader, uint32_t slot);
const uint8_t *ring_reader_payload(const struct ring_reader *reader, uint32_t slot);

/* The heartbeat word of our block, NULL for an observer. */
shared_u64 *ring_reader_heartbeat(const struct ring_reader *reader);

/*
 * Cheap: would ring_reader_claim() find a frame, or another session, or ring_reader_point() the
 * pointer elsewhere, or ring_reader_read_early() a strip? In lossless mode a frame is the next one
 * in order, and none before the producer has let us in; follows a revocation.
 */
bool ring_reader_has_news(struct ring_reader *reader);

/*
 * Takes the next frame: the newest, or in granted lossless mode the next in order. On READER_FRAME
 * its slot is leased and frame->info, times, damage, epoch and sequence are set; then
 * ring_reader_copy() must follow.
 * order: lease, full fence, control; pairs with claim_slot() in ring_writer.c
 */
enum reader_result ring_reader_claim(struct ring_reader *reader, struct frame *frame);

/*
 * Copies the claimed frame's pixels out and decides about it. The lease is gone afterwards.
 * pixels:  caller's, at least stride * height bytes of the claimed info
 * frame:   pixels is set on READER_FRAME only; borrows the caller's
 * order:   copy, acquire fence, control, epoch; pairs with start_writing() in ring_writer.c
 */
enum reader_result ring_reader_copy(
        struct ring_reader *reader, struct copier *copier, void *pixels, struct frame *frame);

/* The producer's RING_STATE_*, RING_STATE_NONE when it is none that we know. */
uint32_t ring_reader_state(const struct ring_reader *reader);

/* Frames that are published and not counted yet. */
uint64_t ring_reader_in_ring(const struct ring_reader *reader);

/* What the producer granted: RING_MODE_*; RING_MODE_NONE while it did not answer yet. */
uint32_t ring_reader_granted(const struct ring_reader *reader);

/* Why the last frame was bad. */
enum frame_fault ring_reader_fault(const struct ring_reader *reader);

#endif
