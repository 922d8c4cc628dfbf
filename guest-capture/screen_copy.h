/* SPDX-License-Identifier: MIT */
/*
 * Our own copy of a screen, and what changed on it. The scanout is foreign memory that somebody
 * draws into while we look: what differs is marked, and what is marked is taken. Used by
 * source_kms.c.
 *
 * A screen at rest is not read whole each time: a glance looks at one line in SCREEN_GLANCE, others
 * each time, so that whatever is as high as that is seen at the first glance. Once all lines were
 * found to be as they are in our copy, their digests (XXH64) stand for it, so that our copy need
 * not be read. What a glance costs a processor that is emulated is less the comparing than to find
 * each page anew (1080p, TCG on Sapphire Rapids, after a sleep: 1.2 ms with both, 0.6 ms with one).
 */
#ifndef ORIEL_SCREEN_COPY_H
#define ORIEL_SCREEN_COPY_H

#include "frame.h"
#include "tile_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_GLANCE  8u
#define SCREEN_SETTLES 2u /* times that what changes under our eyes is read again */

/* All zero is a new one. */
struct screen_copy {
	struct frame_info info; /* of pixels; fourcc 0: nothing is known */
	uint8_t *memory;        /* where pixels lie */
	uint8_t *pixels;
	size_t capacity;         /* bytes of pixels */
	struct tile_set changed; /* since the damage was taken */
	unsigned phase;
	unsigned calm;     /* glances that saw nothing, since pixels were written */
	uint64_t *digests; /* of each line of pixels; known once calm is SCREEN_GLANCE */
	bool is_whole;     /* pixels hold a screen that was read */
	bool is_taken;     /* and somebody took it */
};

/*
 * Whatever was known is forgotten when the geometry differs.
 * returns: 0; -ENOMEM
 */
int screen_copy_shape(struct screen_copy *copy, const struct frame_info *info);

/*
 * A look at the screen, which is read whole when it moves, and glanced at when it is at rest. A
 * glance that sees something has it read, too. So SCREEN_GLANCE looks behind the last change there
 * is nothing that was not seen.
 *
 * scanout: the first pixel; pitch: bytes from row to row
 * returns: false when nothing was seen that differs from what was read before
 */
bool screen_copy_look(
        struct screen_copy *copy, const uint8_t *scanout, size_t pitch, bool is_moving);

/*
 * Reads again what changed, until it stood still while it was read, at most SCREEN_SETTLES times:
 * for a screen that is drawn in place.
 *
 * returns: false when it still changed at the last time: parts may be of two pictures
 */
bool screen_copy_settle(struct screen_copy *copy, const uint8_t *scanout, size_t pitch);

/*
 * What changed since this was called last; the pixels are the caller's to show.
 * returns: false when all of it may have, because it never was called with this geometry
 */
bool screen_copy_take(struct screen_copy *copy, struct tile_set *changed);

void screen_copy_finish(struct screen_copy *copy);

#endif
