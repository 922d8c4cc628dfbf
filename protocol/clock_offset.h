/* SPDX-License-Identifier: MIT */
/*
 * How far the other side's clock is ahead of ours, from questions and answers: no shared memory, no
 * clock is touched in here.
 *
 * A question asked at a and answered at g, by their clock, with the answer seen at s: the offset is
 * within g - s .. g - a. What is known is the intersection of all these ranges, each grown with its
 * age by as much as two clocks may run apart. Ranges that do not meet mean that a clock was
 * stepped, or that somebody lies: all is forgotten, and nothing is told until several answers agree
 * again.
 *
 * Where both sides have a counter, the same is done for the counters. They run alike, so that range
 * stays narrow: it says when between a and s an answer was given, and even one that took long tells
 * the clocks' offset well.
 *
 * Used by clock_question.c and by whoever asks for a latency. All that comes from the other side
 * may be any number.
 */
#ifndef ORIEL_CLOCK_OFFSET_H
#define ORIEL_CLOCK_OFFSET_H

#include "clock_reading.h"

#define CLOCK_OFFSET_AGREEING 3u        /* so many answers in a row that agree make an offset */
#define CLOCK_OFFSET_BOUND_NS NS_PER_MS /* one that is not known this well is not known */
/* Two clocks run apart by at most one part in so many, two counters by one in so many. */
#define CLOCK_OFFSET_WANDER         UINT64_C(10000)
#define CLOCK_OFFSET_COUNTER_WANDER UINT64_C(10000000)

/* Times and counters at or above are no such: 73 years. */
#define CLOCK_OFFSET_LIMIT (UINT64_C(1) << 61)

struct clock_exchange {
	struct clock_reading asked;    /* ours, before the question could be seen */
	struct clock_reading answered; /* theirs, while they answered; untrusted */
	struct clock_reading seen;     /* ours, after the answer was seen */
};

/* Theirs - ours. */
struct clock_range {
	int64_t low;
	int64_t high;
	uint64_t at; /* when, by ours, it is this range; 0 = nothing is known */
};

struct clock_offset {
	struct clock_range ns;
	struct clock_range ticks;
	unsigned agreeing;
};

struct clock_latency {
	uint64_t ns;
	uint64_t bound_ns; /* it is right to that much */
};

/* All zero: nothing is known. */
void clock_offset_add(struct clock_offset *offset, const struct clock_exchange *exchange);

/*
 * What they dated untrusted_sent_ns had happened by our seen_ns: half an exchange, which counts for
 * no answer.
 */
void clock_offset_add_seen(
        struct clock_offset *offset, uint64_t untrusted_sent_ns, uint64_t seen_ns);

/* Is it known at this time of ours, and how well? returns: false: NA */
bool clock_offset_bound(const struct clock_offset *offset, uint64_t now_ns, uint64_t *bound_ns);

/*
 * How long ago something was, at our now_ns, that the other side dated untrusted_then_ns. What
 * comes out below 0, but no more than the bound allows, is 0. returns: false: NA; the offset is not
 * known, the time was not taken, or lies in the future
 */
bool clock_offset_latency(const struct clock_offset *offset, uint64_t untrusted_then_ns,
        uint64_t now_ns, struct clock_latency *latency);

#endif
