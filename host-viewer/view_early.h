/* SPDX-License-Identifier: MIT */
/*
 * The view loop's patience with a frame that is being written: it follows strip by strip, first
 * without a pause, then with short ones, and leaves a producer that stopped in the middle to the
 * ring that ends its sleep. Used by view.c.
 */
#ifndef ORIEL_VIEW_EARLY_H
#define ORIEL_VIEW_EARLY_H

#include "ring_reader.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero is a new one. */
struct view_early {
	uint64_t sequence; /* of the frame that is followed */
	uint64_t moved_ns; /* when it was begun with, or a strip of it was last taken */
};

/*
 * Takes what is finished.
 * pixels:  the buffer for frames, of slot_capacity bytes
 * returns: whether to look again at once
 */
bool view_early_turn(struct view_early *early, struct ring_reader *reader, struct copier *copier,
        uint8_t *pixels);

#endif
