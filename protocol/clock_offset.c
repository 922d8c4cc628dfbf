/* SPDX-License-Identifier: MIT */
/*
 * No sum in here overflows: whatever is at or above CLOCK_OFFSET_LIMIT is turned away, so that
 * every range lies within +-2^61 and what is added to one is less than 2^61 again.
 */
#include "clock_offset.h"

/* How far they may have run apart in this time; times and counters alike. */
static int64_t apart(uint64_t one, uint64_t other, uint64_t wander)
{
	return (int64_t)((one > other ? one - other : other - one) / wander) + 1;
}

static struct clock_range at_time(struct clock_range range, uint64_t at, uint64_t wander)
{
	int64_t more = apart(range.at, at, wander);

	return (struct clock_range) { range.low - more, range.high + more, at };
}

/* returns: false when the two contradict each other, or nothing was known; then it is the sample */
static bool narrow(struct clock_range *range, struct clock_range sample, uint64_t wander)
{
	struct clock_range aged = at_time(*range, sample.at, wander);

	if (range->at == 0 || aged.low > sample.high || sample.low > aged.high) {
		*range = sample;
		return false;
	}
	range->low = aged.low > sample.low ? aged.low : sample.low;
	range->high = aged.high < sample.high ? aged.high : sample.high;
	range->at = sample.at;
	return true;
}

/* The answer was given between the two of ours, and is told as of the later one. */
static struct clock_range range_of(
        uint64_t untrusted_answer, uint64_t early, uint64_t late, uint64_t at, uint64_t wander)
{
	const struct clock_range range = {
		.low = (int64_t)untrusted_answer - (int64_t)late,
		.high = (int64_t)untrusted_answer - (int64_t)early,
		.at = early,
	};

	return at_time(range, at, wander);
}

static bool is_time(uint64_t time)
{
	return time > 0 && time < CLOCK_OFFSET_LIMIT;
}

static bool has_counters(const struct clock_exchange *exchange)
{
	return is_time(exchange->asked.counter) && is_time(exchange->answered.counter) &&
	       is_time(exchange->seen.counter) && exchange->asked.counter < exchange->seen.counter;
}

/* Our clock when our counter stood at this; it went from asked to seen as good as evenly. */
static uint64_t time_of(const struct clock_exchange *exchange, int64_t counter)
{
	uint64_t ticks = exchange->seen.counter - exchange->asked.counter;
	uint64_t took_ns = exchange->seen.ns - exchange->asked.ns;
	int64_t since = counter - (int64_t)exchange->asked.counter;

	if (since <= 0) {
		return exchange->asked.ns;
	}
	if ((uint64_t)since >= ticks) {
		return exchange->seen.ns;
	}
	return exchange->asked.ns +
	       (uint64_t)((unsigned __int128)took_ns * (uint64_t)since / ticks);
}

/*
 * When the answer was given, by the counters. Both sides read their counter some time after their
 * clock, and ours need not have gone quite evenly.
 */
static void locate(const struct clock_offset *offset, const struct clock_exchange *exchange,
        uint64_t *early_ns, uint64_t *late_ns)
{
	int64_t answered = (int64_t)exchange->answered.counter;
	uint64_t slack_ns =
	        CLOCK_READING_APART_NS + 1 +
	        (uint64_t)apart(exchange->asked.ns, exchange->seen.ns, CLOCK_OFFSET_WANDER);
	uint64_t early = time_of(exchange, answered - offset->ticks.high);
	uint64_t late = time_of(exchange, answered - offset->ticks.low);

	if (early - exchange->asked.ns > slack_ns) {
		*early_ns = early - slack_ns;
	}
	if (exchange->seen.ns - late > slack_ns) {
		*late_ns = late + slack_ns;
	}
}

void clock_offset_add(struct clock_offset *offset, const struct clock_exchange *exchange)
{
	uint64_t early_ns = exchange->asked.ns;
	uint64_t late_ns = exchange->seen.ns;

	if (!is_time(early_ns) || !is_time(late_ns) || early_ns > late_ns ||
	        !is_time(exchange->answered.ns)) {
		*offset = (struct clock_offset) { 0 };
		return;
	}
	if (has_counters(exchange)) {
		narrow(&offset->ticks,
		        range_of(exchange->answered.counter, exchange->asked.counter,
		                exchange->seen.counter, exchange->seen.counter,
		                CLOCK_OFFSET_COUNTER_WANDER),
		        CLOCK_OFFSET_COUNTER_WANDER);
		locate(offset, exchange, &early_ns, &late_ns);
	}
	if (!narrow(&offset->ns,
	            range_of(exchange->answered.ns, early_ns, late_ns, exchange->seen.ns,
	                    CLOCK_OFFSET_WANDER),
	            CLOCK_OFFSET_WANDER)) {
		offset->agreeing = 0;
	}
	offset->agreeing += offset->agreeing < CLOCK_OFFSET_AGREEING;
}

void clock_offset_add_seen(
        struct clock_offset *offset, uint64_t untrusted_sent_ns, uint64_t seen_ns)
{
	struct clock_range aged = at_time(offset->ns, seen_ns, CLOCK_OFFSET_WANDER);
	int64_t low;

	if (offset->ns.at == 0 || !is_time(untrusted_sent_ns) || !is_time(seen_ns)) {
		return;
	}
	low = (int64_t)untrusted_sent_ns - (int64_t)seen_ns;
	if (low > aged.high) {
		offset->ns = (struct clock_range) { 0 };
		offset->agreeing = 0;
	} else if (low > aged.low) {
		offset->ns = (struct clock_range) { low, aged.high, seen_ns };
	}
}

bool clock_offset_bound(const struct clock_offset *offset, uint64_t now_ns, uint64_t *bound_ns)
{
	struct clock_range range;

	if (offset->agreeing < CLOCK_OFFSET_AGREEING || !is_time(now_ns)) {
		return false;
	}
	range = at_time(offset->ns, now_ns, CLOCK_OFFSET_WANDER);
	*bound_ns = ((uint64_t)(range.high - range.low) + 1) / 2;
	return *bound_ns <= CLOCK_OFFSET_BOUND_NS;
}

bool clock_offset_latency(const struct clock_offset *offset, uint64_t untrusted_then_ns,
        uint64_t now_ns, struct clock_latency *latency)
{
	int64_t middle = offset->ns.low + (offset->ns.high - offset->ns.low) / 2;
	int64_t then_ns; /* by our clock */
	int64_t ago_ns;

	if (!clock_offset_bound(offset, now_ns, &latency->bound_ns) ||
	        !is_time(untrusted_then_ns)) {
		return false;
	}
	then_ns = (int64_t)untrusted_then_ns - middle;
	ago_ns = (int64_t)now_ns - then_ns;
	/* The further back, the further apart the clocks may have been. */
	latency->bound_ns += ago_ns > 0 ? (uint64_t)ago_ns / CLOCK_OFFSET_WANDER : 0;
	if (ago_ns < -(int64_t)latency->bound_ns) {
		return false;
	}
	latency->ns = ago_ns > 0 ? (uint64_t)ago_ns : 0;
	return true;
}
