/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define SAMPLES_FIRST    1024u /* values */
#define SAMPLES_FOR_P999 1000u

void samples_init(struct samples *samples)
{
	*samples = (struct samples) { 0 };
}

void samples_finish(struct samples *samples)
{
	if (!samples) {
		return;
	}
	free(samples->values);
	samples_init(samples);
}

int samples_add(struct samples *samples, uint64_t value_ns)
{
	if (samples->count == samples->capacity) {
		size_t capacity = samples->capacity ? 2 * samples->capacity : SAMPLES_FIRST;
		uint64_t *values = reallocarray(samples->values, capacity, sizeof(*values));

		if (!values) {
			return -ENOMEM;
		}
		samples->values = values;
		samples->capacity = capacity;
	}
	samples->values[samples->count++] = value_ns;
	samples->sorted = false;
	return 0;
}

static int compare_values(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

bool samples_percentile(struct samples *samples, unsigned permille, uint64_t *value_ns)
{
	size_t rank;

	assert(permille <= 1000);
	if (samples->count == 0 || (permille == 999 && samples->count < SAMPLES_FOR_P999)) {
		return false;
	}
	if (!samples->sorted) {
		qsort(samples->values, samples->count, sizeof(*samples->values), compare_values);
		samples->sorted = true;
	}
	/* Whole thousands and the rest apart, so that no count overflows. */
	rank = samples->count / 1000 * permille + (samples->count % 1000 * permille + 999) / 1000;
	*value_ns = samples->values[rank ? rank - 1 : 0];
	return true;
}
