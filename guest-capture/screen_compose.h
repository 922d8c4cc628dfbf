/* SPDX-License-Identifier: MIT */
/*
 * The picture that is handed on: our copy of the screen, with the mouse pointer in it where that is
 * a plane of its own. As long as there is no pointer, that is the copy itself. Used by
 * source_kms.c.
 */
#ifndef ORIEL_SCREEN_COMPOSE_H
#define ORIEL_SCREEN_COMPOSE_H

#include "kms_cursor.h"
#include "screen_copy.h"

/* All zero is a new one. */
struct screen_compose {
	struct frame_info info;
	uint8_t *pixels;
	size_t capacity;
	bool is_whole;           /* pixels are a screen with this pointer in it */
	struct frame_rect drawn; /* where the pointer is in pixels */
};

/*
 * cursor:  to be drawn; NULL: none
 * changed: what differs in the copy since the last call; where the pointer was and is is added
 * returns: the picture, the copy's or ours; valid until the next call; NULL: out of memory
 */
const uint8_t *screen_compose(struct screen_compose *compose, const struct screen_copy *copy,
        const struct kms_cursor *cursor, struct tile_set *changed);

void screen_compose_finish(struct screen_compose *compose);

#endif
