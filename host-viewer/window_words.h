/* SPDX-License-Identifier: MIT */
/*
 * How things stand, in words: for the middle of the window and for its title. A picture that may be
 * old never looks like a live one: it is darkened or not shown, and words say why.
 */
#ifndef ORIEL_WINDOW_WORDS_H
#define ORIEL_WINDOW_WORDS_H

#include "frame.h"
#include "sink.h"

#include <stdbool.h>
#include <stddef.h>

#define WINDOW_WORDS_SIZE 512u

/* What becomes of the picture we have. */
enum picture_look {
	PICTURE_PLAIN,  /* live and idle: untouched */
	PICTURE_DARK,   /* stale, paused, ended: the last one, darkened under the words */
	PICTURE_HIDDEN, /* everything else: words on black */
};

enum picture_look window_words_look(enum link_state state);

/*
 * Writes the words for the middle of the window, lines separated by LF; "" when nothing is to be
 * said. Control characters of outside values become '?'.
 *
 * no_picture: why there is none to show while we are live, or NULL when there is one
 */
void window_words(
        const struct view_status *status, const char *no_picture, char text[WINDOW_WORDS_SIZE]);

/*
 * Writes the window's title: size and rate of a live picture, else the first line of the words.
 * info: of the picture, NULL when there is none
 */
void window_words_title(const struct view_status *status, const struct frame_info *info,
        const char *words, char text[WINDOW_WORDS_SIZE]);

#endif
