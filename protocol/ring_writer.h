/* SPDX-License-Identifier: MIT */
/*
 * The producer's end of the ring.
 *
 *   ring_writer_occupy()      make sure that nobody else produces here; end the last session
 *   ring_writer_open()        format the region, publish a new epoch
 *   for each frame:
 *     ring_writer_begin()     find a slot that nobody looks at
 *     ring_writer_copy()      pixels into it, strip by strip, digests beside them
 *     ring_writer_publish()   make it the latest
 *   ring_writer_end()         say goodbye
 *
 * LATEST is a wait-free mailbox: begin always finds a slot, if need be one that a slow consumer
 * still reads (which notices). LOSSLESS waits for every admitted lossless consumer, and for nobody
 * else: begin says WRITER_WOULD_BLOCK, and who holds it up for CONSUMER_PATIENCE_NS is given up and
 * told so.
 *
 * Threads: one. The heartbeat has a thread and a word of its own (liveness.h).
 * Time: every function that needs it is given CLOCK_MONOTONIC in ns by the caller.
 */
#ifndef ORIEL_RING_WRITER_H
#define ORIEL_RING_WRITER_H

#include "clock_answer.h"
#include "consumer_watch.h"
#include "copy_digest.h"
#include "frame.h"
#include "frame_check.h"
#include "layout.h"
#include "pointer_writer.h"
#include "region_header.h"
#include "slot_update.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the two sections lie; see layout.h. */
struct ring_memory {
	struct span g;
	struct span h;        /* may be mapped read-only for a producer */
	uint64_t region_size; /* of the region that holds G */
};

/* Both sections in one region: H is its last RING_FEEDBACK_SIZE. */
struct ring_memory ring_memory_of_region(uint8_t *bytes, size_t size);

struct ring_writer_config {
	uint32_t slot_count;
	bool lossless;
	const char *version_text;
	uint32_t shape_capacity;   /* bytes for the pointer's shapes each, 0 = no such channel */
	struct doorbell *doorbell; /* to ring and to be rung; the caller's; or NULL */
	uint64_t first_sequence;   /* 0 = 1; tests start elsewhere */
	uint64_t epoch;            /* 0 = a random one; tests choose */
};

enum writer_result {
	WRITER_OK,
	WRITER_WOULD_BLOCK, /* lossless: a consumer still needs every slot; try again */
	WRITER_DEPOSED,     /* another producer took the region over; stop */
	WRITER_NO_FIT,      /* the frame: see ring_writer_fault() and ring_region_size_for() */
	WRITER_EXHAUSTED,   /* 2^56 frames; a new session is needed */
};

/* What became of the slots, for run.json. */
struct ring_writer_counts {
	uint64_t published;
	uint64_t back_offs; /* a lease appeared on a claimed slot */
	uint64_t overruns;  /* a slot was taken although it was leased */
	uint64_t would_block;
};

struct ring_writer_slot {
	uint64_t sequence; /* stable in it; 0 = nothing */
	bool dirty;        /* began and was never published: its control says WRITING */
	struct slot_content content;
};

struct ring_writer {
	struct ring_memory memory;
	struct ring_identity *identity;
	struct ring_geometry geometry;
	struct consumer_watch watch;
	struct ring_writer_slot slots[RING_SLOTS_MAX];
	struct ring_writer_counts counts;
	struct pointer_writer pointer;
	struct clock_answers clocks;
	uint64_t epoch;
	uint64_t sequence; /* last published */
	uint64_t turns;
	struct doorbell *doorbell;
	uint64_t space_sleeps;
	uint64_t not_published;
	bool lossless;
	int latest; /* slot, -1 = none */
	/* the frame that is being written */
	int current; /* slot, -1 = none */
	struct frame_info info;
	struct frame_grid grid;
	enum frame_fault fault;
	/* the frame that is copied, or was last */
	enum digest_algorithm algorithm;
	struct frame_info digests_info;
	bool digests_are_known;
	uint64_t digests[RING_DIGEST_WORDS_MAX];
	uint32_t digests_sum;
};

enum occupy_result {
	OCCUPY_OK,
	OCCUPY_BUSY,    /* a producer's heartbeat moves */
	OCCUPY_FOREIGN, /* something that is not Oriel's lies there */
	OCCUPY_SMALL,   /* not even one page of header */
};

/*
 * Watches for another producer's heartbeat (350 ms, only where a session was left behind), then
 * zeroes the epoch: from here on consumers let go, and the caller may scribble on payload memory.
 * takeover: do it even when somebody lives there, or something else lies there
 */
enum occupy_result ring_writer_occupy(
        struct ring_writer *writer, struct ring_memory memory, bool takeover);

/* Bytes that are safe to scribble on between occupy and open: for the copy-speed self-test. */
struct span ring_writer_scratch(const struct ring_writer *writer);

/* returns: 0, or -ENOSPC when so many slots do not fit into the region */
int ring_writer_open(struct ring_writer *writer, const struct ring_writer_config *config);

/* The sequence that the next published frame will have. */
uint64_t ring_writer_next_sequence(const struct ring_writer *writer);

/*
 * Finds a slot for a frame of this geometry and claims it.
 * order: store CLAIM, full fence, leases again; store WRITING, release fence, first payload byte
 */
enum writer_result ring_writer_begin(
        struct ring_writer *writer, const struct frame_info *info, uint64_t now_ns);

/* Why begin said WRITER_NO_FIT. */
enum frame_fault ring_writer_fault(const struct ring_writer *writer);

/*
 * Brings the slot up to date: copies the tiles that it lacks, each byte once and in order, and
 * digests those that changed.
 * pixels: stride * height bytes of the geometry given to begin
 * damage: what differs from the frame base_sequence, padding at the rows' ends included; NULL or
 *         base_sequence 0: anything may. Every frame since base_sequence had this geometry.
 */
void ring_writer_copy(struct ring_writer *writer, struct copier *copier, const void *pixels,
        const struct frame_damage *damage);

/* What is known of the frame that is being copied: all but its times, damage and checksum. */
struct ring_claim ring_writer_claim(const struct ring_writer *writer);

/* Where a slot's parts lie in G. */
struct ring_descriptor *ring_writer_descriptor(const struct ring_writer *writer, int slot);
shared_u64 *ring_writer_digests(const struct ring_writer *writer, int slot);
uint8_t *ring_writer_payload(const struct ring_writer *writer, int slot);

/*
 * Makes the frame the latest one, and rings those who sleep until it. Uses frame's times and
 * damage; sets its epoch and sequence.
 * returns: WRITER_OK or WRITER_DEPOSED (the frame is lost)
 * order:   control (release), index, latest (release); pairs with ring_reader_claim()
 */
enum writer_result ring_writer_publish(struct ring_writer *writer, struct frame *frame);

/*
 * Once a turn of the capture loop, at least every 100 ms: looks after the consumers.
 * returns: false when another producer took the region over; nothing was touched, and the caller
 *          stops, its heartbeat included, for that word is the other's now
 */
bool ring_writer_tend(struct ring_writer *writer, uint64_t now_ns);

/* How many consumers are attached and alive, as of the last tend or begin. */
unsigned ring_writer_consumers(const struct ring_writer *writer, uint64_t now_ns);

/* A frame that was due and is not published, for want of a slot or of time. */
void ring_writer_count_not_published(struct ring_writer *writer, uint64_t frames);

/* RING_STATE_*. As everything here, it touches nothing once another producer took over. */
void ring_writer_set_state(struct ring_writer *writer, uint32_t state);

/* Does the epoch in memory still name this session? One load. */
bool ring_writer_is_deposed(const struct ring_writer *writer);

/* Says ENDED. The heartbeat should beat one second more, so that everybody sees it. */
void ring_writer_end(struct ring_writer *writer);

#endif
