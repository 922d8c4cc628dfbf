/* SPDX-License-Identifier: MIT */
/*
 * Durations, every one kept, and exact percentiles of them.
 */
#ifndef ORIEL_SAMPLES_H
#define ORIEL_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples {
	uint64_t *values; /* ns */
	size_t count;
	size_t capacity;
	bool sorted;
};

void samples_init(struct samples *samples);
void samples_finish(struct samples *samples);

/* Keeps one more. Memory grows by doubling; -ENOMEM leaves all that were kept. */
int samples_add(struct samples *samples, uint64_t value_ns);

/*
 * The smallest value that at least permille/1000 of all samples do not exceed (nearest rank).
 * returns: false when there is none, or for p99.9 (999) below 1000 samples: say NA then
 */
bool samples_percentile(struct samples *samples, unsigned permille, uint64_t *value_ns);

#endif
