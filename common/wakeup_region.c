/* SPDX-License-Identifier: MIT */
#include "wakeup_region.h"

#include <errno.h>

int wakeup_open_doorbell(struct region *region, enum wakeup_way way, struct complaint *why)
{
	why->text[0] = '\0';
	if (region_open_doorbell(region, why) == 0) {
		*why = region->doorbell->why_deaf;
	}
	return way == WAKEUP_DOORBELL && why->text[0] ? -ENOTSUP : 0;
}

json_t *wakeup_summary(
        const struct wakeup *wakeup, const struct doorbell *doorbell, const char *why_deaf)
{
	const struct wakeup_counts *counts = &wakeup->counts;
	json_t *summary = json_pack("{ss ss sI sI sI sI sI sI sI}", "asked",
	        wakeup_way_name(wakeup->way), "way", wakeup_in_use(wakeup, clock_now_ns()), "waits",
	        (json_int_t)counts->waits, "sleeps", (json_int_t)counts->sleeps, "rung",
	        (json_int_t)counts->rung, "spurious", (json_int_t)counts->spurious, "timeouts",
	        (json_int_t)counts->timeouts, "lost", (json_int_t)counts->lost, "masks",
	        (json_int_t)counts->masks);

	json_object_set_new(
	        summary, "doorbell", doorbell ? json_string(doorbell->ops->name) : json_null());
	json_object_set_new(summary, "peer", doorbell ? json_integer(doorbell->peer) : json_null());
	json_object_set_new(
	        summary, "rings_sent", json_integer(doorbell ? (json_int_t)doorbell->rings : 0));
	json_object_set_new(
	        summary, "why_no_doorbell", *why_deaf ? json_string(why_deaf) : json_null());
	return summary;
}
