/* SPDX-License-Identifier: MIT */
/*
 * A shape's colours come multiplied with its alpha, and go into the texture divided by it: to blend
 * the other kind is asked of all SDL renderers, to blend this one is not.
 */
#include "window_pointer.h"

#include "log.h"

#include <string.h>

void window_pointer_init(struct window_pointer *window, SDL_Renderer *renderer)
{
	memset(window, 0, sizeof(*window));
	window->renderer = renderer;
}

static void forget_shape(struct window_pointer *window)
{
	if (window->texture) {
		SDL_DestroyTexture(window->texture);
		window->texture = NULL;
	}
}

void window_pointer_finish(struct window_pointer *window)
{
	forget_shape(window);
}

static uint32_t divide(uint32_t argb, unsigned shift, uint32_t alpha)
{
	uint32_t value = ((argb >> shift & 0xff) * 255 + alpha / 2) / alpha;

	return (value < 255 ? value : 255) << shift;
}

static uint32_t straight(uint32_t argb)
{
	uint32_t alpha = argb >> 24;

	return alpha ? alpha << 24 | divide(argb, 16, alpha) | divide(argb, 8, alpha) |
	                       divide(argb, 0, alpha)
	             : 0;
}

static int fill_texture(struct window_pointer *window, const struct pointer_shape *shape)
{
	void *locked;
	int pitch;

	if (SDL_SetTextureBlendMode(window->texture, SDL_BLENDMODE_BLEND) != 0 ||
	        SDL_LockTexture(window->texture, NULL, &locked, &pitch) != 0) {
		return -1;
	}
	for (uint32_t y = 0; y < shape->height; y++) {
		const uint32_t *from = shape->pixels + (size_t)y * shape->width;
		uint32_t *to = (uint32_t *)((uint8_t *)locked + (size_t)y * (size_t)pitch);

		for (uint32_t x = 0; x < shape->width; x++) {
			to[x] = straight(from[x]);
		}
	}
	SDL_UnlockTexture(window->texture);
	return 0;
}

static void take_shape(struct window_pointer *window, const struct pointer_shape *shape)
{
	forget_shape(window);
	window->texture = SDL_CreateTexture(window->renderer, SDL_PIXELFORMAT_ARGB8888,
	        SDL_TEXTUREACCESS_STREAMING, shape->width, shape->height);
	if (!window->texture || fill_texture(window, shape) != 0) {
		log_warning("cannot draw the pointer: SDL: %s; try --renderer software",
		        SDL_GetError());
		forget_shape(window);
	}
}

void window_pointer_take(struct window_pointer *window, const struct pointer *pointer)
{
	struct pointer_shape shape = window->pointer.shape;

	if (pointer->shape.width > 0) {
		take_shape(window, &pointer->shape);
		shape = pointer->shape;
		shape.pixels = NULL;
	}
	window->pointer = *pointer;
	window->pointer.shape = shape;
}

/* A length of the picture in the window. */
static float scaled(int32_t length, int whole, int shown)
{
	return (float)length * (float)shown / (float)whole;
}

void window_pointer_draw(const struct window_pointer *window, struct layout_size size,
        const struct layout_rect *rect)
{
	const struct pointer *pointer = &window->pointer;
	const SDL_Rect clip = { rect->x, rect->y, rect->width, rect->height };
	const SDL_FRect place = {
		.x = (float)rect->x + scaled(pointer->x, size.width, rect->width),
		.y = (float)rect->y + scaled(pointer->y, size.height, rect->height),
		.w = scaled(pointer->shape.width, size.width, rect->width),
		.h = scaled(pointer->shape.height, size.height, rect->height),
	};

	if (!window->texture || !pointer->is_shown) {
		return;
	}
	SDL_SetTextureScaleMode(window->texture,
	        window_layout_is_whole(size, rect) ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
	SDL_RenderSetClipRect(window->renderer, &clip);
	SDL_RenderCopyF(window->renderer, window->texture, NULL, &place);
	SDL_RenderSetClipRect(window->renderer, NULL);
}
