/* SPDX-License-Identifier: MIT */
/*
 * The mouse pointer, where the card has a plane for it: then it is not in the scanout, and moves
 * without anybody drawing. Its image and its place are looked at with every look at the screen.
 * Used by source_kms.c.
 *
 * Planes neither come nor go while a card is open. So those that a CRTC's pointer may be on are
 * searched for once, and a look asks these alone: first the one that had it last, and while none
 * has it each of them, most often one.
 *
 * The image stays mapped while the plane shows one framebuffer. Numbers of framebuffers are used
 * again, so it is mapped anew now and then all the same.
 */
#ifndef ORIEL_KMS_CURSOR_H
#define ORIEL_KMS_CURSOR_H

#include "frame.h"
#include "kms_card.h"
#include "pointer.h"

#include <stdbool.h>
#include <stdint.h>

#define KMS_CURSOR_PLANES 16u /* of one CRTC; cards have one or two, further ones are not seen */

/* A plane for pointers, and its properties' numbers. */
struct kms_cursor_plane {
	uint32_t id;
	uint32_t x_id;
	uint32_t y_id;
	uint32_t hot_x_id; /* 0: the kernel does not tell; and so the next */
	uint32_t hot_y_id;
};

struct kms_cursor {
	uint32_t crtc; /* that the planes may feed; 0: they were not searched for */
	unsigned plane_count;
	unsigned plane; /* that had the pointer last */
	struct kms_cursor_plane planes[KMS_CURSOR_PLANES];
	/* The framebuffer that is mapped; NULL: none. */
	uint32_t buffer;
	uint8_t *map;
	size_t map_size;
	size_t map_offset; /* of the first row */
	uint32_t map_pitch;
	uint32_t map_width;
	uint32_t map_height;
	unsigned looks; /* since it was mapped */
	/* What was seen last. */
	bool is_shown;
	int32_t x; /* of its upper left corner on the screen; may lie outside */
	int32_t y;
	uint32_t width;
	uint32_t height;
	uint32_t hot_x;
	uint32_t hot_y;
	uint32_t *pixels; /* ARGB, premultiplied, width * height */
	size_t capacity;  /* pixels */
	uint64_t images;  /* how often it was another image */
};

/*
 * Looks at the cursor of the CRTC.
 * returns: whether it differs from the last time: shown, place or image
 */
bool kms_cursor_look(struct kms_cursor *cursor, const struct kms_card *card, uint32_t crtc);

/* As others take it. It borrows the pixels until the next look. */
struct pointer kms_cursor_pointer(const struct kms_cursor *cursor);

/* The card is about to be closed: what belongs to it is let go of. */
void kms_cursor_forget(struct kms_cursor *cursor);

/* The part of a screen of this size that it covers; width 0: none. */
struct frame_rect kms_cursor_part(const struct kms_cursor *cursor, uint32_t width, uint32_t height);

/* Blends it into a picture. */
void kms_cursor_draw(
        const struct kms_cursor *cursor, const struct frame_info *info, uint8_t *pixels);

void kms_cursor_finish(struct kms_cursor *cursor);

#endif
