/* SPDX-License-Identifier: MIT */
/*
 * What a slot lacks of the frame that is about to be published, and how it gets there. A slot still
 * holds the frame that was published in it some frames ago; where sources say what changed since
 * then, only that is copied, and only the strips that it touches are digested again.
 *
 * Everything in here is the writer's private truth: no slot is ever read back. ring_writer_copy()
 * of ring_writer.h lives here.
 */
#ifndef ORIEL_SLOT_UPDATE_H
#define ORIEL_SLOT_UPDATE_H

#include "frame.h"
#include "frame_strips.h"
#include "tile_set.h"

#include <stdbool.h>

/* What lies in one slot. All zero: nothing that is known. */
struct slot_content {
	struct tile_set stale; /* tiles that changed since it was written */
	bool is_known;         /* false: all of it is stale */
};

/* How a frame is cut: strips of about 256 KiB, as many as the digest table holds. */
struct frame_strips slot_cut_strips(const struct frame_info *info);

#endif
