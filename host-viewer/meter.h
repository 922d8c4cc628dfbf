/* SPDX-License-Identifier: MIT */
/*
 * What happened within the last second: for the overlay, the title and the progress line.
 */
#ifndef ORIEL_METER_H
#define ORIEL_METER_H

#include <stdint.h>

#define METER_FRAMES \
	2048u /* of the last second; a faster stream is measured over its last ones \
	       */

struct meter {
	struct {
		uint64_t done_ns;
		uint64_t verify_ns;
	} frames[METER_FRAMES];
	uint64_t count; /* ever */
};

struct meter_reading {
	double frames_per_second;
	uint64_t verify_ns;   /* median; 0 = no frame */
	uint64_t interval_ns; /* longest between two frames, or since the last one */
};

void meter_init(struct meter *meter);
void meter_frame(struct meter *meter, uint64_t done_ns, uint64_t verify_ns);

/* The last second before now_ns. Costs a sort: a few times a second, not a frame. */
struct meter_reading meter_read(const struct meter *meter, uint64_t now_ns);

#endif
