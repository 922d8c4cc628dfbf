/* SPDX-License-Identifier: MIT */
/*
 * The consumer's end of the pointer's channel: looks at one word, and copies a shape when that word
 * names another one. Each value of the word is looked at once. Used by the view loop, on its
 * thread.
 */
#ifndef ORIEL_POINTER_READER_H
#define ORIEL_POINTER_READER_H

#include "pointer.h"
#include "pointer_layout.h"
#include "region_header.h"

#include <stdbool.h>

struct ring_reader;

/* All zero: no channel. */
struct pointer_reader {
	const struct ring_pointer *area; /* in G, NULL: none */
	uint32_t shape_capacity;         /* bytes; of each shape, and what a copy of one needs */
	uint64_t seen;                   /* the place that was looked at last */
	uint32_t number;                 /* of the shape that was accepted last; 0 = none */
};

enum point_result {
	POINT_SAME,  /* nothing new, or the session is over */
	POINT_MOVED, /* another place, or hidden; the shape is the one before */
	POINT_SHAPE, /* another shape, too */
	POINT_TORN,  /* the shape was overwritten while it was copied: another place follows */
	POINT_BAD,   /* it stood still and is wrong all the same */
};

/* Looks whether the session that header describes has such a channel; judges its page once. */
void pointer_reader_open(
        struct pointer_reader *pointer, struct span g, const struct ring_header *header);

/* Cheap: is there another place than the one seen last? */
bool pointer_reader_has_news(const struct pointer_reader *pointer);

/*
 * pixels:  caller's, shape_capacity bytes; touched only when the shape is another
 * pointer: all set on POINT_MOVED, where it has no shape, and on POINT_SHAPE, where that borrows
 *          the caller's pixels; else the pointer is as it was
 * order:   place (acquire), control (acquire), copy, acquire fence, control, epoch; pairs with
 *          ring_writer_point()
 */
enum point_result ring_reader_point(
        struct ring_reader *reader, uint32_t *pixels, struct pointer *pointer);

#endif
