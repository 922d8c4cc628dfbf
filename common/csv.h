/* SPDX-License-Identifier: MIT */
/*
 * Rows for other programs: RFC 4180 with LF, a header row, NA where a value is missing.
 *
 * csv_row() only copies values into a queue; a thread of this module's own formats and writes whole
 * lines. A disk that is full costs the file, not a frame: one warning, and the file ends at a whole
 * line. The queue holds CSV_QUEUE_ROWS; rows that find it full are counted and named at the end.
 */
#ifndef ORIEL_CSV_H
#define ORIEL_CSV_H

#include "complaint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_COLUMNS_MAX 40u
#define CSV_QUEUE_ROWS  65536u
#define CSV_NA          UINT64_MAX

enum csv_kind {
	CSV_COUNT, /* decimal */
	CSV_HEX,   /* 16 hexadecimal digits */
	CSV_TEXT,  /* value is a pointer to a text that outlives the file, as uintptr_t; 0 = NA */
};

struct csv_column {
	const char *name; /* ends in its unit: published_ns */
	enum csv_kind kind;
};

struct csv;

/* Opens (and truncates) path and writes the header row. 0 or -errno with the complaint filled. */
int csv_create(struct csv **out, const char *path, const struct csv_column *columns,
        size_t column_count, struct complaint *why);

/* values: column_count of them, CSV_NA for missing. One thread. Never blocks, never fails. */
void csv_row(struct csv *csv, const uint64_t *values);

/* Writes what is queued and closes. returns: 0, or -errno when rows were lost (it was logged). */
int csv_destroy(struct csv *csv);

/* The file of an option that may not have been given, and that nothing else may fail for. */
struct csv_output {
	struct csv *csv; /* NULL: none was asked for, or it is left out */
	int error;       /* -errno when rows were lost, or all of it */
};

/*
 * path: NULL = none was asked for
 * returns: 0, also when the disk is full from the start (one warning; output->error says so), or
 *          -errno with the complaint filled
 */
int csv_output_open(struct csv_output *output, const char *path, const struct csv_column *columns,
        size_t column_count, struct complaint *why);

/* returns: output->error. Fine more than once, and without a file. */
int csv_output_close(struct csv_output *output);

/* A value for csv_row() where 0 stands for: not taken, not known. */
static inline uint64_t csv_or_na(uint64_t value)
{
	return value ? value : CSV_NA;
}

#endif
