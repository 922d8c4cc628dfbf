/* SPDX-License-Identifier: MIT */
/*
 * The producer's end of the pointer's channel: a place that is one word, and two places for shapes.
 * To move the pointer is one store and a ring; no frame is published for it.
 *
 * Used by the capture loop, on its thread. A producer that does not want it has none
 * (ring_writer_config.shape_capacity 0).
 */
#ifndef ORIEL_POINTER_WRITER_H
#define ORIEL_POINTER_WRITER_H

#include "pointer.h"
#include "pointer_layout.h"

#include <stdbool.h>

struct ring_writer;

/* All zero: no channel. */
struct pointer_writer {
	struct ring_pointer *area; /* in G, NULL: none */
	uint32_t shape_capacity;   /* bytes */
	uint32_t number;           /* of the shape that was stored last; 0 = none yet */
	uint64_t place;            /* as it stands in memory */
	uint64_t moves;            /* how often the place changed */
	uint64_t shapes;           /* how many were stored */
};

/* Wipes what was there and says what there is; while the epoch is 0. */
void pointer_writer_open(
        struct pointer_writer *pointer, struct ring_pointer *area, uint32_t shape_capacity);

/* Can the channel carry this shape? */
bool ring_writer_can_point(const struct ring_writer *writer, const struct pointer_shape *shape);

/*
 * Shows the pointer as it is now, and rings those who sleep if that is news. Nothing is touched
 * once another producer took over.
 *
 * pointer:      its shape is looked at only if it is shown and new; the first one always is
 * is_new_shape: differs from the one before
 * order:        control WRITING, store fence, pixels; control (release), place (release); pairs
 *               with ring_reader_point()
 */
void ring_writer_point(
        struct ring_writer *writer, const struct pointer *pointer, bool is_new_shape);

#endif
