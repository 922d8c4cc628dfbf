/* SPDX-License-Identifier: MIT */
/*
 * A buffer that a screen can show, and drawing into it; for draw_screen.c.
 */
#ifndef ORIEL_DRAW_BUFFER_H
#define ORIEL_DRAW_BUFFER_H

#include <drm_fourcc.h>
#include <stddef.h>
#include <stdint.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

struct draw_buffer {
	uint8_t *bytes; /* NULL: none */
	size_t size;
	int fd;
	uint32_t id;
	uint32_t handle;
	uint32_t pitch;
	uint32_t width;
	uint32_t height;
	uint32_t fourcc;
};

/* padding: pixels by which a row is longer than the picture. returns: 0 or -errno */
int draw_buffer_make(struct draw_buffer *buffer, int fd, uint32_t width, uint32_t height,
        uint32_t padding, uint32_t fourcc);
void draw_buffer_drop(struct draw_buffer *buffer);

/* Of the pattern that draw_screen.c tells; padding gets what must never be seen. */
void draw_buffer_fill(struct draw_buffer *buffer, uint32_t seed);

/* colour: 0xRRGGBB. What lies outside is left out. */
void draw_buffer_rect(struct draw_buffer *buffer, uint32_t x, uint32_t y, uint32_t width,
        uint32_t height, uint32_t colour);

/* A paravirtual screen wants to be told. returns: 0 or -errno */
int draw_buffer_flush(const struct draw_buffer *buffer);

#endif
