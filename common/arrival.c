/* SPDX-License-Identifier: MIT */
#include "arrival.h"

#include <stdlib.h>
#include <string.h>

static unsigned at(const struct arrival *arrival, unsigned back)
{
	return (arrival->count - 1 - back) % ARRIVAL_KEPT;
}

static unsigned known(const struct arrival *arrival)
{
	return arrival->count < ARRIVAL_KEPT ? arrival->count : ARRIVAL_KEPT;
}

void arrival_note(
        struct arrival *arrival, uint64_t sequence, uint64_t published_ns, uint64_t seen_ns)
{
	unsigned place;

	if (arrival->count && sequence <= arrival->frames[at(arrival, 0)].sequence) {
		memset(arrival, 0, sizeof(*arrival));
	}
	place = arrival->count % ARRIVAL_KEPT;
	arrival->frames[place].sequence = sequence;
	arrival->frames[place].published_ns = published_ns;
	arrival->frames[place].delay_ns = seen_ns - published_ns;
	arrival->count++;
	if (arrival->count == 2 * ARRIVAL_KEPT) {
		arrival->count = ARRIVAL_KEPT;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Time a frame between neighbours, sorted; frames that we skipped count as frames. */
static unsigned sorted_periods(const struct arrival *arrival, uint64_t *periods)
{
	unsigned count = known(arrival) - 1;

	for (unsigned i = 0; i < count; i++) {
		unsigned newer = at(arrival, i);
		unsigned older = at(arrival, i + 1);

		periods[i] = (arrival->frames[newer].published_ns -
		                     arrival->frames[older].published_ns) /
		             (arrival->frames[newer].sequence - arrival->frames[older].sequence);
	}
	qsort(periods, count, sizeof(periods[0]), compare);
	return count;
}

/* The shortest way from published to seen; the clocks' difference is the same in all of them. */
static uint64_t shortest_delay(const struct arrival *arrival)
{
	uint64_t first = arrival->frames[at(arrival, 0)].delay_ns;
	int64_t shortest = 0;

	for (unsigned i = 1; i < known(arrival); i++) {
		int64_t difference = (int64_t)(arrival->frames[at(arrival, i)].delay_ns - first);

		shortest = difference < shortest ? difference : shortest;
	}
	return first + (uint64_t)shortest;
}

bool arrival_expect(const struct arrival *arrival, struct arrival_window *window)
{
	uint64_t periods[ARRIVAL_KEPT];
	uint64_t period_ns;
	uint64_t margin_ns;
	uint64_t expected_ns;
	unsigned count;

	if (known(arrival) < ARRIVAL_ENOUGH) {
		return false;
	}
	count = sorted_periods(arrival, periods);
	period_ns = periods[count / 2];
	if (period_ns < ARRIVAL_PERIOD_MIN || period_ns > ARRIVAL_PERIOD_MAX) {
		return false;
	}
	/* Three quarters of the frames come within this of the period. */
	margin_ns = ARRIVAL_MARGIN_MIN + periods[count - 1 - count / 8] - periods[count / 8];
	if (margin_ns > period_ns / 2) {
		margin_ns = period_ns / 2;
	}
	expected_ns =
	        arrival->frames[at(arrival, 0)].published_ns + period_ns + shortest_delay(arrival);
	window->early_ns = expected_ns - margin_ns;
	window->late_ns = expected_ns + margin_ns;
	return true;
}
