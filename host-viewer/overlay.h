/* SPDX-License-Identifier: MIT */
/*
 * The numbers over the picture: what stands in the box that O shows and hides.
 */
#ifndef ORIEL_OVERLAY_H
#define ORIEL_OVERLAY_H

#include "frame.h"
#include "sink.h"

#define OVERLAY_TEXT_SIZE 768u

/*
 * Writes the lines, separated by LF, for a font of one width. What is not known is NA, never 0.
 * info: of the last picture, NULL when there was none
 */
void overlay_write(const struct view_status *status, const struct frame_info *info,
        char text[OVERLAY_TEXT_SIZE]);

#endif
