/* SPDX-License-Identifier: MIT */
/*
 * A claim fits, or not. The one place where what a producer says of a frame is judged, always on a
 * private copy. Arithmetic is in 64 bits and cannot overflow for any input.
 */
#ifndef ORIEL_FRAME_CHECK_H
#define ORIEL_FRAME_CHECK_H

#include "frame.h"
#include "frame_grid.h"
#include "layout.h"

#include <stdbool.h>
#include <stdint.h>

enum frame_fault {
	FRAME_FITS,
	FRAME_OTHER_EPOCH,
	FRAME_OTHER_SEQUENCE,
	FRAME_UNKNOWN_FORMAT,
	FRAME_BAD_SIZE,   /* a side of 0 or above FRAME_SIDE_MAX */
	FRAME_BAD_STRIDE, /* not a multiple of 4, or shorter than a row */
	FRAME_BAD_LENGTH, /* stride * height is not data_size */
	FRAME_OVER_CAPACITY,
	FRAME_UNKNOWN_DIGEST,
	FRAME_BAD_TILES,  /* strips and tiles do not cover it exactly, or are too many */
	FRAME_BAD_DAMAGE, /* more rectangles than there can be */
	FRAME_BAD_CHECKSUM,
	FRAME_BAD_DIGEST, /* found by ring_reader_copy() */
	FRAME_FAULTS
};

const char *frame_fault_text(enum frame_fault fault);

/*
 * Judges the fixed part of a descriptor, but not its checksum, which covers parts whose length is
 * judged here first.
 */
enum frame_fault frame_check_claim(const struct ring_claim *untrusted, uint64_t epoch,
        uint64_t sequence, uint64_t slot_capacity);

/* A writer's question about itself: geometry that every reader will accept? */
enum frame_fault frame_check_info(const struct frame_info *info, uint64_t slot_capacity);

/*
 * Takes over count rectangles (at most FRAME_DAMAGE_MAX), each a word of 4 x 16 bits. One that is
 * empty or reaches outside makes the damage the whole frame.
 */
void frame_check_damage(const uint64_t *untrusted, uint32_t count, uint64_t base_sequence,
        const struct ring_claim *claim, struct frame_damage *damage);

/*
 * A descriptor's checksum, in two parts: a writer has the digests before it knows the rest, and the
 * rest is summed between a frame's published_ns and its becoming visible. What little that is
 * should not meet cold code, which the first part has just run through.
 *
 * words: frame_claim_digest_words()
 */
uint32_t frame_digests_sum(const uint64_t *digests, uint32_t words);
uint32_t frame_claim_checksum(
        const struct ring_claim *claim, const uint64_t *damage, uint32_t digests_sum);

/* The geometry that a claim states. */
struct frame_info frame_claim_info(const struct ring_claim *claim);

/* How a claim that fits cuts its frame, and how many words its tiles' digests are. */
struct frame_grid frame_claim_grid(const struct ring_claim *claim);
uint32_t frame_claim_digest_words(const struct ring_claim *claim);

#endif
