/* SPDX-License-Identifier: MIT */
/*
 * What a screen of this machine shows, read from the kernel's scanout. Nobody tells when it
 * changes, so it is looked at again and again, as screen_clock.h says; while nothing changes only
 * at some of its lines.
 *
 * There is no lock against whoever draws. Flips alternate buffers: one that was flipped away while
 * it was read is read again. What is drawn in place is read again where it changed meanwhile, a few
 * times; what still changes then is counted as uncertain.
 */
#include "clock.h"
#include "kms_card.h"
#include "kms_cursor.h"
#include "kms_scanout.h"
#include "log.h"
#include "screen_clock.h"
#include "screen_compose.h"
#include "screen_copy.h"
#include "source_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RATE  60.0
#define DARK_NS       (100 * NS_PER_MS) /* between looks at a screen that is off */
#define REOPEN_NS     NS_PER_S          /* between tries to open a card that went away */
#define FLIPS_MAX     3u                /* looks at a buffer that is flipped away each time */
#define ARGUMENT_SIZE 128u

struct kms_source {
	struct source base;
	char path[KMS_PATH_SIZE]; /* "": whichever */
	struct kms_card card;
	struct kms_scanout scanout;
	uint32_t crtc;
	uint32_t buffer; /* the one that was shown at the last look */
	struct screen_copy copy;
	enum cursor_way cursor_way;
	uint32_t shape_capacity; /* bytes, of the pointer's channel */
	struct kms_cursor cursor;
	bool is_composed; /* the pointer is in the picture now */
	uint64_t images;  /* of the pointer, that were handed on */
	struct screen_compose compose;
	struct tile_set changed;
	struct screen_clock clock;
	struct screen_beat beat;
	uint64_t captured_ns;
	uint64_t last_sequence;
	bool is_ready;
	struct complaint told; /* why there is no picture */
};

static void kms_close(struct source *source)
{
	struct kms_source *kms = (struct kms_source *)source;

	if (!kms) {
		return;
	}
	kms_scanout_finish(&kms->scanout);
	kms_card_close(&kms->card);
	screen_copy_finish(&kms->copy);
	screen_compose_finish(&kms->compose);
	kms_cursor_finish(&kms->cursor);
	free(kms);
}

/* "[/dev/dri/card0][,crtc=41]" */
static int parse_argument(struct kms_source *kms, const char *argument, struct complaint *why)
{
	const char *comma = argument ? strchr(argument, ',') : NULL;
	size_t length = !argument ? 0 : comma ? (size_t)(comma - argument) : strlen(argument);
	char end;

	if (length >= sizeof(kms->path) ||
	        (comma && sscanf(comma, ",crtc=%u%c", &kms->crtc, &end) != 1)) {
		complain(why,
		        "'%.60s' names no screen; give kms, kms:/dev/dri/card0 or "
		        "kms:/dev/dri/card0,crtc=41 ('--list-sources' lists them)",
		        argument);
		return -EINVAL;
	}
	memcpy(kms->path, argument ? argument : "", length);
	kms->path[length] = '\0';
	return 0;
}

static int open_card(struct kms_source *kms, struct complaint *why)
{
	int error = kms_card_open(&kms->card, kms->path[0] ? kms->path : NULL, why);

	if (error) {
		return error;
	}
	if (kms->crtc && !kms_card_crtc_bit(&kms->card, kms->crtc)) {
		complain(why, "%s has no CRTC %u; 'guest-capture --list-sources' lists what is",
		        kms->card.path, kms->crtc);
		kms_card_close(&kms->card);
		return -ENOENT;
	}
	kms_scanout_init(&kms->scanout, &kms->card, kms->crtc);
	screen_clock_new_card(&kms->clock);
	return 0;
}

static void close_card(struct kms_source *kms)
{
	kms_scanout_finish(&kms->scanout);
	kms_card_close(&kms->card);
	/* Its number means nothing on the next card. */
	kms_cursor_forget(&kms->cursor);
}

static int kms_open(
        struct source **out, const struct source_request *request, struct complaint *why)
{
	struct kms_source *kms = calloc(1, sizeof(*kms));
	double rate = request->frames_per_second > 0 ? request->frames_per_second : DEFAULT_RATE;
	struct kms_view view;
	int error;

	if (!kms) {
		complain(why, "out of memory");
		return -ENOMEM;
	}
	kms->base.ops = &source_kms;
	kms->base.is_live = true;
	kms->cursor_way = request->cursor;
	kms->shape_capacity = request->shape_capacity;
	kms->card.fd = -1;
	screen_clock_init(&kms->clock, (uint64_t)((double)NS_PER_S / rate));
	error = parse_argument(kms, request->argument, why);
	if (!error) {
		error = open_card(kms, why);
	}
	/* What will never work is said now; a screen that is off may be switched on. */
	if (!error && kms_scanout_look(&kms->scanout, &view, why) == KMS_GONE) {
		error = -EACCES;
	}
	if (error) {
		kms_close(&kms->base);
		return error;
	}
	log_info("screen %s", kms->card.path);
	*out = &kms->base;
	return 0;
}

/* Beside the picture, where it is not in it. */
static void hand_on_pointer(struct kms_source *kms)
{
	struct source *source = &kms->base;

	source->pointer = kms_cursor_pointer(&kms->cursor);
	source->pointer.is_shown &= !kms->is_composed;
	source->pointer_is_new = true;
	source->shape_is_new |= source->pointer.is_shown && kms->images != kms->cursor.images;
	if (source->pointer.is_shown) {
		kms->images = kms->cursor.images;
	}
}

static bool must_compose(const struct kms_source *kms)
{
	const struct pointer pointer = kms_cursor_pointer(&kms->cursor);

	return pointer.is_shown &&
	       (kms->cursor_way == CURSOR_COMPOSED ||
	               pointer_shape_bytes(&pointer.shape) > kms->shape_capacity);
}

/* returns: whether the picture changes with it */
static bool look_at_cursor(struct kms_source *kms, uint32_t crtc)
{
	bool was_composed = kms->is_composed;
	bool differs;

	if (kms->cursor_way == CURSOR_NONE) {
		return false;
	}
	differs = kms_cursor_look(&kms->cursor, &kms->card, crtc);
	kms->is_composed = must_compose(kms);
	if (kms->cursor_way == CURSOR_CHANNEL && differs) {
		hand_on_pointer(kms);
	}
	return differs && (was_composed || kms->is_composed);
}

/* There is no picture, for this reason; said once. */
static void go_dark(struct kms_source *kms, const char *why, uint64_t now_ns)
{
	if (strcmp(kms->told.text, why) != 0) {
		complain(&kms->told, "%s", why);
		log_info("no picture: %s", why);
	}
	if (kms->cursor.is_shown && kms->cursor_way == CURSOR_CHANNEL) {
		kms->cursor.is_shown = false;
		hand_on_pointer(kms);
	}
	kms->base.is_dark = true;
	screen_clock_set(&kms->clock, now_ns + DARK_NS);
}

static void look_for_card(struct kms_source *kms, uint64_t now_ns)
{
	struct complaint why;

	screen_clock_set(&kms->clock, now_ns + (open_card(kms, &why) == 0 ? 0 : REOPEN_NS));
}

/*
 * Reads what is shown into our copy. What was just flipped to is left alone by who draws; all else
 * is read until it stands still.
 *
 * is_torn: set when it is of two pictures, perhaps
 * returns: whether it changed
 */
static bool read_view(struct kms_source *kms, const struct kms_view *view, bool *is_torn)
{
	/* A screen at rest is glanced at; one that moves is read. */
	bool is_moving = !kms->copy.is_whole || screen_clock_is_moving(&kms->clock, clock_now_ns());
	bool is_flipped = view->buffer != kms->buffer;
	bool any;

	kms->buffer = view->buffer;
	kms_view_begin(view);
	any = screen_copy_look(&kms->copy, view->pixels, view->pitch, is_moving);
	*is_torn = any && !is_flipped && !screen_copy_settle(&kms->copy, view->pixels, view->pitch);
	kms_view_end(view);
	return any;
}

/* One look. returns: whether there is a new picture */
static bool look(struct kms_source *kms, uint64_t now_ns)
{
	struct complaint why;
	struct kms_view view;
	bool is_torn = false;
	bool any = false;

	for (unsigned i = 0; i < FLIPS_MAX; i++) {
		switch (kms_scanout_look(&kms->scanout, &view, &why)) {
		case KMS_SHOWN:
			break;
		case KMS_DARK:
			go_dark(kms, "the screen is off", now_ns);
			return false;
		case KMS_WRONG:
			go_dark(kms, why.text, now_ns);
			return false;
		case KMS_GONE:
			go_dark(kms, why.text, now_ns);
			close_card(kms);
			return false;
		}
		if (screen_copy_shape(&kms->copy, &view.info) != 0) {
			go_dark(kms, "out of memory for a copy of the screen", now_ns);
			return false;
		}
		any |= read_view(kms, &view, &is_torn);
		any |= look_at_cursor(kms, view.crtc);
		if (!any || kms_scanout_is_shown(&kms->scanout, &view)) {
			break;
		}
		/* Flipped away, it may have been drawn into while it was read. */
		is_torn = true;
	}
	kms->base.uncertain += any && is_torn;
	kms->told.text[0] = '\0';
	kms->base.is_dark = false;
	kms->beat = (struct screen_beat) { kms->card.fd, view.crtc, view.refresh_ns };
	return any;
}

static void take_look(struct kms_source *kms, uint64_t now_ns)
{
	if (kms->card.fd < 0) {
		look_for_card(kms, now_ns);
		return;
	}
	kms->base.looks++;
	if (look(kms, now_ns)) {
		screen_clock_changed(&kms->clock, now_ns);
		kms->captured_ns = now_ns;
		kms->is_ready = true;
	}
	if (kms->base.pointer_is_new) {
		screen_clock_stirred(&kms->clock, now_ns);
	}
	if (!kms->base.is_dark) {
		screen_clock_plan(&kms->clock, &kms->beat, now_ns);
	}
}

static enum source_result kms_wait(struct source *source, int timeout_ms, struct complaint *why)
{
	struct kms_source *kms = (struct kms_source *)source;
	uint64_t end_ns = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;

	(void)why;
	while (!kms->is_ready && !source->pointer_is_new) {
		if (!screen_clock_wait(&kms->clock, end_ns)) {
			return SOURCE_NOTHING;
		}
		kms->base.vblanks = kms->clock.vblanks;
		take_look(kms, clock_now_ns());
		/* Whoever would only sleep on wakes once more for nothing: the next call may. */
		if (!kms->is_ready && !source->pointer_is_new &&
		        !screen_clock_is_due_by(&kms->clock, end_ns)) {
			return SOURCE_NOTHING;
		}
	}
	return kms->is_ready ? SOURCE_FRAME : SOURCE_POINTER;
}

static int kms_read(struct source *source, struct frame *frame, struct complaint *why)
{
	struct kms_source *kms = (struct kms_source *)source;
	bool is_relative = screen_copy_take(&kms->copy, &kms->changed);

	frame->info = kms->copy.info;
	frame->pixels = screen_compose(
	        &kms->compose, &kms->copy, kms->is_composed ? &kms->cursor : NULL, &kms->changed);
	if (!frame->pixels) {
		complain(why, "out of memory for a picture of %ux%u", frame->info.width,
		        frame->info.height);
		return -ENOMEM;
	}
	tile_set_damage(&kms->changed, frame->info.width, frame->info.height, &frame->damage);
	frame->times.captured_ns = kms->captured_ns;
	/* Relative to the frame before, if that is what became of what we handed out last. */
	frame->damage.base_sequence =
	        is_relative && frame->sequence == kms->last_sequence + 1 ? kms->last_sequence : 0;
	kms->last_sequence = frame->sequence;
	kms->is_ready = false;
	return 0;
}

const struct source_ops source_kms = {
	.name = "kms",
	.open = kms_open,
	.wait = kms_wait,
	.read = kms_read,
	.close = kms_close,
};
