/* SPDX-License-Identifier: MIT */
/*
 * The view loop's patience with a frame that is being written: it follows strip by strip, first
 * without a pause, then with short ones, and leaves a producer that stopped in the middle to the
 * ring that ends its sleep. After one that is slower it looks now and then only, and is still there
 * when it is through. Used by view.c.
 */
#ifndef ORIEL_VIEW_EARLY_H
#define ORIEL_VIEW_EARLY_H

#include "ring_reader.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero is a new one. */
struct view_early {
	uint64_t sequence;   /* of the frame that is followed */
	uint64_t begun_ns;   /* when it was begun with */
	uint64_t moved_ns;   /* then, or when a strip of it was last taken */
	uint64_t copying_ns; /* spent on its strips */
};

/*
 * How long we may look away when done of so many strips are taken. A producer that is slower than
 * we are, an emulated one say, needs the processor more: half the time in which what it will have
 * written by then can still be caught up with before it is through. 0: it is not twice as slow.
 */
uint64_t view_early_spare_ns(const struct view_early *early, uint32_t done, uint32_t strips);

/*
 * Takes what is finished.
 * pixels:  the buffer for frames, of slot_capacity bytes
 * returns: whether to look again at once
 */
bool view_early_turn(struct view_early *early, struct ring_reader *reader, struct copier *copier,
        uint8_t *pixels);

#endif
