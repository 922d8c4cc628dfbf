/* SPDX-License-Identifier: MIT */
/*
 * The mouse pointer in the window: a texture that is drawn over the picture, to its scale. Called
 * by sink_window.c, on its thread.
 */
#ifndef ORIEL_WINDOW_POINTER_H
#define ORIEL_WINDOW_POINTER_H

#include "pointer.h"
#include "window_layout.h"

#include <SDL.h>

struct window_pointer {
	SDL_Renderer *renderer; /* borrowed */
	SDL_Texture *texture;   /* of the shape; NULL: none yet, or it could not be made */
	struct pointer pointer; /* its shape has no pixels any more */
};

void window_pointer_init(struct window_pointer *window, SDL_Renderer *renderer);
void window_pointer_finish(struct window_pointer *window);

/* Its shape is taken over where it has one, else it is the one before. */
void window_pointer_take(struct window_pointer *window, const struct pointer *pointer);

/* Draws it over a picture of this size that fills rect, and nowhere else. */
void window_pointer_draw(const struct window_pointer *window, struct layout_size size,
        const struct layout_rect *rect);

#endif
