/* SPDX-License-Identifier: MIT */
/*
 * What the caller's private copy lacks of the frame that was claimed, and how it gets there: the
 * middle of ring_reader_copy(), for ring_reader.c only. A reader that is handed the same buffer
 * each time copies, and digests, only the tiles that changed since the frame that the buffer holds;
 * of all others the digests must be those that the buffer has already.
 */
#ifndef ORIEL_FRAME_UPDATE_H
#define ORIEL_FRAME_UPDATE_H

#include "copy_digest.h"
#include "frame.h"
#include "frame_grid.h"

#include <stdint.h>

struct ring_reader;

/* What the caller's buffer holds: the last frame that was accepted. */
struct frame_content {
	const void *pixels; /* NULL: nothing that is known */
	uint64_t sequence;
	struct frame_info info;
	struct frame_grid grid;
	enum digest_algorithm algorithm;
};

/*
 * Copies what is lacking, and leaves the digests of what the buffer holds then in
 * reader->digests_seen.
 */
void frame_update(struct ring_reader *reader, struct copier *copier, uint8_t *pixels);

/* The frame was accepted: this is what the buffer holds. */
void frame_update_accept(struct ring_reader *reader, const void *pixels);

#endif
