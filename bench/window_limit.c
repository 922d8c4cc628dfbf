/* SPDX-License-Identifier: MIT */
/*
 * The limits that the window is measured against: frames uploaded and presented by SDL and nothing
 * else, in a window of the frame's size, or of 1080p if that is smaller. Prints JSON: renderer,
 * frames_per_second.
 *
 *   window-limit WIDTHxHEIGHT RENDERER|auto SECONDS own|fed
 *
 *   own  frames that lie ready in this process, and nobody else is busy
 *   fed  each frame comes from another process, which copies it into shared memory by memcpy; it is
 *        uploaded from there. Less than that nobody can do who shows another process's frames.
 */
#include "clock.h"
#include "exit_code.h"
#include "frame_memory.h"
#include "log.h"
#include "peer.h"
#include "resolution.h"
#include "stop.h"

#include <SDL.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW_WIDTH  1920
#define WINDOW_HEIGHT 1080
#define FRAMES        4u /* private ones, in turn */
#define WARM          4u

/* Where frames come from. */
struct feed {
	struct resolution size;
	struct peer ring; /* fed: what the other process fills */
	pid_t child;      /* fed: that process, else 0 */
	uint8_t *frames;  /* own */
	uint64_t next;
};

static uint8_t *make_frames(size_t bytes)
{
	uint8_t *frames = frame_memory_alloc(FRAMES * bytes);

	for (size_t i = 0; frames && i < FRAMES * bytes; i++) {
		frames[i] = (uint8_t)(i * 31 ^ i >> 12);
	}
	return frames;
}

static void feed_all(struct feed *feed)
{
	uint64_t number = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (peer_memcpy_ring.send(
	        &feed->ring, feed->frames + number++ % FRAMES * feed->ring.bytes)) {
	}
	_exit(EXIT_GOOD);
}

static bool feed_open(struct feed *feed, bool is_fed, struct complaint *why)
{
	feed->ring.bytes = (size_t)feed->size.width * feed->size.height * 4;
	feed->frames = make_frames(feed->ring.bytes);
	if (!feed->frames) {
		complain(why, "out of memory");
		return false;
	}
	if (!is_fed) {
		return true;
	}
	if (!peer_memcpy_ring.prepare(&feed->ring, why)) {
		return false;
	}
	feed->child = fork();
	if (feed->child == 0) {
		feed_all(feed);
	}
	if (feed->child < 0) {
		complain(why, "no process to feed the loop (%s)", strerror(errno));
	}
	return feed->child > 0;
}

static const uint8_t *feed_take(struct feed *feed)
{
	if (feed->child > 0) {
		return peer_memcpy_ring.show(&feed->ring);
	}
	return feed->frames + feed->next++ % FRAMES * feed->ring.bytes;
}

static void feed_close(struct feed *feed)
{
	if (feed->child > 0) {
		kill(feed->child, SIGKILL);
		waitpid(feed->child, NULL, 0);
	}
	free(feed->frames);
}

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

static bool is_larger(struct resolution size)
{
	return size.width > WINDOW_WIDTH || size.height > WINDOW_HEIGHT;
}

static double rate(SDL_Renderer *renderer, struct feed *feed, double seconds)
{
	SDL_Texture *texture = SDL_CreateTexture(renderer, SDL_PIXELFORMAT_RGB888,
	        SDL_TEXTUREACCESS_STREAMING, (int)feed->size.width, (int)feed->size.height);
	const uint8_t *pixels;
	uint64_t start_ns = 0;
	uint64_t now_ns = 0;
	uint64_t frames = 0;

	if (!texture) {
		return 0;
	}
	/* As the window has it: what is not scaled need not be filtered. */
	SDL_SetTextureScaleMode(
	        texture, is_larger(feed->size) ? SDL_ScaleModeLinear : SDL_ScaleModeNearest);
	do {
		pixels = feed_take(feed);
		if (!pixels) {
			break;
		}
		show(renderer, texture, pixels, (int)feed->size.width * 4);
		now_ns = clock_now_ns();
		if (++frames == WARM) {
			start_ns = now_ns;
		}
	} while (!stop_requested() &&
	         (frames <= WARM || (double)(now_ns - start_ns) < seconds * (double)NS_PER_S));
	SDL_DestroyTexture(texture);
	return frames > WARM
	               ? (double)(frames - WARM) * (double)NS_PER_S / (double)(now_ns - start_ns)
	               : 0;
}

/* returns: frames a second, 0: it was logged why there are none */
static double measure(struct feed *feed, const char *renderer_name, double seconds)
{
	bool is_large = is_larger(feed->size);
	SDL_RendererInfo info = { .name = "none" };
	SDL_Renderer *renderer;
	SDL_Window *window;
	double found;

	if (SDL_Init(SDL_INIT_VIDEO) != 0) {
		log_error("no display (SDL: %s)", SDL_GetError());
		return 0;
	}
	window = SDL_CreateWindow("window-limit", 0, 0,
	        is_large ? WINDOW_WIDTH : (int)feed->size.width,
	        is_large ? WINDOW_HEIGHT : (int)feed->size.height, 0);
	renderer = window ? open_renderer(window, renderer_name) : NULL;
	found = renderer ? rate(renderer, feed, seconds) : 0;
	if (found > 0) {
		SDL_GetRendererInfo(renderer, &info);
		printf("{\"renderer\": \"%s\", \"frames_per_second\": %.3f}\n", info.name, found);
	} else {
		log_error(
		        "renderer %.30s presents nothing (SDL: %s)", renderer_name, SDL_GetError());
	}
	SDL_DestroyRenderer(renderer);
	SDL_DestroyWindow(window);
	SDL_Quit();
	return found;
}

int main(int argc, char **argv)
{
	bool is_fed = argc == 5 && strcmp(argv[4], "fed") == 0;
	double seconds = argc == 5 ? atof(argv[3]) : 0;
	struct resolution sizes[RESOLUTION_LIST_MAX];
	struct feed feed = { 0 };
	struct complaint why = { "" };
	double found = 0;

	log_init("window-limit", LOG_LEVEL_INFO);
	if (seconds <= 0 || (!is_fed && strcmp(argv[4], "own") != 0) ||
	        resolution_parse_list(argv[1], sizes, &why) != 1) {
		log_error("usage: window-limit WIDTHxHEIGHT RENDERER|auto SECONDS own|fed");
		return EXIT_USAGE;
	}
	stop_on_signals();
	feed.size = sizes[0];
	/* Before SDL begins threads, which a fork would lose. */
	if (feed_open(&feed, is_fed, &why)) {
		found = measure(&feed, argv[2], seconds);
	} else {
		log_error("%s", why.text);
	}
	feed_close(&feed);
	return found > 0 ? EXIT_GOOD : EXIT_OTHER;
}
