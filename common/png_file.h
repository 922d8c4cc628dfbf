/* SPDX-License-Identifier: MIT */
/*
 * Writes a frame as a PNG, 8-bit RGB, through libpng. Whole or not at all: a new file beside the
 * path that is renamed over it.
 */
#ifndef ORIEL_PNG_FILE_H
#define ORIEL_PNG_FILE_H

#include "complaint.h"
#include "frame.h"

/* 0 or -errno with the complaint filled. */
int png_file_write(
        const char *path, const struct frame_info *info, const void *pixels, struct complaint *why);

#endif
