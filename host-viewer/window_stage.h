/* SPDX-License-Identifier: MIT */
/*
 * The SDL window and its renderer: how they are opened, sized and closed. Called by sink_window.c.
 */
#ifndef ORIEL_WINDOW_STAGE_H
#define ORIEL_WINDOW_STAGE_H

#include "complaint.h"
#include "window_layout.h"

#include <SDL.h>
#include <stdbool.h>

struct window_stage {
	SDL_Window *window;
	SDL_Renderer *renderer;
	const char *renderer_name;  /* SDL's */
	struct layout_size opening; /* window points, as it was opened */
};

/*
 * renderer: SDL's name of one, NULL for the first that works
 * returns:  0; -ENODEV no display; -EINVAL no such renderer; -EIO; complaint filled
 */
int window_stage_open(struct window_stage *stage, const char *renderer, struct complaint *why);

/* A stage that is all zero is fine. */
void window_stage_close(struct window_stage *stage);

/* What can be drawn on, in pixels. */
struct layout_size window_stage_area(const struct window_stage *stage);

/* Pixels per window point, in percent. */
int window_stage_scale_percent(const struct window_stage *stage);

/*
 * Gives the window the size that fits the first picture, in the middle of its display; leaves it
 * alone when somebody (a person, a tiling window manager) has sized it since it was opened.
 */
void window_stage_fit(struct window_stage *stage, struct layout_size picture);

bool window_stage_is_fullscreen(const struct window_stage *stage);
void window_stage_set_fullscreen(struct window_stage *stage, bool on);

/*
 * A descriptor that is readable once the window system has events for us; -1 where there is none.
 * Only after SDL_PumpEvents() found nothing more: what was read already is in a queue.
 */
int window_stage_events_fd(const struct window_stage *stage);

/* Nobody sees it: minimised or hidden. */
bool window_stage_is_unseen(const struct window_stage *stage);

#endif
