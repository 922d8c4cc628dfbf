/* SPDX-License-Identifier: MIT */
/*
 * What a slot lacks of the frame that is about to be published, and how it gets there. A slot still
 * holds the frame that was published in it some frames ago; where sources say what changed since
 * then, only the tiles that it touches are copied, and digested.
 *
 * Everything in here is the writer's private truth: no slot is ever read back. ring_writer_copy()
 * of ring_writer.h lives here.
 */
#ifndef ORIEL_SLOT_UPDATE_H
#define ORIEL_SLOT_UPDATE_H

#include "frame_grid.h"

#include <stdbool.h>

/* What lies in one slot. All zero: nothing that is known. */
struct slot_content {
	struct tile_marks stale; /* tiles that changed since it was written */
	bool is_known;           /* false: all of it is stale */
};

#endif
