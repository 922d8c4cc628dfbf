/* SPDX-License-Identifier: MIT */
/*
 * The summary of a run as JSON: objects with numbers, texts and NA, written whole or not at all.
 */
#ifndef ORIEL_SUMMARY_H
#define ORIEL_SUMMARY_H

#include "complaint.h"
#include "samples.h"

#include <jansson.h>

/* {p50 p90 p95 p99 p999 max min mean count}, JSON null where there is no value. New reference. */
json_t *summary_percentiles(struct samples *samples);

/*
 * Writes to a new file beside path and renames it over path, so that a reader sees all or nothing.
 * returns: 0 or -errno with the complaint filled. Takes no reference.
 */
int summary_write(json_t *summary, const char *path, struct complaint *why);

#endif
