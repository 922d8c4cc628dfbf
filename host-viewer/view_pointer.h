/* SPDX-License-Identifier: MIT */
/*
 * The mouse pointer on its way from the ring to the sink, beside the frames. Used by the view loop,
 * on its thread, once a turn; does nothing for sinks that draw none.
 */
#ifndef ORIEL_VIEW_POINTER_H
#define ORIEL_VIEW_POINTER_H

#include "ring_reader.h"
#include "sink.h"

#include <jansson.h>

/* All zero is a new one. */
struct view_pointer {
	uint32_t *pixels; /* of the shape that is being taken over */
	size_t capacity;  /* bytes */
	bool is_shown;
	bool is_followed; /* a channel was, at some time */
	uint64_t moves;   /* places that were handed on */
	uint64_t shapes;  /* with another shape */
	uint64_t torn;    /* shapes that were overwritten while they were copied */
	uint64_t bad;     /* shapes whose digest or size is wrong */
};

/*
 * reader:  attached; NULL: there is no session, and no pointer
 * returns: whether the sink was told something
 */
bool view_pointer_turn(struct view_pointer *pointer, struct ring_reader *reader, struct sink *sink);

/* The counts for the summary, null where no channel was followed. New reference. */
json_t *view_pointer_summary(const struct view_pointer *pointer);

void view_pointer_finish(struct view_pointer *pointer);

#endif
