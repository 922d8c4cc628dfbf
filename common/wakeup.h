/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the other side. A wake-up is a hint: it may be early, late, doubled or lost; the ring
 * is the truth, so whoever waits looks again, and no wait is longer than WAKEUP_LIMIT_NS.
 *
 * This one has no doorbell to listen to. It spins for WAKEUP_SPIN_NS, so that two awake sides meet
 * without a system call, and then looks again after short sleeps that grow while nothing happens.
 * Who tells it of each frame (wakeup_learn) sleeps through until just before the next one is
 * expected, and looks often from then on: a steady stream costs little and is noticed at once.
 */
#ifndef ORIEL_WAKEUP_H
#define ORIEL_WAKEUP_H

#include "arrival.h"
#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

#define WAKEUP_SPIN_NS  (50 * NS_PER_US)
#define WAKEUP_LIMIT_NS (100 * NS_PER_MS)

/* Is there something to do? Cheap, reads shared memory, called many times. */
typedef bool wakeup_condition(void *argument);

struct wakeup {
	struct arrival arrival; /* when the next frame is expected; empty: nobody tells us */
	uint64_t sleep_ns;      /* the next sleep, when nothing is expected */
	uint64_t longest_ns;    /* what it may grow to */
	/* counts, for run.json */
	uint64_t waits;
	uint64_t sleeps;
	uint64_t timeouts;
};

/* longest_ns: what one sleep may grow to while nothing happens. */
void wakeup_init(struct wakeup *wakeup, uint64_t longest_ns);

/*
 * Makes this thread's sleeps end on time: the kernel adds 50 us of slack to each unless it is told
 * otherwise. Once, by the thread that will wait.
 */
void wakeup_sharpen(void);

/* A frame was seen: see arrival_note(). */
void wakeup_learn(
        struct wakeup *wakeup, uint64_t sequence, uint64_t published_ns, uint64_t seen_ns);

/*
 * Returns true as soon as the condition holds, false after timeout_ns (cut to WAKEUP_LIMIT_NS) or
 * when a signal asked the program to stop.
 */
bool wakeup_wait(
        struct wakeup *wakeup, wakeup_condition *condition, void *argument, uint64_t timeout_ns);

#endif
