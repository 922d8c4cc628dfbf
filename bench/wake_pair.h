/* SPDX-License-Identifier: MIT */
/*
 * Two processes, one that wakes and one that waits, and the stamps that lie between them. Called by
 * wake_latency.c; the cases are in wake_raw.c and wake_ring.c.
 *
 * The waker stamps CLOCK_MONOTONIC right before it does what should wake the other; the waiter
 * stamps it right after it is back. Both processes are of one machine, so the two are of one clock.
 */
#ifndef ORIEL_BENCH_WAKE_PAIR_H
#define ORIEL_BENCH_WAKE_PAIR_H

#include "clock.h"
#include "complaint.h"
#include "shared.h"
#include "wakeup.h"

#include <stdbool.h>
#include <stdint.h>

#define WAKE_SAMPLES_MAX 4096u
#define WAKE_WARM        8u   /* the first wake-ups of a round are cold and not kept */
#define WAKE_LIMIT_S     120u /* a round that takes longer is ended */

/* Anonymous memory of both; each word has one writer. */
struct wake_page {
	shared_u64 sent_ns; /* waker: the stamp; a case that spins waits for this word to change */
	uint8_t apart_0[56];
	shared_u64 number; /* waker: how many wake-ups so far, and the word of a futex */
	shared_u64 is_over;
	shared_u64 rings; /* that a doorbell sent */
	uint8_t apart_1[40];
	shared_u64 taken; /* waiter: how many wake-ups it has seen */
	uint8_t apart_2[56];
	/* waiter's report */
	uint64_t cpu_ns; /* of the whole process, from its first kept sample to its last */
	uint64_t wall_ns;
	uint64_t missed; /* frames that it passed over, or that found it awake already */
	struct wakeup_counts counts;
	uint64_t count;
	uint64_t values_ns[WAKE_SAMPLES_MAX];
};

enum wake_pace {
	WAKE_RANDOM,   /* sleeps a random while of least_ns to most_ns between two */
	WAKE_BUSY,     /* the same, awake, of busy_least_ns to busy_most_ns */
	WAKE_STEADY,   /* a fixed rate */
	WAKE_JITTERED, /* a fixed rate, each one up to jitter_ns early or late */
};

struct wake_plan {
	unsigned samples; /* a round, of a case with a random pace */
	uint64_t least_ns;
	uint64_t most_ns;
	uint64_t busy_least_ns;
	uint64_t busy_most_ns;
	uint64_t period_ns;
	uint64_t jitter_ns;
	uint64_t steady_ns; /* how long a round of a case with a fixed rate is */
	bool is_free;       /* the scheduler chooses the cores; else one for each side */
};

struct wake_case;

struct wake_pair {
	const struct wake_case *which;
	const struct wake_plan *plan;
	struct wake_page *page;
	int bell;     /* an eventfd for the waiter */
	int bell_two; /* and one for the waker */
	void *memory; /* the case's own */
	uint64_t start_ns;
	uint64_t random;
	/* the waiter's, private until it ends */
	uint64_t first_cpu_ns;
	uint64_t first_ns;
};

struct wake_case {
	const char *name;
	const char *what; /* for the table */
	enum wake_pace pace;
	enum wakeup_way way; /* of a ring's consumer */
	bool has_doorbell;
	bool counts_all; /* keeps also samples of which the waiter had not slept */
	bool (*prepare)(struct wake_pair *pair, struct complaint *why); /* or NULL */
	void (*wait)(struct wake_pair *pair);
	void (*wake)(struct wake_pair *pair);
	void (*finish)(struct wake_pair *pair); /* or NULL */
};

/*
 * One round of a case. page: as it was left, shared with nobody any more; wake_pair_free() it.
 * returns: false with the complaint filled
 */
bool wake_pair_run(const struct wake_case *which, const struct wake_plan *plan,
        struct wake_page **page, struct complaint *why);
void wake_pair_free(struct wake_page *page);

/* How many wake-ups a round has, the cold ones included. */
unsigned wake_pair_total(const struct wake_case *which, const struct wake_plan *plan);

/* The waker: until the number-th wake-up (from 0) is due. */
void wake_pair_pause(struct wake_pair *pair, unsigned number);

/* The waker: until the waiter has taken so many. false: it did not within a second */
bool wake_pair_await(const struct wake_pair *pair, uint64_t taken);

/* The waiter: keeps a sample unless it is still warming up. */
void wake_pair_keep(struct wake_pair *pair, uint64_t sent_ns, uint64_t seen_ns);

static inline bool wake_pair_is_over(const struct wake_pair *pair)
{
	return shared_load_u64(&pair->page->is_over) != 0;
}

/* Waits for nothing longer than the core needs to see the other's store. */
static inline void wake_pair_spin(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("" : : : "memory");
#endif
}

extern const struct wake_case wake_eventfd, wake_futex, wake_line;
extern const struct wake_case wake_ring_rung, wake_ring_spin, wake_ring_steady, wake_ring_jittered,
        wake_ring_frames;

#endif
