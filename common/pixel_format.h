/* SPDX-License-Identifier: MIT */
/*
 * The pixel formats Oriel carries, under libdrm's names and numbers.
 *
 * DRM names a format by the bits of a little-endian word: xrgb8888 lies in memory as B G R X, and
 * rgb888 as B G R. ffmpeg and SDL name some of them by bytes; the table holds ffmpeg's name too.
 */
#ifndef ORIEL_PIXEL_FORMAT_H
#define ORIEL_PIXEL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

struct pixel_format {
	uint32_t fourcc;    /* DRM_FORMAT_* */
	const char *name;   /* libdrm's, in lower case */
	const char *ffmpeg; /* -pix_fmt, for handing frames on */
	uint8_t bytes;      /* per pixel: 2, 3 or 4 */
	/* Where each colour's lowest bit lies in the little-endian word, and how many bits it has.
	 */
	uint8_t red_shift, red_bits;
	uint8_t green_shift, green_bits;
	uint8_t blue_shift, blue_bits;
};

/* NULL when Oriel does not carry it. */
const struct pixel_format *pixel_format_by_fourcc(uint32_t fourcc);
const struct pixel_format *pixel_format_by_name(const char *name);

/* The i-th format, NULL after the last: for help texts and tests. */
const struct pixel_format *pixel_format_at(size_t index);

/* All names, comma separated, for messages. Static storage that never changes. */
const char *pixel_format_names(void);

/* Smallest stride Oriel uses for a width: whole pixels, rounded up to a multiple of 4 bytes. */
uint32_t pixel_format_stride(const struct pixel_format *format, uint32_t width);

/* A colour of 8 bits a channel as this format's word; unused bits are 1, so alpha is opaque. */
uint32_t pixel_format_pack(
        const struct pixel_format *format, uint8_t red, uint8_t green, uint8_t blue);

/*
 * Turns one row into packed 8-bit R G B, three bytes a pixel, dropping alpha. Channels with other
 * than 8 bits are scaled to the full range.
 */
void pixel_format_to_rgb(
        const struct pixel_format *format, const uint8_t *row, uint32_t width, uint8_t *rgb);

#endif
