/* SPDX-License-Identifier: MIT */
/*
 * The view loop: ring_reader -> sink. It is the only driver of both. A frame reaches the sink only
 * after it was verified.
 */
#ifndef ORIEL_VIEW_H
#define ORIEL_VIEW_H

#include "clock_question.h"
#include "complaint.h"
#include "latency.h"
#include "link.h"
#include "meter.h"
#include "sink.h"
#include "view_early.h"
#include "view_pointer.h"
#include "viewer_options.h"
#include "viewer_record.h"
#include "wakeup.h"

#include <stdbool.h>

enum view_result {
	VIEW_DONE,    /* limits reached, the stream ended, the user closed the window, a signal */
	VIEW_NO_PEER, /* nobody produced within the time */
	VIEW_OTHER_VERSION,
	VIEW_REGION,    /* what lies in the region cannot be used */
	VIEW_INTEGRITY, /* the producer is quarantined */
	VIEW_FAILED,    /* the complaint says how */
};

struct view {
	const struct viewer_options *options;
	struct link *link;
	struct copier *copier;
	struct sink *sink;
	struct viewer_record *record;
	struct wakeup wakeup;
	struct meter meter;
	struct clock_question clock;
	struct latency latency; /* of the last frame */
	uint8_t *pixels;        /* the private copy */
	size_t capacity;        /* bytes */
	struct view_pointer pointer;
	struct view_early early;

	uint64_t first_ns; /* the first verified frame; 0 = none yet */
	uint64_t alive_ns; /* when a live producer was last seen, or the start */
	uint64_t next_tick_ns;
	uint64_t next_meter_ns;
	uint64_t next_progress_ns;
	unsigned quiet; /* waits in a row that came to nothing */
	struct meter_reading reading;
	enum link_state told; /* the state that was last logged */
	struct complaint told_detail;
};

/* Runs until there is nothing more to do. All members down to record are set by the caller. */
enum view_result view_run(struct view *view, struct complaint *why);

/* Gives back what view_run() allocated. */
void view_finish(struct view *view);

#endif
