/* SPDX-License-Identifier: MIT */
/*
 * The sink with a window (SDL2). Picked through sink_by_name().
 *
 * Events are looked at in frame() and tick() alone. The window is drawn anew only when a frame, a
 * word, a number or the window itself changed, so one that shows nothing new costs nothing. A frame
 * while the link was not live makes it live until the next tick(): it is the better witness.
 *
 * A picture that outlived its session (waiting, other version, quarantined, lost) is dropped, so
 * that it cannot be taken for the first frame of the next one.
 */
#ifndef ORIEL_SINK_WINDOW_H
#define ORIEL_SINK_WINDOW_H

#include "sink.h"

#include <SDL.h>

extern const struct sink_ops sink_window_ops;

/* What tests look at; the window stays the sink's. */
SDL_Window *sink_window_handle(struct sink *sink);

/* How often the window was drawn and presented. */
uint64_t sink_window_presents(struct sink *sink);

/*
 * Draws what the window shows now, reads it back and does not present it.
 * pixels:  xrgb8888, row after row, room for capacity of them
 * returns: 0; -ENOBUFS; -EIO
 */
int sink_window_read_pixels(
        struct sink *sink, uint32_t *pixels, size_t capacity, int *width, int *height);

#endif
