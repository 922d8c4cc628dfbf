/* SPDX-License-Identifier: MIT */
#include "window_stage.h"

#include <SDL_syswm.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(SDL_VIDEO_DRIVER_WAYLAND)
#include <wayland-client.h>
#endif

/* Points: room for the words before there is a picture, and for a few of them later. */
#define OPENING_WIDTH  960
#define OPENING_HEIGHT 540
#define LEAST_WIDTH    320
#define LEAST_HEIGHT   240

#define RENDERER_NAMES_SIZE 200u

/* What the environment says about a hint wins over these. */
static void stage_hint(void)
{
	/* SIGINT and SIGTERM are stop.h's. */
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	/* A viewer that is left open over night is no film: the screen may lock. */
	SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
	/* The desktop's effects stay on while a window of ours is open. */
	SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
}

/*
 * Without any display SDL falls back on drivers that show nothing to nobody. They are for tests and
 * taken only when somebody named them (SDL_VIDEODRIVER).
 */
static bool is_display_missing(void)
{
	const char *wanted = SDL_GetHint(SDL_HINT_VIDEODRIVER);
	const char *driver = SDL_GetCurrentVideoDriver();

	return !(wanted && *wanted) &&
	       (strcmp(driver, "offscreen") == 0 || strcmp(driver, "dummy") == 0);
}

static int renderer_by_name(const char *name, char names[RENDERER_NAMES_SIZE])
{
	size_t used = 0;

	names[0] = '\0';
	for (int i = 0; i < SDL_GetNumRenderDrivers(); i++) {
		SDL_RendererInfo info;

		if (SDL_GetRenderDriverInfo(i, &info) != 0) {
			continue;
		}
		if (strcmp(info.name, name) == 0) {
			return i;
		}
		if (used < RENDERER_NAMES_SIZE) {
			used += (size_t)snprintf(names + used, RENDERER_NAMES_SIZE - used, "%s%s",
			        used > 0 ? ", " : "", info.name);
		}
	}
	return -1;
}

static int stage_open_renderer(
        struct window_stage *stage, const char *renderer, struct complaint *why)
{
	char names[RENDERER_NAMES_SIZE];
	SDL_RendererInfo info;
	int index = -1;

	if (renderer) {
		index = renderer_by_name(renderer, names);
		if (index < 0) {
			complain(why, "no renderer %s; there are: %s", renderer, names);
			return -EINVAL;
		}
	}
	/*
	 * Without SDL_RENDERER_PRESENTVSYNC. The ring is the mailbox: while we present, newer
	 * frames replace each other there, and the next one we take is the newest. Waiting for the
	 * display would add up to a refresh to every frame, drivers queue more than one behind it,
	 * and some wait for ever when the window is covered. The price is that a display without a
	 * compositor may show a tear; SDL_RENDER_VSYNC=1 in the environment is for those.
	 */
	stage->renderer = SDL_CreateRenderer(stage->window, index, 0);
	if (!stage->renderer) {
		complain(why, "cannot draw with renderer %s (SDL: %s); try --renderer software",
		        renderer ? renderer : "auto", SDL_GetError());
		return -EIO;
	}
	SDL_GetRendererInfo(stage->renderer, &info);
	stage->renderer_name = info.name;
	return 0;
}

static int stage_open_video(struct complaint *why)
{
	stage_hint();
	/* Without one libwayland complains on standard error; one that is not there is none either.
	 */
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 0);
	if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
		complain(why, "no display (SDL: %s); use --bench, or set DISPLAY", SDL_GetError());
		return -ENODEV;
	}
	if (is_display_missing()) {
		complain(why,
		        "no display (SDL: only the %s driver works); use --bench, or set DISPLAY",
		        SDL_GetCurrentVideoDriver());
		SDL_QuitSubSystem(SDL_INIT_VIDEO);
		return -ENODEV;
	}
	return 0;
}

int window_stage_open(struct window_stage *stage, const char *renderer, struct complaint *why)
{
	int result;

	*stage = (struct window_stage) { .opening = { OPENING_WIDTH, OPENING_HEIGHT } };
	result = stage_open_video(why);
	if (result != 0) {
		return result;
	}
	/* Hidden until there is a renderer, which may have to make the window anew. */
	stage->window = SDL_CreateWindow("Oriel", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
	        OPENING_WIDTH, OPENING_HEIGHT,
	        SDL_WINDOW_HIDDEN | SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
	if (!stage->window) {
		complain(why, "cannot open a window (SDL: %s); use --bench", SDL_GetError());
		SDL_QuitSubSystem(SDL_INIT_VIDEO);
		return -EIO;
	}
	result = stage_open_renderer(stage, renderer, why);
	if (result != 0) {
		window_stage_close(stage);
		return result;
	}
	SDL_StopTextInput();
	SDL_ShowWindow(stage->window);
	return 0;
}

void window_stage_close(struct window_stage *stage)
{
	if (!stage->window) {
		return;
	}
	if (stage->renderer) {
		SDL_DestroyRenderer(stage->renderer);
	}
	SDL_DestroyWindow(stage->window);
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
	memset(stage, 0, sizeof(*stage));
}

struct layout_size window_stage_area(const struct window_stage *stage)
{
	struct layout_size area = { 1, 1 };

	SDL_GetRendererOutputSize(stage->renderer, &area.width, &area.height);
	return area;
}

int window_stage_scale_percent(const struct window_stage *stage)
{
	struct layout_size area = window_stage_area(stage);
	struct layout_size points;

	SDL_GetWindowSize(stage->window, &points.width, &points.height);
	return points.width > 0 ? area.width * 100 / points.width : 100;
}

/* Where on its display a window may lie: without its own frame and the desktop's panels, points. */
static bool usable_points(const struct window_stage *stage, SDL_Rect *usable)
{
	int display = SDL_GetWindowDisplayIndex(stage->window);
	int top = 0;
	int left = 0;
	int bottom = 0;
	int right = 0;

	if (display < 0 || SDL_GetDisplayUsableBounds(display, usable) != 0) {
		return false;
	}
	SDL_GetWindowBordersSize(stage->window, &top, &left, &bottom, &right);
	usable->x += left;
	usable->y += top;
	usable->w -= left + right;
	usable->h -= top + bottom;
	return usable->w > 0 && usable->h > 0;
}

static bool is_sized_by_somebody(const struct window_stage *stage)
{
	const Uint32 sized = SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED;
	struct layout_size now;

	SDL_GetWindowSize(stage->window, &now.width, &now.height);
	return (SDL_GetWindowFlags(stage->window) & sized) || now.width != stage->opening.width ||
	       now.height != stage->opening.height;
}

void window_stage_fit(struct window_stage *stage, struct layout_size picture)
{
	const struct layout_size least = { LEAST_WIDTH, LEAST_HEIGHT };
	int percent = window_stage_scale_percent(stage);
	struct layout_size pixels;
	struct layout_size size;
	SDL_Rect usable;

	if (is_sized_by_somebody(stage) || percent <= 0 || !usable_points(stage, &usable)) {
		return;
	}
	pixels = (struct layout_size) { usable.w * percent / 100, usable.h * percent / 100 };
	size = window_layout_first(picture, pixels, least);
	size.width = size.width * 100 / percent;
	size.height = size.height * 100 / percent;
	SDL_SetWindowSize(stage->window, size.width, size.height);
	SDL_SetWindowPosition(stage->window, usable.x + (usable.w - size.width) / 2,
	        usable.y + (usable.h - size.height) / 2);
}

bool window_stage_is_fullscreen(const struct window_stage *stage)
{
	return (SDL_GetWindowFlags(stage->window) & SDL_WINDOW_FULLSCREEN) != 0;
}

void window_stage_set_fullscreen(struct window_stage *stage, bool on)
{
	SDL_SetWindowFullscreen(stage->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
}

bool window_stage_is_unseen(const struct window_stage *stage)
{
	return (SDL_GetWindowFlags(stage->window) & (SDL_WINDOW_MINIMIZED | SDL_WINDOW_HIDDEN)) !=
	       0;
}

int window_stage_events_fd(const struct window_stage *stage)
{
	SDL_SysWMinfo info;

	SDL_VERSION(&info.version);
	if (!SDL_GetWindowWMInfo(stage->window, &info)) {
		return -1;
	}
	switch (info.subsystem) {
#if defined(SDL_VIDEO_DRIVER_X11)
	case SDL_SYSWM_X11:
		return ConnectionNumber(info.info.x11.display);
#endif
#if defined(SDL_VIDEO_DRIVER_WAYLAND)
	case SDL_SYSWM_WAYLAND:
		return wl_display_get_fd(info.info.wl.display);
#endif
	default:
		return -1;
	}
}
