/* SPDX-License-Identifier: MIT */
#include "pixel_format.h"

#include <drm_fourcc.h>
#include <string.h>

#define FORMATS(X) \
	X(DRM_FORMAT_XRGB8888, "xrgb8888", "bgr0", 4, 16, 8, 8, 8, 0, 8) \
	X(DRM_FORMAT_ARGB8888, "argb8888", "bgra", 4, 16, 8, 8, 8, 0, 8) \
	X(DRM_FORMAT_XBGR8888, "xbgr8888", "rgb0", 4, 0, 8, 8, 8, 16, 8) \
	X(DRM_FORMAT_ABGR8888, "abgr8888", "rgba", 4, 0, 8, 8, 8, 16, 8) \
	X(DRM_FORMAT_RGB888, "rgb888", "bgr24", 3, 16, 8, 8, 8, 0, 8) \
	X(DRM_FORMAT_BGR888, "bgr888", "rgb24", 3, 0, 8, 8, 8, 16, 8) \
	X(DRM_FORMAT_RGB565, "rgb565", "rgb565le", 2, 11, 5, 5, 6, 0, 5) \
	X(DRM_FORMAT_XRGB2101010, "xrgb2101010", "x2rgb10le", 4, 20, 10, 10, 10, 0, 10)

#define AS_ENTRY(fourcc, name, ffmpeg, bytes, rs, rb, gs, gb, bs, bb) \
	{ fourcc, name, ffmpeg, bytes, rs, rb, gs, gb, bs, bb },
#define AS_NAME(fourcc, name, ...) ", " name

static const struct pixel_format formats[] = { FORMATS(AS_ENTRY) };
static const char format_names[] = FORMATS(AS_NAME);

const struct pixel_format *pixel_format_at(size_t index)
{
	return index < sizeof(formats) / sizeof(formats[0]) ? &formats[index] : NULL;
}

const struct pixel_format *pixel_format_by_fourcc(uint32_t fourcc)
{
	for (size_t i = 0; pixel_format_at(i); i++) {
		if (formats[i].fourcc == fourcc) {
			return &formats[i];
		}
	}
	return NULL;
}

const struct pixel_format *pixel_format_by_name(const char *name)
{
	for (size_t i = 0; pixel_format_at(i); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			return &formats[i];
		}
	}
	return NULL;
}

const char *pixel_format_names(void)
{
	return format_names + strlen(", ");
}

uint32_t pixel_format_stride(const struct pixel_format *format, uint32_t width)
{
	return (width * format->bytes + 3u) & ~3u;
}

static uint32_t channel_pack(uint8_t value, uint8_t shift, uint8_t bits)
{
	/* Repeating the byte fills any width up to 16 bits with the full range. */
	uint32_t wide = value * 0x0101u;

	return (wide >> (16 - bits)) << shift;
}

uint32_t pixel_format_pack(
        const struct pixel_format *format, uint8_t red, uint8_t green, uint8_t blue)
{
	uint32_t all = channel_pack(0xff, format->red_shift, format->red_bits) |
	               channel_pack(0xff, format->green_shift, format->green_bits) |
	               channel_pack(0xff, format->blue_shift, format->blue_bits);

	return ~all | channel_pack(red, format->red_shift, format->red_bits) |
	       channel_pack(green, format->green_shift, format->green_bits) |
	       channel_pack(blue, format->blue_shift, format->blue_bits);
}

static uint8_t channel_unpack(uint32_t word, uint8_t shift, uint8_t bits)
{
	uint32_t most = (1u << bits) - 1;
	uint32_t value = (word >> shift) & most;

	return (uint8_t)((value * 255u + most / 2) / most);
}

void pixel_format_to_rgb(
        const struct pixel_format *format, const uint8_t *row, uint32_t width, uint8_t *rgb)
{
	for (uint32_t x = 0; x < width; x++, row += format->bytes, rgb += 3) {
		uint32_t word = 0;

		for (uint32_t i = 0; i < format->bytes; i++) {
			word |= (uint32_t)row[i] << (8 * i);
		}
		rgb[0] = channel_unpack(word, format->red_shift, format->red_bits);
		rgb[1] = channel_unpack(word, format->green_shift, format->green_bits);
		rgb[2] = channel_unpack(word, format->blue_shift, format->blue_bits);
	}
}
