/* SPDX-License-Identifier: MIT */
/*
 * Which doorbell a program waits by: what --wakeup asked for meets what the region has.
 */
#ifndef ORIEL_WAKEUP_REGION_H
#define ORIEL_WAKEUP_REGION_H

#include "complaint.h"
#include "region.h"
#include "wakeup.h"

#include <jansson.h>

/*
 * Opens the region's doorbell if it has one; to ring the other side it is wanted whatever the way
 * of waking.
 *
 * returns: 0; -ENOTSUP: the way is WAKEUP_DOORBELL and nothing can ring us here. The complaint says
 *          why we cannot be rung, also on 0; it is empty when we can.
 */
int wakeup_open_doorbell(struct region *region, enum wakeup_way way, struct complaint *why);

/*
 * For run.json: what was asked for, what is in use, why it is not a doorbell, and the counts. New
 * reference.
 */
json_t *wakeup_summary(
        const struct wakeup *wakeup, const struct doorbell *doorbell, const char *why_deaf);

#endif
