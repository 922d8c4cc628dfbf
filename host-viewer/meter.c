/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include "clock.h"

#include <stdlib.h>

void meter_init(struct meter *meter)
{
	meter->count = 0;
}

void meter_frame(struct meter *meter, uint64_t done_ns, uint64_t verify_ns)
{
	uint64_t at = meter->count++ % METER_FRAMES;

	meter->frames[at].done_ns = done_ns;
	meter->frames[at].verify_ns = verify_ns;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

struct meter_reading meter_read(const struct meter *meter, uint64_t now_ns)
{
	struct meter_reading reading = { 0 };
	uint64_t verify_ns[METER_FRAMES];
	uint64_t newer_ns = now_ns;
	uint64_t span_ns = NS_PER_S;
	size_t n = 0;

	while (n < METER_FRAMES && n < meter->count) {
		uint64_t at = (meter->count - 1 - n) % METER_FRAMES;
		uint64_t done_ns = meter->frames[at].done_ns;
		uint64_t interval_ns = clock_elapsed_ns(done_ns, newer_ns);

		if (interval_ns > reading.interval_ns) {
			reading.interval_ns = interval_ns;
		}
		if (clock_elapsed_ns(done_ns, now_ns) >= NS_PER_S) {
			break;
		}
		newer_ns = done_ns;
		verify_ns[n++] = meter->frames[at].verify_ns;
	}
	if (n == 0) {
		return reading;
	}
	if (n == METER_FRAMES) {
		span_ns = clock_elapsed_ns(newer_ns, now_ns);
	}
	reading.frames_per_second = (double)n * (double)NS_PER_S / (double)(span_ns ? span_ns : 1);
	qsort(verify_ns, n, sizeof(verify_ns[0]), compare);
	reading.verify_ns = verify_ns[n / 2];
	return reading;
}
