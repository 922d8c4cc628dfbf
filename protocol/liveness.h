/* SPDX-License-Identifier: MIT */
/*
 * Is the other side alive? Memory survives its writer, so a good-looking header proves nothing;
 * only a heartbeat that moves while we watch does. All limits derive from HEARTBEAT_NS.
 */
#ifndef ORIEL_LIVENESS_H
#define ORIEL_LIVENESS_H

#include "clock.h"
#include "shared.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HEARTBEAT_NS      (100 * NS_PER_MS)
#define LIVENESS_STALE_NS (10 * HEARTBEAT_NS)
#define LIVENESS_GONE_NS  (50 * HEARTBEAT_NS)

enum liveness_state {
	LIVENESS_UNKNOWN, /* never seen moving */
	LIVENESS_LIVE,    /* moved within LIVENESS_STALE_NS */
	LIVENESS_STALE,
	LIVENESS_GONE, /* did not move for LIVENESS_GONE_NS */
};

/* What one side knows of the other's heartbeat. All zero is a new one. One thread. */
struct liveness {
	uint64_t value;
	uint64_t moved_ns; /* when it was last seen with a new value */
	bool seen;
	bool moved;
};

/* Takes one reading of the heartbeat word. Any value may come; only a change counts. */
enum liveness_state liveness_observe(
        struct liveness *liveness, uint64_t untrusted, uint64_t now_ns);

/* What the readings so far say about now. */
enum liveness_state liveness_at(const struct liveness *liveness, uint64_t now_ns);

/*
 * Our own heartbeat: a thread that adds one to the word every HEARTBEAT_NS, so that a busy or
 * sleeping loop is not taken for a dead one. Nobody else writes the word.
 */
struct heartbeat {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t change;
	shared_u64 *word;
	uint64_t value;
	bool running;
	bool stop;
	bool resting; /* the loop beats in the thread's stead */
};

/* 0 or -errno. heartbeat: zeroed or stopped; stays where it is until heartbeat_stop(). */
int heartbeat_start(struct heartbeat *heartbeat, shared_u64 *word);

/*
 * For a loop that has nothing to do and comes by at least every HEARTBEAT_NS: one beat, and the
 * thread sleeps on until heartbeat_resume(). An idle program wakes up half as often.
 */
void heartbeat_rest(struct heartbeat *heartbeat);

/* Before the loop does anything that may take long. Costs nothing while the thread does not rest.
 */
void heartbeat_resume(struct heartbeat *heartbeat);

/* Ends the thread. Fine for one that never started. */
void heartbeat_stop(struct heartbeat *heartbeat);

#endif
