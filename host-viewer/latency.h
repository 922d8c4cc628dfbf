/* SPDX-License-Identifier: MIT */
/*
 * How long a frame was on its way from the producer to us, across the two clocks. docs/measuring.md
 * defines each figure.
 */
#ifndef ORIEL_LATENCY_H
#define ORIEL_LATENCY_H

#include "clock_offset.h"
#include "csv.h"
#include "frame.h"

#include <stdint.h>

/* In ns; CSV_NA where it is not known. */
struct latency {
	uint64_t notify;
	uint64_t notify_bound; /* that is right to so much */
	uint64_t frame;
	uint64_t due;
};

#define LATENCY_UNKNOWN ((struct latency) { CSV_NA, CSV_NA, CSV_NA, CSV_NA })

/* seen_ns, verified_ns, shown_ns: ours; shown: verified, or presented where somebody watches */
struct latency latency_of(const struct clock_offset *offset, const struct frame_times *untrusted,
        uint64_t seen_ns, uint64_t verified_ns, uint64_t shown_ns);

#endif
