/* SPDX-License-Identifier: MIT */
/*
 * What a CRTC shows: its primary plane's framebuffer, mapped to be read. Used by source_kms.c.
 *
 * Framebuffers come and go: a desktop flips between two, a change of mode makes new ones, and the
 * number of an old one is given to the next. So each look asks again; a mapping is kept as long as
 * its buffer is the same one, which the kernel tells by inode or offset, never by number.
 */
#ifndef ORIEL_KMS_SCANOUT_H
#define ORIEL_KMS_SCANOUT_H

#include "complaint.h"
#include "frame.h"
#include "kms_card.h"
#include "kms_judge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMS_MAPS 4u /* buffers that are kept mapped; flips alternate two or three */

/* A buffer that is mapped. */
struct kms_map {
	const uint8_t *bytes; /* NULL: unused */
	size_t size;
	bool is_prime;
	uint64_t identity; /* inode of its dma-buf, or offset of its dumb mapping */
	int dmabuf;        /* -1: none */
	uint64_t used;     /* when, to let go of the one that is longest out of use */
};

/* What is shown now. */
struct kms_view {
	struct frame_info info; /* stride: of packed rows, as Oriel carries them */
	const uint8_t *pixels;  /* of the part that the CRTC shows; valid until the next look */
	size_t pitch;           /* bytes from row to row */
	uint32_t buffer;        /* the framebuffer's number */
	uint32_t crtc;
	uint64_t refresh_ns; /* between two pictures, as the mode says; 0: it does not */
	const struct kms_map *map;
};

struct kms_scanout {
	const struct kms_card *card;
	uint32_t crtc;      /* 0: any that shows something */
	uint32_t plane;     /* 0: not found yet */
	uint32_t active_id; /* of the property that tells a blanked CRTC; 0: the card has none */
	bool knows_active;  /* it was looked for */
	struct kms_map maps[KMS_MAPS];
	uint64_t looks;
};

void kms_scanout_init(struct kms_scanout *scanout, const struct kms_card *card, uint32_t crtc);

/* Asks what is shown now, and maps it. */
enum kms_look kms_scanout_look(
        struct kms_scanout *scanout, struct kms_view *view, struct complaint *why);

/* Is the same buffer shown still? Cheap. */
bool kms_scanout_is_shown(const struct kms_scanout *scanout, const struct kms_view *view);

/* Around reading a view: a dma-buf wants to know. */
void kms_view_begin(const struct kms_view *view);
void kms_view_end(const struct kms_view *view);

void kms_scanout_finish(struct kms_scanout *scanout);

#endif
