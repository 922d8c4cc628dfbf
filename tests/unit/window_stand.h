/* SPDX-License-Identifier: MIT */
/*
 * A window for tests, without a display: SDL's dummy driver (its offscreen driver loads EGL, whose
 * leaks are not ours), the software renderer, frames of noise, and what the window shows read back
 * and compared with what pixel_format_to_rgb() makes of the source. Every helper fails the test
 * that calls it.
 */
#ifndef ORIEL_WINDOW_STAND_H
#define ORIEL_WINDOW_STAND_H

#include "sink_window.h"

#include <SDL.h>
#include <stdint.h>

struct window_stand {
	struct sink *sink;
	struct frame frame;
	struct view_status status; /* live at first */
	uint8_t *pixels;           /* of the frame */
	uint32_t *shown;           /* xrgb8888, of the last look */
	int width, height;         /* of shown */
};

extern const struct sink_request window_stand_software;

/* Before everything: no display is asked for. */
void window_stand_prepare(void);

void window_stand_open(struct window_stand *stand, const struct sink_request *request);
void window_stand_close(struct window_stand *stand);

enum sink_result window_stand_tick(struct window_stand *stand);
enum sink_result window_stand_show(struct window_stand *stand);

/* Makes another frame of noise; padding: bytes beyond the smallest stride. */
void window_stand_draw(struct window_stand *stand, const char *format_name, uint32_t width,
        uint32_t height, uint32_t padding);

/* Shows another frame of noise in a window of its size. */
void window_stand_show_noise(struct window_stand *stand, const char *format_name, uint32_t width,
        uint32_t height, uint32_t padding);

/* Reads back what is shown. */
void window_stand_look(struct window_stand *stand);

/* Looks. How many pixels differ from the frame, which lies at (left, top), scale times as large? */
uint64_t window_stand_differences(struct window_stand *stand, int left, int top, int scale);

/* Looks. The frame and nothing else is shown. */
void window_stand_assert_exact(struct window_stand *stand);

/* Looks. How many pixels are white: letters are, a black or darkened window is not. */
uint64_t window_stand_white(struct window_stand *stand);

void window_stand_press(SDL_Keycode key);

#endif
