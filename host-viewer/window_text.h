/* SPDX-License-Identifier: MIT */
/*
 * Text over the picture: white on a half-transparent black box, so that it can be read on any.
 * Called by sink_window.c, on its thread.
 *
 * A label keeps its text as a texture and renders it anew only when the text, its width or the
 * scale changed. Without a font everything works and draws nothing.
 */
#ifndef ORIEL_WINDOW_TEXT_H
#define ORIEL_WINDOW_TEXT_H

#include "window_layout.h"

#include <SDL.h>
#include <SDL_ttf.h>
#include <stdbool.h>

#define LABEL_TEXT_SIZE 768u
#define LABELS_MAX      3

struct window_font {
	SDL_Renderer *renderer; /* borrowed */
	TTF_Font *font;         /* NULL: none to be had */
	int scale_percent;      /* output pixels per window point */
};

struct window_label {
	char text[LABEL_TEXT_SIZE]; /* "": nothing is drawn */
	int points;                 /* height of the letters at 100 % */
	int wrap;                   /* pixels after which lines are broken, 0 = only at LF */
	SDL_Texture *texture;       /* of the text as it was rendered; NULL: not rendered */
	struct layout_size size;    /* of the texture */
	int rendered_wrap;
	int rendered_percent;
};

/*
 * Finds a font of one width through fontconfig, DejaVu Sans Mono where there is a choice.
 * returns: false when there is none; one warning has named the package
 */
bool window_font_init(struct window_font *font, SDL_Renderer *renderer);
void window_font_finish(struct window_font *font);

void window_label_init(struct window_label *label, int points);
void window_label_finish(struct window_label *label);

/* returns: true when this is another text than before, so that the window must be drawn */
bool window_label_set(struct window_label *label, const char *text);

/* Where a label goes in an area. */
enum label_place {
	LABEL_TOP_LEFT,
	LABEL_MIDDLE, /* or below what is there already */
	LABEL_BOTTOM_LEFT,
};

/* The boxes that were drawn over one picture. */
struct label_boxes {
	SDL_Rect boxes[LABELS_MAX];
	int count;
};

/*
 * Draws a label and adds its box to taken. One that would lie over a box drawn before it is left
 * out: in a small window some words that can be read are better than all of them in one heap.
 */
void window_label_draw(struct window_label *label, struct window_font *font, enum label_place place,
        struct layout_size area, struct label_boxes *taken);

#endif
