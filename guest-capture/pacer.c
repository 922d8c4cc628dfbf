/* SPDX-License-Identifier: MIT */
#include "pacer.h"

#include "clock.h"

void pacer_start(struct pacer *pacer, double frames_per_second, uint64_t now_ns)
{
	pacer->period_ns =
	        frames_per_second > 0 ? (uint64_t)((double)NS_PER_S / frames_per_second) : 0;
	pacer->next_ns = now_ns;
}

uint64_t pacer_left_ns(const struct pacer *pacer, uint64_t now_ns)
{
	return pacer->period_ns ? clock_elapsed_ns(now_ns, pacer->next_ns) : 0;
}

uint64_t pacer_take(struct pacer *pacer, uint64_t now_ns, uint64_t *due_ns)
{
	uint64_t missed;

	if (pacer->period_ns == 0) {
		*due_ns = 0;
		return 0;
	}
	missed = clock_elapsed_ns(pacer->next_ns, now_ns) / pacer->period_ns;
	*due_ns = pacer->next_ns + missed * pacer->period_ns;
	pacer->next_ns = *due_ns + pacer->period_ns;
	return missed;
}
