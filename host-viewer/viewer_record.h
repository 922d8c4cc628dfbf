/* SPDX-License-Identifier: MIT */
/*
 * What the consumer measured: a CSV row a frame that it met, every duration kept, and the summary.
 * docs/measuring.md defines each column and figure.
 */
#ifndef ORIEL_VIEWER_RECORD_H
#define ORIEL_VIEWER_RECORD_H

#include "complaint.h"
#include "csv.h"
#include "frame.h"
#include "latency.h"
#include "link.h"
#include "ring_reader.h"
#include "samples.h"
#include "size_table.h"
#include "wakeup.h"

#include <jansson.h>
#include <stdint.h>

struct viewer_options;

/* The consumer's stages of one frame, on the consumer's clock. */
struct viewer_times {
	uint64_t seen_ns;      /* it was noticed */
	uint64_t verified_ns;  /* it was copied, and judged */
	uint64_t presented_ns; /* the sink had it; 0 = it never got there */
	struct latency latency;
};

struct viewer_record {
	struct csv_output csv;
	struct size_table sizes;
	struct samples verify_ns;
	struct samples present_ns;
	struct samples interval_ns;
	struct samples notify_ns;
	struct samples frame_latency_ns;
	struct samples due_latency_ns;
	uint64_t
	        clock_bound_ns; /* the largest that any of these was told with; CSV_NA = none was */
	uint64_t last_verified_ns;
	uint64_t last_sequence;
	uint64_t last_epoch;
	const char *digest; /* of the last frame */
};

/*
 * Opens the CSV where one is asked for. A disk that is full already costs the CSV and a warning;
 * then close says -ENOSPC. returns: 0 or -errno with the complaint filled
 */
int viewer_record_open(struct viewer_record *record, const char *csv_path, struct complaint *why);

/* Notes one frame down, whatever became of it: READER_FRAME, _TORN, _STALE or _BAD. */
void viewer_record_frame(struct viewer_record *record, const struct frame *frame,
        enum reader_result result, enum digest_algorithm digest, const struct viewer_times *times);

/* Closes the CSV. 0, or -errno when rows were lost. */
int viewer_record_close(struct viewer_record *record);

/* The whole run as one JSON object. New reference. */
json_t *viewer_record_summary(struct viewer_record *record, const struct viewer_options *options,
        const struct link *link, const struct copier *copier, const struct wakeup *wakeup);

/* A few lines for a person on standard output. */
void viewer_record_print(struct viewer_record *record, const struct link *link);

void viewer_record_finish(struct viewer_record *record);

#endif
