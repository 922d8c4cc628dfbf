/* SPDX-License-Identifier: MIT */
/*
 * When the next frame is due: at start + k x period, so that a late frame does not delay the ones
 * behind it. Knows no clock and sleeps nowhere; the capture loop does both.
 */
#ifndef ORIEL_PACER_H
#define ORIEL_PACER_H

#include <stdint.h>

struct pacer {
	uint64_t period_ns; /* 0 = as fast as it goes */
	uint64_t next_ns;   /* when the next frame is due */
};

/* frames_per_second: 0 = as fast as it goes */
void pacer_start(struct pacer *pacer, double frames_per_second, uint64_t now_ns);

/* How long until the next frame is due; 0 = now. */
uint64_t pacer_left_ns(const struct pacer *pacer, uint64_t now_ns);

/*
 * Takes the frame that is due now.
 * due_ns:  when it was due; 0 (not taken) without a period
 * returns: how many earlier ones were passed over because their whole period went by
 */
uint64_t pacer_take(struct pacer *pacer, uint64_t now_ns, uint64_t *due_ns);

#endif
