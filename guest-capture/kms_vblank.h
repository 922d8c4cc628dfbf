/* SPDX-License-Identifier: MIT */
/*
 * The vertical blanks of a CRTC: right behind one there is most time to look at what it shows. Any
 * program may ask the kernel for an event at one. Used by screen_clock.c.
 *
 * Emulated cards have none, a CRTC that is off has none for a while, and an event that was promised
 * may never come. A blank that is asked for keeps the card's interrupt on, so it is not asked for
 * while nothing moves.
 */
#ifndef ORIEL_KMS_VBLANK_H
#define ORIEL_KMS_VBLANK_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is a new one; so it has to be for another card. */
struct kms_vblank {
	uint64_t asked;    /* how often; marks the event */
	uint64_t last;     /* the number of the blank that came last; 0: start anew with the next */
	bool is_awaited;   /* an event is to come */
	bool is_absent;    /* the card has none at all */
	uint64_t doubt_ns; /* not to be asked before, for lately none came */
};

/*
 * Asks for the blank that is so many behind the last, or for the next where that is over.
 *
 * card:    its descriptor
 * every:   at least 1
 * returns: false when none will come
 */
bool kms_vblank_ask(
        struct kms_vblank *vblank, int card, uint32_t crtc, uint32_t every, uint64_t now_ns);

/* Waits for it, at most until then, or until a signal. returns: it came */
bool kms_vblank_wait(struct kms_vblank *vblank, int card, uint64_t until_ns);

/* What was asked for did not come, or is not wanted: from now on it is of no account. */
void kms_vblank_doubt(struct kms_vblank *vblank, uint64_t now_ns);
void kms_vblank_rest(struct kms_vblank *vblank);

#endif
