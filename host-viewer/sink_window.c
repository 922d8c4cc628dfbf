/* SPDX-License-Identifier: MIT */
#include "sink_window.h"

#include "clock.h"
#include "log.h"
#include "overlay.h"
#include "window_keys.h"
#include "window_picture.h"
#include "window_pointer.h"
#include "window_snapshot.h"
#include "window_stage.h"
#include "window_text.h"
#include "window_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_NS  (250 * NS_PER_MS) /* numbers that change faster cannot be read */
#define MESSAGE_NS  (3 * NS_PER_S)
#define DARK_ALPHA  144
#define WORD_POINTS 22
#define NOTE_POINTS 14
#define EDGE_POINTS 32 /* left free beside words that are broken into lines */

struct sink_window {
	struct sink sink;
	struct window_stage stage;
	struct window_picture picture;
	struct window_pointer pointer;
	struct window_font font;
	struct window_label words;   /* how things stand, in the middle */
	struct window_label overlay; /* the numbers, empty while switched off */
	struct window_label message; /* what S did, for a while */
	struct window_snapshot snapshot;
	char *folder; /* for snapshots, NULL: where the program was started */
	char title[WINDOW_WORDS_SIZE];
	char no_picture[WINDOW_WORDS_SIZE]; /* why there is none while live */
	enum link_state link;
	int events_fd;
	bool is_fitted; /* the window got its size from the first picture */
	bool is_overlay_on;
	bool is_done;
	bool is_dirty;          /* what is on the screen is not what it should be */
	bool has_warned;        /* of a picture that cannot be shown */
	uint64_t refresh_ns;    /* when the numbers are due again */
	uint64_t message_until; /* ns, 0 = there is none */
	uint64_t presents;
};

static void window_say(struct sink_window *window, const char *message)
{
	window->is_dirty |= window_label_set(&window->message, message);
	window->message_until = clock_now_ns() + MESSAGE_NS;
}

static void window_take_snapshot(struct sink_window *window)
{
	struct complaint why;
	struct frame_info info;
	uint32_t *pixels;

	if (!window->picture.texture) {
		window_say(window, "no picture to save");
		return;
	}
	pixels = window_picture_read(&window->picture, &info);
	if (!pixels) {
		log_warning("cannot read the picture back from renderer %s (SDL: %s); "
		            "try --renderer software",
		        window->stage.renderer_name, SDL_GetError());
		window_say(window, "the picture could not be saved");
		return;
	}
	if (window_snapshot_begin(&window->snapshot, window->folder, window->picture.sequence,
	            &info, pixels, &why) != 0) {
		window_say(window, why.text);
	}
}

static void window_report_snapshot(struct sink_window *window, int result)
{
	char message[LABEL_TEXT_SIZE];

	if (result == 0) {
		log_info("saved %s", window->snapshot.path);
		snprintf(message, sizeof(message), "saved %.*s", (int)sizeof(message) - 8,
		        window->snapshot.path);
	} else {
		log_warning("picture not saved: %s", window->snapshot.why.text);
		snprintf(message, sizeof(message), "not saved: %s", window->snapshot.why.text);
	}
	window_say(window, message);
}

static void window_fulfil(struct sink_window *window, enum window_wish wish)
{
	bool is_fullscreen = window_stage_is_fullscreen(&window->stage);

	switch (wish) {
	case WISH_NONE:
		return;
	case WISH_QUIT:
		window->is_done = true;
		return;
	case WISH_BACK:
		if (!is_fullscreen) {
			window->is_done = true;
			return;
		}
		window_stage_set_fullscreen(&window->stage, false);
		break;
	case WISH_FULLSCREEN:
		window_stage_set_fullscreen(&window->stage, !is_fullscreen);
		break;
	case WISH_OVERLAY:
		window->is_overlay_on = !window->is_overlay_on;
		window_label_set(&window->overlay, "");
		window->refresh_ns = 0;
		break;
	case WISH_SNAPSHOT:
		window_take_snapshot(window);
		break;
	case WISH_REPAINT:
		break;
	}
	window->is_dirty = true;
}

static void window_pump(struct sink_window *window)
{
	SDL_Event event;

	while (SDL_PollEvent(&event)) {
		window_fulfil(window, window_wish_of(&event));
	}
}

static void window_draw_picture(struct sink_window *window, struct layout_size area)
{
	enum picture_look look = window_words_look(window->link);
	SDL_Renderer *renderer = window->stage.renderer;
	struct layout_size size = { (int)window->picture.info.width,
		(int)window->picture.info.height };
	struct layout_rect rect;

	if (!window->picture.texture || look == PICTURE_HIDDEN) {
		return;
	}
	rect = window_layout_fit(size, area);
	window_picture_draw(&window->picture, &rect);
	window_pointer_draw(&window->pointer, size, &rect);
	if (look == PICTURE_DARK) {
		SDL_SetRenderDrawBlendMode(renderer, SDL_BLENDMODE_BLEND);
		SDL_SetRenderDrawColor(renderer, 0, 0, 0, DARK_ALPHA);
		SDL_RenderFillRect(renderer, NULL);
	}
}

static void window_draw(struct sink_window *window)
{
	struct layout_size area = window_stage_area(&window->stage);
	struct label_boxes taken = { .count = 0 };

	window->font.scale_percent = window_stage_scale_percent(&window->stage);
	window->words.wrap = area.width > 4 * EDGE_POINTS ? area.width - 2 * EDGE_POINTS : 0;
	window->message.wrap = window->words.wrap;
	SDL_SetRenderDrawColor(window->stage.renderer, 0, 0, 0, SDL_ALPHA_OPAQUE);
	SDL_RenderClear(window->stage.renderer);
	window_draw_picture(window, area);
	/* What goes by itself first, then what was asked for, then what the title says too. */
	window_label_draw(&window->message, &window->font, LABEL_BOTTOM_LEFT, area, &taken);
	window_label_draw(&window->overlay, &window->font, LABEL_TOP_LEFT, area, &taken);
	window_label_draw(&window->words, &window->font, LABEL_MIDDLE, area, &taken);
}

static void window_present(struct sink_window *window)
{
	if (!window->is_dirty || window_stage_is_unseen(&window->stage)) {
		return;
	}
	window_draw(window);
	SDL_RenderPresent(window->stage.renderer);
	window->is_dirty = false;
	window->presents++;
}

static void window_miss_picture(struct sink_window *window, const char *why)
{
	snprintf(window->no_picture, sizeof(window->no_picture), "%s", why);
}

/* The picture is of a session that is over. */
static bool is_outlived(enum link_state link)
{
	return link == LINK_WAITING || link == LINK_OTHER_VERSION || link == LINK_QUARANTINED ||
	       link == LINK_LOST;
}

static void window_set_title(struct sink_window *window, const char *title)
{
	if (strcmp(window->title, title) != 0) {
		snprintf(window->title, sizeof(window->title), "%s", title);
		SDL_SetWindowTitle(window->stage.window, title);
	}
}

/* Title and overlay: not with every frame, but as often as somebody can read them. */
static void window_refresh(
        struct sink_window *window, const struct view_status *status, uint64_t now_ns)
{
	const struct frame_info *info = window->picture.texture ? &window->picture.info : NULL;
	char title[WINDOW_WORDS_SIZE];
	char numbers[OVERLAY_TEXT_SIZE];

	if (now_ns < window->refresh_ns) {
		return;
	}
	window->refresh_ns = now_ns + REFRESH_NS;
	window_words_title(status, info, window->words.text, title);
	window_set_title(window, title);
	if (window->is_overlay_on) {
		overlay_write(status, info, numbers);
		window->is_dirty |= window_label_set(&window->overlay, numbers);
	}
}

static void window_take_status(struct sink_window *window, const struct view_status *status)
{
	char words[WINDOW_WORDS_SIZE];

	if (window->link != status->link) {
		window->link = status->link;
		window->refresh_ns = 0;
		window->is_dirty = true;
	}
	if (is_outlived(status->link)) {
		window_picture_forget(&window->picture);
		window_miss_picture(window, "waiting for the first frame");
	}
	window_words(status, window->picture.texture ? NULL : window->no_picture, words);
	window->is_dirty |= window_label_set(&window->words, words);
}

static int window_open(struct sink **out, const struct sink_request *request, struct complaint *why)
{
	struct sink_window *window = calloc(1, sizeof(*window));
	int result;

	if (!window || (request->folder && !(window->folder = strdup(request->folder)))) {
		free(window);
		complain(why, "out of memory");
		return -ENOMEM;
	}
	result = window_stage_open(&window->stage, request->renderer, why);
	if (result != 0) {
		free(window->folder);
		free(window);
		return result;
	}
	log_debug("renderer %s, video driver %s", window->stage.renderer_name,
	        SDL_GetCurrentVideoDriver());
	window->sink.ops = &sink_window_ops;
	window->link = LINK_WAITING;
	window->events_fd = window_stage_events_fd(&window->stage);
	window->is_dirty = true;
	window_miss_picture(window, "waiting for the first frame");
	window_picture_init(&window->picture, window->stage.renderer);
	window_pointer_init(&window->pointer, window->stage.renderer);
	window_font_init(&window->font, window->stage.renderer);
	window_label_init(&window->words, WORD_POINTS);
	window_label_init(&window->overlay, NOTE_POINTS);
	window_label_init(&window->message, NOTE_POINTS);
	window_snapshot_init(&window->snapshot);
	*out = &window->sink;
	return 0;
}

/* A frame that this renderer cannot hold is said in the window: the next one may be another. */
static void window_take_frame(struct sink_window *window, const struct frame *frame)
{
	struct complaint why;

	if (window_picture_take(&window->picture, frame, &why) == 0) {
		return;
	}
	if (!window->has_warned) {
		log_warning("%s; try --renderer software", why.text);
		window->has_warned = true;
	}
	window_miss_picture(window, why.text);
	window_label_set(&window->words, why.text);
}

static enum sink_result window_frame(
        struct sink *sink, const struct frame *frame, struct complaint *why)
{
	struct sink_window *window = (struct sink_window *)sink;

	(void)why;
	window_pump(window);
	if (window_words_look(window->link) != PICTURE_PLAIN) {
		window->link = LINK_LIVE;
		window->refresh_ns = 0;
	}
	window_label_set(&window->words, "");
	window_take_frame(window, frame);
	if (!window->is_fitted) {
		window->is_fitted = true;
		window_stage_fit(&window->stage,
		        (struct layout_size) { (int)frame->info.width, (int)frame->info.height });
	}
	window->is_dirty = true;
	window_present(window);
	return window->is_done ? SINK_DONE : SINK_OK;
}

static enum sink_result window_tick(
        struct sink *sink, const struct view_status *status, struct complaint *why)
{
	struct sink_window *window = (struct sink_window *)sink;
	uint64_t now_ns = clock_now_ns();
	int result;

	(void)why;
	window_pump(window);
	if (window_snapshot_poll(&window->snapshot, &result)) {
		window_report_snapshot(window, result);
	}
	if (window->message_until != 0 && now_ns > window->message_until) {
		window->message_until = 0;
		window->is_dirty |= window_label_set(&window->message, "");
	}
	window_take_status(window, status);
	window_refresh(window, status, now_ns);
	window_present(window);
	return window->is_done ? SINK_DONE : SINK_OK;
}

static bool window_rest(struct sink *sink, int *events_fd)
{
	struct sink_window *window = (struct sink_window *)sink;

	/* To present may have read events off the connection, where nothing tells of them. */
	SDL_PumpEvents();
	if (SDL_HasEvents(SDL_FIRSTEVENT, SDL_LASTEVENT)) {
		return false;
	}
	*events_fd = window->events_fd;
	return true;
}

static void window_take_pointer(struct sink *sink, const struct pointer *pointer)
{
	struct sink_window *window = (struct sink_window *)sink;

	window_pointer_take(&window->pointer, pointer);
	window->is_dirty = true;
}

static void window_close(struct sink *sink)
{
	struct sink_window *window = (struct sink_window *)sink;
	int result;

	if (!window) {
		return;
	}
	if (window_snapshot_wait(&window->snapshot, &result)) {
		window_report_snapshot(window, result);
	}
	window_label_finish(&window->words);
	window_label_finish(&window->overlay);
	window_label_finish(&window->message);
	window_font_finish(&window->font);
	window_pointer_finish(&window->pointer);
	window_picture_finish(&window->picture);
	window_stage_close(&window->stage);
	free(window->folder);
	free(window);
}

SDL_Window *sink_window_handle(struct sink *sink)
{
	return ((struct sink_window *)sink)->stage.window;
}

uint64_t sink_window_presents(struct sink *sink)
{
	return ((struct sink_window *)sink)->presents;
}

int sink_window_read_pixels(
        struct sink *sink, uint32_t *pixels, size_t capacity, int *width, int *height)
{
	struct sink_window *window = (struct sink_window *)sink;
	struct layout_size area = window_stage_area(&window->stage);

	if ((size_t)area.width * (size_t)area.height > capacity) {
		return -ENOBUFS;
	}
	*width = area.width;
	*height = area.height;
	window_draw(window);
	return SDL_RenderReadPixels(window->stage.renderer, NULL, SDL_PIXELFORMAT_XRGB8888, pixels,
	               area.width * 4) == 0
	               ? 0
	               : -EIO;
}

const struct sink_ops sink_window_ops = {
	.name = "window",
	.is_interactive = true,
	.open = window_open,
	.frame = window_frame,
	.tick = window_tick,
	.rest = window_rest,
	.pointer = window_take_pointer,
	.close = window_close,
};
