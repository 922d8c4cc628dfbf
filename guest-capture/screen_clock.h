/* SPDX-License-Identifier: MIT */
/*
 * When to look at a screen: behind its vertical blanks where it has them, otherwise on a grid of
 * periods; while nothing changes on a coarser grid. A change brings back the full rate with the
 * next look. Used by source_kms.c.
 */
#ifndef ORIEL_SCREEN_CLOCK_H
#define ORIEL_SCREEN_CLOCK_H

#include "kms_vblank.h"

#include <stdbool.h>
#include <stdint.h>

#define SCREEN_REST_NS      (2 * NS_PER_S) /* without a change: then it is at rest */
#define SCREEN_REST_PERIODS 4u             /* between looks at rest */

/* What beats it, if anything does. */
struct screen_beat {
	int card; /* its descriptor */
	uint32_t crtc;
	uint64_t refresh_ns; /* between two blanks; 0: not known, there are none */
};

struct screen_clock {
	uint64_t period_ns;
	uint64_t next_ns;    /* when to look next; where a blank is awaited, at the latest */
	uint64_t changed_ns; /* when the screen was last seen to change */
	uint64_t stirred_ns; /* when something beside it was */
	int card;            /* of the blank that is awaited */
	struct kms_vblank vblank;
	uint64_t vblanks; /* looks that a blank began */
};

/* The first look is due at once. */
void screen_clock_init(struct screen_clock *clock, uint64_t period_ns);

/* Another card: blanks of the one before are forgotten. */
void screen_clock_new_card(struct screen_clock *clock);

/* There is nothing to look at before then. */
void screen_clock_set(struct screen_clock *clock, uint64_t next_ns);

/* The look that began at look_ns saw a change. */
void screen_clock_changed(struct screen_clock *clock, uint64_t look_ns);

/* It saw something else that keeps the screen from rest: the pointer, which is beside it. */
void screen_clock_stirred(struct screen_clock *clock, uint64_t look_ns);

/* Does it move? It changed in the last two periods. */
bool screen_clock_is_moving(const struct screen_clock *clock, uint64_t now_ns);

/* Behind a look, and behind the two above: when is the next? */
void screen_clock_plan(
        struct screen_clock *clock, const struct screen_beat *beat, uint64_t look_ns);

/* Behind a look: may the next one be due before end_ns? If not, who waits may do something else. */
bool screen_clock_is_due_by(const struct screen_clock *clock, uint64_t end_ns);

/* Waits until a look is due, at most until end_ns. returns: it is */
bool screen_clock_wait(struct screen_clock *clock, uint64_t end_ns);

#endif
