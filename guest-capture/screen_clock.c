/* SPDX-License-Identifier: MIT */
#include "screen_clock.h"
#include "clock.h"

#define LATE_NS (50 * NS_PER_MS) /* a blank that is so late does not come */

void screen_clock_init(struct screen_clock *clock, uint64_t period_ns)
{
	*clock = (struct screen_clock) { .period_ns = period_ns, .card = -1 };
}

void screen_clock_new_card(struct screen_clock *clock)
{
	clock->vblank = (struct kms_vblank) { 0 };
}

void screen_clock_set(struct screen_clock *clock, uint64_t next_ns)
{
	kms_vblank_rest(&clock->vblank);
	clock->next_ns = next_ns;
}

void screen_clock_changed(struct screen_clock *clock, uint64_t look_ns)
{
	clock->changed_ns = look_ns;
}

void screen_clock_stirred(struct screen_clock *clock, uint64_t look_ns)
{
	clock->stirred_ns = look_ns;
}

bool screen_clock_is_moving(const struct screen_clock *clock, uint64_t now_ns)
{
	return clock_elapsed_ns(clock->changed_ns, now_ns) < 2 * clock->period_ns;
}

/* How many blanks are nearest to a period. */
static uint32_t blanks_in(uint64_t period_ns, uint64_t refresh_ns)
{
	uint64_t blanks = (period_ns + refresh_ns / 2) / refresh_ns;

	return blanks ? (uint32_t)blanks : 1;
}

void screen_clock_plan(struct screen_clock *clock, const struct screen_beat *beat, uint64_t look_ns)
{
	bool is_at_rest = clock_elapsed_ns(clock->changed_ns, look_ns) >= SCREEN_REST_NS &&
	                  clock_elapsed_ns(clock->stirred_ns, look_ns) >= SCREEN_REST_NS;
	uint64_t period_ns = clock->period_ns * (is_at_rest ? SCREEN_REST_PERIODS : 1);

	clock->next_ns += period_ns;
	if (clock->next_ns <= look_ns || clock->next_ns > look_ns + period_ns) {
		clock->next_ns = look_ns + period_ns;
	}
	clock->card = beat->card;
	if (is_at_rest || beat->refresh_ns == 0) {
		kms_vblank_rest(&clock->vblank);
	} else {
		uint32_t every = blanks_in(period_ns, beat->refresh_ns);

		if (kms_vblank_ask(&clock->vblank, beat->card, beat->crtc, every, look_ns)) {
			clock->next_ns = clock_now_ns() + every * beat->refresh_ns + LATE_NS;
		}
	}
}

bool screen_clock_is_due_by(const struct screen_clock *clock, uint64_t end_ns)
{
	/* Looks may take longer than a period; then the next one is due already. */
	return clock->next_ns <= end_ns && clock_now_ns() < end_ns;
}

bool screen_clock_wait(struct screen_clock *clock, uint64_t end_ns)
{
	uint64_t until_ns = clock->next_ns < end_ns ? clock->next_ns : end_ns;
	bool was_awaited = clock->vblank.is_awaited;

	if (was_awaited && kms_vblank_wait(&clock->vblank, clock->card, until_ns)) {
		clock->vblanks++;
		return true;
	}
	if (clock_now_ns() < until_ns) {
		clock_sleep_until_ns(until_ns);
	}
	if (clock_now_ns() < clock->next_ns) {
		return false;
	}
	if (was_awaited) {
		kms_vblank_doubt(&clock->vblank, clock_now_ns());
	}
	return true;
}
