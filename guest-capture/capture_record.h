/* SPDX-License-Identifier: MIT */
/*
 * What the producer measured: a CSV row a frame, every duration kept, and the summary.
 * docs/measuring.md defines each column and figure.
 */
#ifndef ORIEL_CAPTURE_RECORD_H
#define ORIEL_CAPTURE_RECORD_H

#include "complaint.h"
#include "copy_digest.h"
#include "csv.h"
#include "frame.h"
#include "region.h"
#include "samples.h"
#include "size_table.h"

#include <stdint.h>

struct capture_options;
struct ring_writer;

struct capture_record {
	struct csv_output csv;
	struct size_table sizes;
	struct samples fill_ns;
	struct samples wait_ns;
	struct samples copy_ns;
	struct samples publish_ns;
	struct {
		uint64_t waited_for_space; /* frames that did not find a slot at once */
		uint64_t uncertain;        /* these three: see source.h */
		uint64_t looks;
		uint64_t vblanks;
	} counts;
};

/*
 * Opens the CSV where one is asked for. A disk that is full already costs the CSV and a warning;
 * then close says -ENOSPC. returns: 0 or -errno with the complaint filled
 */
int capture_record_open(struct capture_record *record, const char *csv_path, struct complaint *why);

/* Notes one published frame down; done_ns is when publish returned. Allocates nothing it can avoid.
 */
void capture_record_frame(struct capture_record *record, const struct frame *frame,
        uint64_t done_ns, enum digest_algorithm digest);

/* Closes the CSV. 0, or -errno when rows were lost. */
int capture_record_close(struct capture_record *record);

/* The whole run as one JSON object. New reference. */
json_t *capture_record_summary(struct capture_record *record, const struct capture_options *options,
        const struct ring_writer *writer, const struct region *region, const struct copier *copier);

void capture_record_finish(struct capture_record *record);

#endif
