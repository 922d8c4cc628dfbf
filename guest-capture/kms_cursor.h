/* SPDX-License-Identifier: MIT */
/*
 * The mouse pointer, where the card has a plane for it: then it is not in the scanout, and moves
 * without anybody drawing. Its image and its place are looked at with every look at the screen.
 * Used by source_kms.c.
 */
#ifndef ORIEL_KMS_CURSOR_H
#define ORIEL_KMS_CURSOR_H

#include "frame.h"
#include "kms_card.h"

#include <stdbool.h>
#include <stdint.h>

#define KMS_CURSOR_SIDE 512u /* pixels, at most; the largest that cards offer */

struct kms_cursor {
	uint32_t plane; /* 0: the card has none, or none was found yet */
	uint32_t x_id;  /* the properties' numbers */
	uint32_t y_id;
	bool is_shown;
	int32_t x; /* of its upper left corner on the screen; may lie outside */
	int32_t y;
	uint32_t width;
	uint32_t height;
	uint32_t *pixels; /* ARGB, premultiplied, width * height */
	size_t capacity;  /* pixels */
};

/*
 * Looks at the cursor of the CRTC.
 * returns: whether it differs from the last time: shown, place or image
 */
bool kms_cursor_look(struct kms_cursor *cursor, const struct kms_card *card, uint32_t crtc);

/* The part of a screen of this size that it covers; width 0: none. */
struct frame_rect kms_cursor_part(const struct kms_cursor *cursor, uint32_t width, uint32_t height);

/* Blends it into a picture. */
void kms_cursor_draw(
        const struct kms_cursor *cursor, const struct frame_info *info, uint8_t *pixels);

void kms_cursor_finish(struct kms_cursor *cursor);

#endif
