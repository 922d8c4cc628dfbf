/* SPDX-License-Identifier: MIT */
/*
 * The picture in the window: one streaming texture that takes frames of any of our formats, to the
 * exact 8-bit colours of pixel_format_to_rgb(). Called by sink_window.c, on its thread.
 *
 * The four formats of four 8-bit channels lie in memory as SDL's textures do and go up as they are.
 * No SDL renderer has textures of the others, and its own conversion of 565 rounds otherwise than
 * ours; they are converted here, straight into the texture.
 */
#ifndef ORIEL_WINDOW_PICTURE_H
#define ORIEL_WINDOW_PICTURE_H

#include "complaint.h"
#include "frame.h"
#include "pixel_format.h"
#include "window_layout.h"

#include <SDL.h>

#define PICTURE_CHANNEL_BITS_MAX 10u

/* How a frame gets into the texture. */
enum picture_route {
	PICTURE_DIRECT, /* the texture's layout is the frame's */
	PICTURE_WIDEN,  /* three bytes become four in the same order */
	PICTURE_LOOKUP, /* each channel through its table */
};

struct window_picture {
	SDL_Renderer *renderer; /* borrowed */
	SDL_Texture *texture;   /* NULL: no picture */
	struct frame_info info; /* of the texture */
	uint64_t epoch;         /* of the frame in it */
	uint64_t sequence;
	const struct pixel_format *format;
	enum picture_route route;
	/* Channel value -> its 8 bits in their place in a word of the texture: red, green, blue. */
	uint32_t lookup[3][1u << PICTURE_CHANNEL_BITS_MAX];
};

void window_picture_init(struct window_picture *picture, SDL_Renderer *renderer);
void window_picture_finish(struct window_picture *picture);

/*
 * Takes a frame in: what changed since the frame before, if that is known. A new texture is made
 * only when format, width or height changed.
 * returns: 0 or -errno with the complaint filled: the renderer cannot hold such a picture, and
 *          there is none from now on
 */
int window_picture_take(
        struct window_picture *picture, const struct frame *frame, struct complaint *why);

/* There is no picture from now on. */
void window_picture_forget(struct window_picture *picture);

/* Draws it into the rectangle, unfiltered when its pixels are whole there. There must be one. */
void window_picture_draw(struct window_picture *picture, const struct layout_rect *rect);

/*
 * Reads the picture's own pixels back, unscaled, through a texture of its size.
 * info:    of what is returned: xrgb8888 without padding
 * returns: pixels for the caller to free(), NULL when the renderer cannot or memory is short
 */
uint32_t *window_picture_read(struct window_picture *picture, struct frame_info *info);

#endif
