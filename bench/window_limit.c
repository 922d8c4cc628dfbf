/* SPDX-License-Identifier: MIT */
/*
 * The limit that the window is measured against: frames uploaded and presented by SDL and nothing
 * else, in a window of the frame's size, or of 1080p if that is smaller. Prints JSON: renderer,
 * frames_per_second.
 *
 *   window-limit WIDTHxHEIGHT RENDERER|auto SECONDS
 */
#include "clock.h"
#include "exit_code.h"
#include "log.h"
#include "resolution.h"
#include "stop.h"

#include <SDL.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_WIDTH  1920
#define WINDOW_HEIGHT 1080
#define FRAMES        4u /* private ones, in turn */
#define WARM          4u

static SDL_Renderer *open_renderer(SDL_Window *window, const char *name)
{
	SDL_RendererInfo info;
	int index = -1;

	for (int i = 0; i < SDL_GetNumRenderDrivers(); i++) {
		if (SDL_GetRenderDriverInfo(i, &info) == 0 && strcmp(info.name, name) == 0) {
			index = i;
		}
	}
	return SDL_CreateRenderer(window, index, 0);
}

static void show(SDL_Renderer *renderer, SDL_Texture *texture, const uint8_t *pixels, int stride)
{
	SDL_Event event;

	while (SDL_PollEvent(&event)) {
	}
	SDL_UpdateTexture(texture, NULL, pixels, stride);
	SDL_RenderClear(renderer);
	SDL_RenderCopy(renderer, texture, NULL, NULL);
	SDL_RenderPresent(renderer);
}

static double rate(SDL_Renderer *renderer, struct resolution size, double seconds)
{
	const size_t bytes = (size_t)size.width * size.height * 4;
	uint8_t *pixels = malloc(FRAMES * bytes);
	SDL_Texture *texture = SDL_CreateTexture(renderer, SDL_PIXELFORMAT_RGB888,
	        SDL_TEXTUREACCESS_STREAMING, (int)size.width, (int)size.height);
	uint64_t start_ns = 0;
	uint64_t now_ns = 0;
	uint64_t frames = 0;

	if (!pixels || !texture) {
		free(pixels);
		return 0;
	}
	for (size_t i = 0; i < FRAMES * bytes; i++) {
		pixels[i] = (uint8_t)(i * 31 ^ i >> 12);
	}
	SDL_SetTextureScaleMode(texture, SDL_ScaleModeLinear);
	do {
		show(renderer, texture, pixels + frames % FRAMES * bytes, (int)size.width * 4);
		now_ns = clock_now_ns();
		if (++frames == WARM) {
			start_ns = now_ns;
		}
	} while (!stop_requested() &&
	         (frames <= WARM || (double)(now_ns - start_ns) < seconds * (double)NS_PER_S));
	free(pixels);
	SDL_DestroyTexture(texture);
	return frames > WARM
	               ? (double)(frames - WARM) * (double)NS_PER_S / (double)(now_ns - start_ns)
	               : 0;
}

int main(int argc, char **argv)
{
	struct resolution sizes[RESOLUTION_LIST_MAX];
	double seconds = argc == 4 ? atof(argv[3]) : 0;
	SDL_RendererInfo info = { .name = "none" };
	SDL_Renderer *renderer;
	SDL_Window *window;
	struct complaint why;
	bool is_large;
	double found;

	log_init("window-limit", LOG_LEVEL_INFO);
	if (seconds <= 0 || resolution_parse_list(argv[1], sizes, &why) != 1) {
		log_error("usage: window-limit WIDTHxHEIGHT RENDERER|auto SECONDS");
		return EXIT_USAGE;
	}
	if (SDL_Init(SDL_INIT_VIDEO) != 0) {
		log_error("no display (SDL: %s)", SDL_GetError());
		return EXIT_OTHER;
	}
	stop_on_signals();
	is_large = sizes[0].width > WINDOW_WIDTH || sizes[0].height > WINDOW_HEIGHT;
	window = SDL_CreateWindow("window-limit", 0, 0,
	        is_large ? WINDOW_WIDTH : (int)sizes[0].width,
	        is_large ? WINDOW_HEIGHT : (int)sizes[0].height, 0);
	renderer = window ? open_renderer(window, argv[2]) : NULL;
	found = renderer ? rate(renderer, sizes[0], seconds) : 0;
	if (found > 0) {
		SDL_GetRendererInfo(renderer, &info);
		printf("{\"renderer\": \"%s\", \"frames_per_second\": %.3f}\n", info.name, found);
	} else {
		log_error("renderer %.30s presents nothing (SDL: %s)", argv[2], SDL_GetError());
	}
	SDL_DestroyRenderer(renderer);
	SDL_DestroyWindow(window);
	SDL_Quit();
	return found > 0 ? EXIT_GOOD : EXIT_OTHER;
}
