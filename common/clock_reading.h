/* SPDX-License-Identifier: MIT */
/*
 * CLOCK_MONOTONIC and the processor's counter at one moment. A kernel slews and steps its clock, a
 * guest's all the more; the counter behind it goes on. So two sides that share a processor know by
 * their counters when something happened, and by their clocks what each called that moment.
 */
#ifndef ORIEL_CLOCK_READING_H
#define ORIEL_CLOCK_READING_H

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

/* The counter was read so soon after the clock. */
#define CLOCK_READING_APART_NS (2 * NS_PER_US)

struct clock_reading {
	uint64_t ns;
	uint64_t counter; /* ticks; 0 = there is none, or it could not be read soon enough */
};

/* Is there a counter that never stops and never changes its pace? To be asked once: it is slow. */
bool clock_has_counter(void);

/* has_counter: as clock_has_counter() said; false: the clock alone is read */
struct clock_reading clock_read(bool has_counter);

#endif
