/* SPDX-License-Identifier: MIT */
/*
 * What the person at the window asks for: one event in, at most one wish out. Knows neither the
 * window nor the picture.
 */
#ifndef ORIEL_WINDOW_KEYS_H
#define ORIEL_WINDOW_KEYS_H

#include <SDL.h>

enum window_wish {
	WISH_NONE,
	WISH_QUIT,       /* Q, the window's close button */
	WISH_BACK,       /* Esc: out of fullscreen, else quit */
	WISH_FULLSCREEN, /* F, double click */
	WISH_OVERLAY,    /* O */
	WISH_SNAPSHOT,   /* S */
	WISH_REPAINT,    /* the window lost what was drawn, or changed its size */
};

/* Repeats of a key that is held and keys with Ctrl, Alt or the GUI key are not ours. */
enum window_wish window_wish_of(const SDL_Event *event);

#endif
