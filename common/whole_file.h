/* SPDX-License-Identifier: MIT */
/*
 * A file that others see whole or not at all: written beside its path and renamed over it.
 * A path that is a device or a pipe is written directly.
 */
#ifndef ORIEL_WHOLE_FILE_H
#define ORIEL_WHOLE_FILE_H

#include "complaint.h"

#include <stdio.h>

#define WHOLE_FILE_PATH_SIZE 4096

struct whole_file {
	FILE *stream; /* write here */
	const char *path;
	char made[WHOLE_FILE_PATH_SIZE]; /* what is renamed; "" for a device */
};

/*
 * Could it be written now? For a complaint at the start of a run instead of at its end. Leaves
 * nothing behind. returns: 0 or -errno with the complaint filled
 */
int whole_file_check(const char *path, struct complaint *why);

/* path: stays the caller's until whole_file_end(). returns: 0 or -errno with the complaint filled
 */
int whole_file_begin(struct whole_file *file, const char *path, struct complaint *why);

/*
 * Closes the file. Puts it in place when error is 0 and every byte was taken, else removes it.
 *
 * error:   0, or the -errno of whoever wrote, which is complained of
 * returns: 0 or -errno with the complaint filled
 */
int whole_file_end(struct whole_file *file, int error, struct complaint *why);

#endif
