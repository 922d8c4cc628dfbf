/* SPDX-License-Identifier: MIT */
/*
 * The capture loop: source -> ring_writer. It is the only driver of both.
 *
 * With nobody attached a source that draws on demand is asked for one frame a second, so that a
 * late viewer has a picture at once; a live source is always followed.
 */
#ifndef ORIEL_CAPTURE_H
#define ORIEL_CAPTURE_H

#include "capture_options.h"
#include "capture_record.h"
#include "complaint.h"
#include "pacer.h"
#include "ring_writer.h"
#include "source.h"
#include "wakeup.h"

#include <stdbool.h>

enum capture_result {
	CAPTURE_DONE,    /* limits reached, source at its end, or asked to stop */
	CAPTURE_DEPOSED, /* another producer took over */
	CAPTURE_FAILED,  /* the complaint says how */
};

struct capture {
	const struct capture_options *options;
	struct ring_writer *writer;
	struct copier *copier;
	struct source *source;
	struct capture_record *record;
	struct heartbeat *heartbeat;
	struct doorbell *doorbell; /* NULL: none */
	struct pacer pacer;
	struct wakeup wakeup; /* waiting for a slot in lossless mode, or for anybody at all */
	unsigned quiet;       /* turns in a row without a frame */
	/* the size that is being captured */
	struct frame_info info;
	uint64_t size_frames;
	uint64_t size_start_ns;
	uint64_t published_ns; /* the last frame; 0 = none yet */
	bool told_alone;
	bool is_too_large;           /* the source's frames, for this region */
	struct frame_info too_large; /* what was said of last */
	uint32_t state;              /* RING_STATE_* as it was last said */
};

/* All members down to doorbell are set by the caller. Once, before the others. */
void capture_init(struct capture *capture);

/* Waits until a consumer is attached. returns: false when none came within the time */
bool capture_wait_for_consumer(struct capture *capture, uint64_t timeout_ns);

/* Captures until there is nothing more to do. */
enum capture_result capture_run(struct capture *capture, struct complaint *why);

#endif
