/* SPDX-License-Identifier: MIT */
#include "window_picture.h"

#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP_SIZE (1u << PICTURE_CHANNEL_BITS_MAX)

/* DRM formats are little-endian words, SDL's packed formats are words of the machine. */
_Static_assert(SDL_BYTEORDER == SDL_LIL_ENDIAN, "textures would need their bytes swapped");

static uint32_t texture_format(uint32_t fourcc)
{
	switch (fourcc) {
	case DRM_FORMAT_ARGB8888:
		return SDL_PIXELFORMAT_ARGB8888;
	case DRM_FORMAT_ABGR8888:
		return SDL_PIXELFORMAT_ABGR8888;
	case DRM_FORMAT_XBGR8888:
	case DRM_FORMAT_BGR888:
		return SDL_PIXELFORMAT_XBGR8888;
	default:
		/* xrgb8888, rgb888 and whatever goes through the tables */
		return SDL_PIXELFORMAT_XRGB8888;
	}
}

static enum picture_route route_of(const struct pixel_format *format)
{
	if (format->red_bits != 8 || format->green_bits != 8 || format->blue_bits != 8) {
		return PICTURE_LOOKUP;
	}
	return format->bytes == 3 ? PICTURE_WIDEN : PICTURE_DIRECT;
}

/* Asks pixel_format_to_rgb() for every value of one channel: the tables cannot disagree with it. */
static void lookup_fill(const struct pixel_format *format, uint32_t *table, unsigned channel,
        uint8_t shift, uint8_t bits)
{
	assert(bits <= PICTURE_CHANNEL_BITS_MAX);
	for (uint32_t value = 0; value < 1u << bits; value++) {
		uint32_t word = value << shift;
		uint8_t rgb[3];

		pixel_format_to_rgb(format, (const uint8_t *)&word, 1, rgb);
		table[value] = (uint32_t)rgb[channel] << (16 - 8 * channel);
	}
}

/* Loads whole words; the last pixel of the last row has no fourth byte to load. */
static void widen_row(const uint8_t *from, uint32_t *to, uint32_t width)
{
	for (uint32_t x = 0; x + 1 < width; x++) {
		uint32_t word;

		memcpy(&word, from + 3 * (size_t)x, sizeof(word));
		to[x] = word & 0xffffff;
	}
	from += 3 * (size_t)(width - 1);
	to[width - 1] = (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
}

/* The format comes by value, so that the compiler sees that no store into a row changes it. */
static inline uint32_t lookup_word(const uint32_t (*restrict lookup)[LOOKUP_SIZE],
        const struct pixel_format format, uint32_t word)
{
	return lookup[0][word >> format.red_shift & ((1u << format.red_bits) - 1)] |
	       lookup[1][word >> format.green_shift & ((1u << format.green_bits) - 1)] |
	       lookup[2][word >> format.blue_shift & ((1u << format.blue_bits) - 1)];
}

static void lookup_row(const struct window_picture *picture, const uint8_t *from,
        uint32_t *restrict to, uint32_t width)
{
	const uint32_t(*restrict lookup)[LOOKUP_SIZE] = picture->lookup;
	const struct pixel_format format = *picture->format;

	if (format.bytes == 2) {
		for (uint32_t x = 0; x < width; x++) {
			uint16_t word;

			memcpy(&word, from + 2 * (size_t)x, sizeof(word));
			to[x] = lookup_word(lookup, format, word);
		}
		return;
	}
	for (uint32_t x = 0; x < width; x++) {
		uint32_t word;

		memcpy(&word, from + 4 * (size_t)x, sizeof(word));
		to[x] = lookup_word(lookup, format, word);
	}
}

/* part: of the frame, in pixels */
static int upload_part(
        struct window_picture *picture, const struct frame *frame, const struct frame_rect *part)
{
	const SDL_Rect place = { part->x, part->y, part->width, part->height };
	const uint8_t *from = (const uint8_t *)frame->pixels +
	                      (size_t)part->y * frame->info.stride +
	                      (size_t)part->x * picture->format->bytes;
	void *locked;
	int pitch;

	if (picture->route == PICTURE_DIRECT) {
		return SDL_UpdateTexture(picture->texture, &place, from, (int)frame->info.stride);
	}
	if (SDL_LockTexture(picture->texture, &place, &locked, &pitch) != 0) {
		return -1;
	}
	for (uint32_t y = 0; y < part->height; y++, from += frame->info.stride) {
		uint32_t *to = (uint32_t *)((uint8_t *)locked + (size_t)y * (size_t)pitch);

		if (picture->route == PICTURE_WIDEN) {
			widen_row(from, to, part->width);
		} else {
			lookup_row(picture, from, to, part->width);
		}
	}
	SDL_UnlockTexture(picture->texture);
	return 0;
}

/* Does the texture hold a frame that this one's damage is relative to, or a later one? */
static bool damage_is_usable(const struct window_picture *picture, const struct frame *frame)
{
	return frame->damage.base_sequence != 0 && picture->epoch == frame->epoch &&
	       picture->sequence >= frame->damage.base_sequence &&
	       picture->sequence < frame->sequence;
}

static int picture_upload(struct window_picture *picture, const struct frame *frame, bool is_same)
{
	const struct frame_rect whole = {
		.width = (uint16_t)frame->info.width,
		.height = (uint16_t)frame->info.height,
	};

	if (!is_same || !damage_is_usable(picture, frame)) {
		return upload_part(picture, frame, &whole);
	}
	for (uint32_t i = 0; i < frame->damage.count; i++) {
		if (upload_part(picture, frame, &frame->damage.rects[i]) != 0) {
			return -1;
		}
	}
	return 0;
}

static int picture_shape(struct window_picture *picture, const struct frame_info *info)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);

	window_picture_forget(picture);
	if (!format) {
		return SDL_SetError("unknown pixel format");
	}
	picture->texture = SDL_CreateTexture(picture->renderer, texture_format(info->fourcc),
	        SDL_TEXTUREACCESS_STREAMING, (int)info->width, (int)info->height);
	if (!picture->texture) {
		return -1;
	}
	/* Whatever stands in an alpha channel, a screen has nothing behind it. */
	SDL_SetTextureBlendMode(picture->texture, SDL_BLENDMODE_NONE);
	picture->format = format;
	picture->route = route_of(format);
	if (picture->route == PICTURE_LOOKUP) {
		lookup_fill(format, picture->lookup[0], 0, format->red_shift, format->red_bits);
		lookup_fill(format, picture->lookup[1], 1, format->green_shift, format->green_bits);
		lookup_fill(format, picture->lookup[2], 2, format->blue_shift, format->blue_bits);
	}
	return 0;
}

void window_picture_init(struct window_picture *picture, SDL_Renderer *renderer)
{
	memset(picture, 0, sizeof(*picture));
	picture->renderer = renderer;
}

void window_picture_forget(struct window_picture *picture)
{
	if (picture->texture) {
		SDL_DestroyTexture(picture->texture);
		picture->texture = NULL;
	}
}

void window_picture_finish(struct window_picture *picture)
{
	window_picture_forget(picture);
}

int window_picture_take(
        struct window_picture *picture, const struct frame *frame, struct complaint *why)
{
	const struct frame_info *info = &frame->info;
	bool is_same = picture->texture && picture->info.fourcc == info->fourcc &&
	               picture->info.width == info->width && picture->info.height == info->height;

	if ((!is_same && picture_shape(picture, info) != 0) ||
	        picture_upload(picture, frame, is_same) != 0) {
		complain(why, "cannot show a picture of %ux%u: %s", info->width, info->height,
		        SDL_GetError());
		window_picture_forget(picture);
		return -EIO;
	}
	picture->info = *info;
	picture->epoch = frame->epoch;
	picture->sequence = frame->sequence;
	return 0;
}

void window_picture_draw(struct window_picture *picture, const struct layout_rect *rect)
{
	const SDL_Rect place = { rect->x, rect->y, rect->width, rect->height };
	struct layout_size size = { (int)picture->info.width, (int)picture->info.height };

	SDL_SetTextureScaleMode(picture->texture,
	        window_layout_is_whole(size, rect) ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
	SDL_RenderCopy(picture->renderer, picture->texture, NULL, &place);
}

uint32_t *window_picture_read(struct window_picture *picture, struct frame_info *info)
{
	int width = (int)picture->info.width;
	int height = (int)picture->info.height;
	const struct layout_rect whole = { .width = width, .height = height };
	uint32_t *pixels = malloc((size_t)width * (size_t)height * sizeof(*pixels));
	SDL_Texture *target = SDL_CreateTexture(picture->renderer, SDL_PIXELFORMAT_ARGB8888,
	        SDL_TEXTUREACCESS_TARGET, width, height);
	int result = -1;

	if (pixels && target && SDL_SetRenderTarget(picture->renderer, target) == 0) {
		window_picture_draw(picture, &whole);
		result = SDL_RenderReadPixels(
		        picture->renderer, NULL, SDL_PIXELFORMAT_XRGB8888, pixels, width * 4);
		SDL_SetRenderTarget(picture->renderer, NULL);
	}
	if (target) {
		SDL_DestroyTexture(target);
	}
	if (result != 0) {
		free(pixels);
		return NULL;
	}
	*info = (struct frame_info) {
		.fourcc = DRM_FORMAT_XRGB8888,
		.width = picture->info.width,
		.height = picture->info.height,
		.stride = picture->info.width * 4,
	};
	return pixels;
}
