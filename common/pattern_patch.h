/* SPDX-License-Identifier: MIT */
/*
 * Noise of which only a part changes from frame to frame, with that part as damage: for measuring.
 *
 * The frame is cut into cells of the given share of its area, with its shape; each frame renews the
 * next one. So what a frame shows is a function of share, geometry, epoch and sequence, as with the
 * patterns of pattern.h: a cell shows the noise of the last sequence that renewed it, and what no
 * cell covers, or none has renewed yet, shows that of sequence 0.
 *
 * Not shared: two threads need two.
 */
#ifndef ORIEL_PATTERN_PATCH_H
#define ORIEL_PATTERN_PATCH_H

#include "frame.h"

#include <stddef.h>

#define PATTERN_PATCH_LEAST 0.001 /* of the frame's area; a cell has at least one pixel */

struct pattern_patch;

/* share: of the area, PATTERN_PATCH_LEAST to 1. NULL: out of memory */
struct pattern_patch *pattern_patch_create(double share);
void pattern_patch_destroy(struct pattern_patch *patch);

/*
 * Sets frame->pixels, which belong to the patch and are valid until the next call, and
 * frame->damage: what changed since the sequence before, or the whole frame where that was not the
 * one drawn last.
 *
 * frame:   info, epoch and sequence are the caller's; info as for pattern_draw()
 * returns: 0 or -ENOMEM
 */
int pattern_patch_draw(struct pattern_patch *patch, struct frame *frame);

#endif
