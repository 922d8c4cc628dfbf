/* SPDX-License-Identifier: MIT */
/*
 * Monotonic time in ns. Every duration and every time in this project is taken here; wall time
 * names result folders and nothing else.
 */
#ifndef ORIEL_CLOCK_H
#define ORIEL_CLOCK_H

#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* CLOCK_MONOTONIC; never FRAME_TIME_NONE. */
uint64_t clock_now_ns(void);

/* Sleeps until then; returns early only when a signal arrives. */
void clock_sleep_until_ns(uint64_t then_ns);

/* later - earlier, 0 where the order is not as named: times of the other side may be anything. */
static inline uint64_t clock_elapsed_ns(uint64_t earlier_ns, uint64_t later_ns)
{
	return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

#endif
