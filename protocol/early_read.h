/* SPDX-License-Identifier: MIT */
/*
 * Reading a frame while it is written. The producer announces a frame that it copies as a whole
 * before it does, and says after each strip how many are finished. A reader takes those ahead of
 * time; once the frame is published it claims it as always, and copies what it has not got.
 *
 * Nothing is accepted on the strength of what was taken ahead: a strip counts where its digest is
 * the one that the checked claim says, and is copied again where it is not. So this needs no lease,
 * and a writer that stops in the middle, lies, or overtakes costs no more than the copies.
 *
 * Used by the view loop, on its thread, when ring_reader_claim() finds nothing.
 * Model: protocol/model/early.pml; wake.pml with ANNOUNCE.
 */
#ifndef ORIEL_EARLY_READ_H
#define ORIEL_EARLY_READ_H

#include "copy_digest.h"
#include "frame.h"
#include "frame_grid.h"
#include "layout.h"

#include <stdbool.h>
#include <stdint.h>

struct ring_reader;

/* What was taken ahead. All zero: nothing. */
struct early_read {
	uint64_t looked;    /* the last name that was judged */
	uint64_t sequence;  /* of the frame; 0 = none is begun */
	const void *pixels; /* where its strips are */
	uint32_t slot;
	struct frame_info info;
	struct frame_grid grid;
	enum digest_algorithm algorithm;
	uint32_t done; /* strips */
	uint64_t digests[RING_DIGEST_WORDS_MAX];
};

enum early_result {
	EARLY_NONE,    /* no frame is being written that could be begun with */
	EARLY_WAITING, /* one is, and its next strip is not finished */
	EARLY_COPIED,  /* some strips were taken: look again */
};

/* Cheap: would ring_reader_read_early() copy something, or begin with a frame? */
bool early_read_has_news(const struct ring_reader *reader);

/*
 * Copies the strips that are finished. Whatever the buffer held before is no frame any more.
 * pixels: as for ring_reader_copy(), and at least slot_capacity bytes
 * order:  announced (acquire), claim; progress (acquire), strip; pairs with ring_writer_copy()
 */
enum early_result ring_reader_read_early(
        struct ring_reader *reader, struct copier *copier, uint8_t *pixels);

/*
 * For frame_update(): how many strips of the claimed frame, from the first on, the buffer may hold
 * already, and does it hold one of them? Its digests are those that the claim says then.
 */
uint32_t early_read_strips(const struct ring_reader *reader, const void *pixels);
bool early_read_strip(const struct ring_reader *reader, uint32_t strip);

#endif
