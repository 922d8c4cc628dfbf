/* SPDX-License-Identifier: MIT */
#include "latency.h"

static uint64_t since(const struct clock_offset *offset, uint64_t untrusted_then_ns,
        uint64_t now_ns, uint64_t *bound_ns)
{
	struct clock_latency latency;

	if (!clock_offset_latency(offset, untrusted_then_ns, now_ns, &latency)) {
		*bound_ns = CSV_NA;
		return CSV_NA;
	}
	*bound_ns = latency.bound_ns;
	return latency.ns;
}

struct latency latency_of(const struct clock_offset *offset, const struct frame_times *untrusted,
        uint64_t seen_ns, uint64_t verified_ns, uint64_t shown_ns)
{
	struct latency latency;
	uint64_t bound_ns;

	latency.notify = since(offset, untrusted->published_ns, seen_ns, &latency.notify_bound);
	latency.frame = since(offset, untrusted->captured_ns, shown_ns, &bound_ns);
	latency.due = since(offset, untrusted->due_ns, verified_ns, &bound_ns);
	return latency;
}
