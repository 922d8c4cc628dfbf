/* SPDX-License-Identifier: MIT */
/*
 * When will the next frame be there? Learned from the times that the producer wrote into the last
 * ones and the times at which we saw them: the period from the former (its clock, so our own delays
 * do not blur it), the phase from the smallest difference of the two. The two clocks share no
 * epoch; their difference is only ever added to one of the producer's times again.
 *
 * The answer is a hint for whoever has no doorbell: it decides how long to sleep, never what is
 * true. Published times are the producer's word and may be anything.
 */
#ifndef ORIEL_ARRIVAL_H
#define ORIEL_ARRIVAL_H

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

#define ARRIVAL_KEPT       16u /* frames that are remembered */
#define ARRIVAL_ENOUGH     4u  /* below so many nothing is said */
#define ARRIVAL_PERIOD_MAX (2 * NS_PER_S)
#define ARRIVAL_PERIOD_MIN (2 * NS_PER_MS) /* faster streams are met by looking again at once */
#define ARRIVAL_MARGIN_MIN (150 * NS_PER_US)

/* All zero is a new one. One thread. */
struct arrival {
	struct {
		uint64_t sequence;
		uint64_t published_ns; /* producer's clock */
		uint64_t delay_ns;     /* seen - published, modulo 2^64 */
	} frames[ARRIVAL_KEPT];
	unsigned count; /* ever, up to 2 * ARRIVAL_KEPT and back */
};

/* Around then the next frame is due, give or take the margin; our clock. */
struct arrival_window {
	uint64_t early_ns;
	uint64_t late_ns;
};

/* One more frame was seen. A sequence that does not follow starts the learning anew. */
void arrival_note(
        struct arrival *arrival, uint64_t sequence, uint64_t published_ns, uint64_t seen_ns);

/* returns: false while too little is known, or the frames keep no period */
bool arrival_expect(const struct arrival *arrival, struct arrival_window *window);

#endif
