/* SPDX-License-Identifier: MIT */
/*
 * One turn: see how the link stands, take a frame if there is one, hand it on if it is right, tell
 * the sink how things are, wait until there is something to do.
 */
#include "view.h"

#include "clock.h"
#include "frame_memory.h"
#include "log.h"
#include "ring_wake.h"
#include "stop.h"

#include <stdlib.h>
#include <string.h>

#define METER_NS    (250 * NS_PER_MS) /* between two readings of the meter */
#define PROGRESS_NS NS_PER_S
/*
 * Sleeps without a doorbell grow to this while something comes, while a stream pauses, while its
 * producer is idle or gone.
 */
#define SLEEP_RUNNING_NS NS_PER_MS
#define SLEEP_PAUSED_NS  (4 * NS_PER_MS)
#define SLEEP_GONE_NS    (20 * NS_PER_MS)
#define QUIET_WAITS      2u /* that came to nothing: the heartbeat may rest */

enum turn_result {
	TURN_FRAME, /* there was one: look for the next at once */
	TURN_NOTHING,
	TURN_DONE,
	TURN_FAILED,
};

static bool is_interactive(const struct view *view)
{
	return view->sink->ops->is_interactive;
}

/* The largest frame this session can have, so that no size change allocates. */
static bool reserve_pixels(struct view *view, struct complaint *why)
{
	uint64_t need = view->link->reader.geometry.slot_capacity;

	if (need <= view->capacity) {
		return true;
	}
	free(view->pixels);
	/* Pages that no frame reaches are never touched and cost nothing. */
	view->pixels = frame_memory_alloc(need);
	view->capacity = view->pixels ? need : 0;
	if (!view->pixels) {
		complain(why, "out of memory: a copy of one slot needs %llu bytes",
		        (unsigned long long)need);
		return false;
	}
	return true;
}

static enum turn_result hand_on(struct view *view, const struct frame *frame,
        struct viewer_times *times, struct complaint *why)
{
	enum sink_result result = view->sink->ops->frame(view->sink, frame, why);

	times->presented_ns = clock_now_ns();
	switch (result) {
	case SINK_OK:
		return TURN_FRAME;
	case SINK_DONE:
		return TURN_DONE;
	case SINK_FAILED:
		break;
	}
	return TURN_FAILED;
}

/* What is expected is the first that can be seen of a frame: that its copy begins, or has ended. */
static void learn(struct view *view, const struct frame *frame, uint64_t seen_ns)
{
	const struct frame_times *times = &frame->times;
	uint64_t begun_ns = view->link->reader.reads_early && times->claimed_ns
	                            ? times->claimed_ns
	                            : times->published_ns;

	wakeup_learn(&view->wakeup, frame->sequence, begun_ns,
	        seen_ns - clock_elapsed_ns(begun_ns, times->published_ns));
}

/* Copies the claimed frame out, judges it and hands it on. */
static enum turn_result take_frame(
        struct view *view, struct frame *frame, uint64_t seen_ns, struct complaint *why)
{
	struct viewer_times times = { .seen_ns = seen_ns, .latency = LATENCY_UNKNOWN };
	enum turn_result turn = TURN_FRAME;
	enum reader_result result;

	clock_question_meet(&view->clock, &view->link->reader);
	/* As long as there is always a next frame, nothing else ends the rest. */
	view->quiet = 0;
	link_resume(view->link);
	result = ring_reader_copy(&view->link->reader, view->copier, view->pixels, frame);
	times.verified_ns = clock_now_ns();
	if (result == READER_FRAME) {
		view->first_ns = view->first_ns ? view->first_ns : times.verified_ns;
		meter_frame(&view->meter, times.verified_ns, times.verified_ns - seen_ns);
		learn(view, frame, seen_ns);
		turn = hand_on(view, frame, &times, why);
		clock_offset_add_seen(&view->clock.offset, frame->times.published_ns, seen_ns);
		times.latency =
		        latency_of(&view->clock.offset, &frame->times, seen_ns, times.verified_ns,
		                is_interactive(view) ? times.presented_ns : times.verified_ns);
		view->latency = times.latency;
	} else if (result == READER_BAD) {
		log_debug("frame %llu %s", (unsigned long long)frame->sequence,
		        frame_fault_text(ring_reader_fault(&view->link->reader)));
	}
	viewer_record_frame(view->record, frame, result,
	        (enum digest_algorithm)view->link->reader.claim.digest_algorithm, &times);
	clock_question_announce(&view->clock, &view->link->reader);
	if (result == READER_STALE) {
		link_drop(view->link, RING_BYE_DETACHED);
	}
	return turn;
}

/* A frame that was counted without ever being copied: only its number is known. */
static void note_lost(struct view *view, enum reader_result result, uint64_t last, uint64_t seen_ns)
{
	const struct ring_reader *reader = &view->link->reader;
	const struct frame nothing = { .epoch = reader->epoch, .sequence = reader->last };
	const struct viewer_times times = { .seen_ns = seen_ns, .latency = LATENCY_UNKNOWN };

	if (reader->last != last) {
		viewer_record_frame(view->record, &nothing, result, DIGEST_NONE, &times);
	}
}

/* None is published: is one being written? */
static enum turn_result look_ahead(struct view *view, struct complaint *why)
{
	struct ring_reader *reader = &view->link->reader;

	if (!reserve_pixels(view, why)) {
		return TURN_FAILED;
	}
	return view_early_turn(&view->early, reader, view->copier, view->pixels) ? TURN_FRAME
	                                                                         : TURN_NOTHING;
}

static enum turn_result look_for_frame(struct view *view, struct complaint *why)
{
	struct ring_reader *reader = &view->link->reader;
	uint64_t seen_ns = clock_now_ns();
	uint64_t last = reader->last;
	enum reader_result result;
	struct frame frame;

	if (!view->link->attached) {
		return TURN_NOTHING;
	}
	result = ring_reader_claim(reader, &frame);
	switch (result) {
	case READER_FRAME:
		return reserve_pixels(view, why) ? take_frame(view, &frame, seen_ns, why)
		                                 : TURN_FAILED;
	case READER_TORN:
	case READER_BAD:
		note_lost(view, result, last, seen_ns);
		return TURN_FRAME;
	case READER_STALE:
		note_lost(view, result, last, seen_ns);
		link_drop(view->link, RING_BYE_DETACHED);
		return TURN_NOTHING;
	case READER_DEPOSED:
		log_warning("another viewer took consumer block %u; attaching again",
		        view->link->block);
		link_drop(view->link, RING_BYE_DEPOSED);
		return TURN_NOTHING;
	case READER_EMPTY:
		return look_ahead(view, why);
	case READER_BUSY:
	case READER_QUARANTINED:
		break;
	}
	return TURN_NOTHING;
}

static void look_for_pointer(struct view *view)
{
	struct ring_reader *reader = view->link->attached ? &view->link->reader : NULL;

	if (view_pointer_turn(&view->pointer, reader, view->sink)) {
		/* As with a frame, there may always be a next one. */
		view->quiet = 0;
		link_resume(view->link);
		/* The sink shows it with the frame of this turn, or at the tick after it. */
		view->next_tick_ns = 0;
	}
}

static bool has_news(struct view *view)
{
	return view->link->attached && ring_reader_has_news(&view->link->reader);
}

/* The four of a struct wakeup_wish. */
static bool news(void *argument)
{
	return has_news(argument);
}

static void arm(void *argument)
{
	const struct view *view = argument;

	ring_reader_arm(&view->link->reader);
}

static void disarm(void *argument)
{
	const struct view *view = argument;

	ring_reader_disarm(&view->link->reader);
}

/* The end is shown once the last frame is. */
static enum link_state state_to_show(struct view *view)
{
	enum link_state state = view->link->state;

	return (state == LINK_ENDED || state == LINK_FAULT) && has_news(view) ? LINK_LIVE : state;
}

static void fill_status(struct view *view, uint64_t now_ns, struct view_status *status)
{
	const struct ring_reader_counts counts = link_counts(view->link);

	*status = (struct view_status) {
		.link = state_to_show(view),
		.region = view->options->region,
		.detail = view->link->detail.text,
		.mode = view->options->mode_name,
		.digest = view->record->digest ? view->record->digest : "none yet",
		.frames_per_second = view->reading.frames_per_second,
		.verify_ns = view->reading.verify_ns,
		.interval_ns = view->reading.interval_ns,
		.latency = view->reading.verify_ns ? view->latency : LATENCY_UNKNOWN,
		.silent_ns = view->link->pulse.moved
		                     ? clock_elapsed_ns(view->link->pulse.moved_ns, now_ns)
		                     : 0,
		.waking = wakeup_in_use(&view->wakeup, now_ns),
		.rung = view->wakeup.counts.rung,
		.spurious = view->wakeup.counts.spurious,
		.timeouts = view->wakeup.counts.timeouts,
		.verified = counts.verified,
		.skipped = counts.skipped,
		.torn = counts.torn,
		.stale = counts.stale,
		.bad = counts.bad,
	};
}

static void tell(struct view *view, uint64_t now_ns)
{
	const struct link *link = view->link;

	if (link->state != view->told || strcmp(link->detail.text, view->told_detail.text) != 0) {
		view->told = link->state;
		view->told_detail = link->detail;
		log_info("%s%s%s", link_state_text(link->state), link->detail.text[0] ? ": " : "",
		        link->detail.text);
	}
	if (now_ns >= view->next_progress_ns && !is_interactive(view)) {
		const struct ring_reader_counts counts = link_counts(link);

		view->next_progress_ns = now_ns + PROGRESS_NS;
		if (counts.verified) {
			log_info(
			        "%.1f fps, verify %.2f ms, %llu verified, %llu skipped, %llu torn, "
			        "%llu bad",
			        view->reading.frames_per_second,
			        (double)view->reading.verify_ns / (double)NS_PER_MS,
			        (unsigned long long)counts.verified,
			        (unsigned long long)counts.skipped, (unsigned long long)counts.torn,
			        (unsigned long long)counts.bad);
		}
	}
}

static enum turn_result tick(struct view *view, uint64_t now_ns, struct complaint *why)
{
	struct view_status status;

	if (now_ns < view->next_tick_ns) {
		return TURN_NOTHING;
	}
	view->next_tick_ns = now_ns + SINK_TICK_NS;
	if (now_ns >= view->next_meter_ns) {
		view->next_meter_ns = now_ns + METER_NS;
		view->reading = meter_read(&view->meter, now_ns);
	}
	fill_status(view, now_ns, &status);
	tell(view, now_ns);
	switch (view->sink->ops->tick(view->sink, &status, why)) {
	case SINK_OK:
		return TURN_NOTHING;
	case SINK_DONE:
		return TURN_DONE;
	case SINK_FAILED:
		break;
	}
	return TURN_FAILED;
}

static bool limits_reached(const struct view *view, uint64_t now_ns)
{
	const struct viewer_options *options = view->options;

	if (options->frames && link_counts(view->link).verified >= options->frames) {
		return true;
	}
	return options->duration_ns && view->first_ns &&
	       clock_elapsed_ns(view->first_ns, now_ns) >= options->duration_ns;
}

static uint64_t longest_sleep_ns(const struct view *view)
{
	/* Also on a screen that is idle: its pointer moves. */
	if (!view->quiet) {
		return SLEEP_RUNNING_NS;
	}
	return view->link->state == LINK_LIVE ? SLEEP_PAUSED_NS : SLEEP_GONE_NS;
}

static void wait_for_news(struct view *view)
{
	const struct wakeup_wish wish = { news, arm, disarm, view };
	uint64_t limit_ns = link_patience_ns(view->link, clock_now_ns());
	enum wakeup_end end;

	if (has_news(view)) {
		/* There is news and we could not use it: the producer is quicker, or it plays. */
		clock_sleep_until_ns(clock_now_ns() + NS_PER_MS / 2);
		return;
	}
	if (view->sink->ops->rest && !view->sink->ops->rest(view->sink, &view->wakeup.events_fd)) {
		view->next_tick_ns = 0;
		return;
	}
	if (is_interactive(view) && view->wakeup.events_fd < 0 && limit_ns > SINK_TICK_NS) {
		limit_ns = SINK_TICK_NS;
	}
	wakeup_listen(&view->wakeup, link_doorbell(view->link));
	wakeup_relax(&view->wakeup, longest_sleep_ns(view));
	end = wakeup_wait(&view->wakeup, &wish, limit_ns);
	if (end != WAKEUP_TIMEOUT) {
		view->quiet = 0;
		link_resume(view->link);
	} else if (++view->quiet >= QUIET_WAITS) {
		link_rest(view->link);
	}
	if (end == WAKEUP_EVENT) {
		view->next_tick_ns = 0;
	}
}

/* Nobody may wait for ever unless somebody watches. */
static bool gave_up(const struct view *view, uint64_t now_ns)
{
	if (is_interactive(view) && !view->options->wait) {
		return false;
	}
	if (is_interactive(view) && view->first_ns) {
		return false;
	}
	return clock_elapsed_ns(view->alive_ns, now_ns) >= view->options->wait_ns;
}

static enum view_result why_nobody_came(const struct view *view, struct complaint *why)
{
	if (!view->link->region.bytes) {
		complain(why, "%s: %s", view->options->region, view->link->detail.text);
		return VIEW_REGION;
	}
	if (view->link->state == LINK_QUARANTINED) {
		complain(why, "%s: the producer is quarantined: %s", view->options->region,
		        view->link->detail.text);
		return VIEW_INTEGRITY;
	}
	switch (view->link->verdict) {
	case HEADER_GOOD:
	case HEADER_NOT_READY:
		if (view->link->detail.text[0]) {
			/* There is a producer, and something else that kept us from it. */
			complain(why, "%s: %s", view->options->region, view->link->detail.text);
			return VIEW_FAILED;
		}
		complain(why,
		        "%s: no producer within %.1f s; start guest-capture, or wait longer with "
		        "--wait",
		        view->options->region, (double)view->options->wait_ns / (double)NS_PER_S);
		return VIEW_NO_PEER;
	case HEADER_OTHER_VERSION:
	case HEADER_NEEDS_FEATURES:
		complain(why, "%s: %s; install one version on both sides", view->options->region,
		        view->link->detail.text);
		return VIEW_OTHER_VERSION;
	default:
		complain(why,
		        "%s: %s; name another --region, or start guest-capture with --takeover to "
		        "format it",
		        view->options->region, view->link->detail.text);
		return VIEW_REGION;
	}
}

/* Is it over? returns: true with *result set */
static bool is_over(
        struct view *view, uint64_t now_ns, enum view_result *result, struct complaint *why)
{
	enum link_state state = view->link->state;

	*result = VIEW_DONE;
	if (stop_requested() || limits_reached(view, now_ns)) {
		return true;
	}
	if (state == LINK_LIVE || state == LINK_IDLE || state == LINK_NO_SIGNAL ||
	        state == LINK_PAUSED) {
		view->alive_ns = now_ns;
		return false;
	}
	if (is_interactive(view)) {
		if (gave_up(view, now_ns)) {
			*result = why_nobody_came(view, why);
			return true;
		}
		return false;
	}
	if (state == LINK_ENDED && !has_news(view)) {
		return true;
	}
	if (state == LINK_FAULT && !has_news(view)) {
		complain(why, "%s: the producer reported a fault and stopped; its own log says why",
		        view->options->region);
		*result = VIEW_FAILED;
		return true;
	}
	if (state == LINK_OTHER_VERSION || state == LINK_QUARANTINED || gave_up(view, now_ns)) {
		*result = why_nobody_came(view, why);
		return true;
	}
	return false;
}

enum view_result view_run(struct view *view, struct complaint *why)
{
	enum view_result result;

	wakeup_init(&view->wakeup, view->options->wakeup, SLEEP_RUNNING_NS);
	wakeup_sharpen();
	meter_init(&view->meter);
	clock_question_init(&view->clock);
	view->latency = LATENCY_UNKNOWN;
	view->alive_ns = clock_now_ns();
	view->told = LINK_LIVE;
	for (;;) {
		uint64_t now_ns = clock_now_ns();
		enum turn_result turn;
		enum turn_result ticked;

		link_turn(view->link, now_ns);
		look_for_pointer(view);
		turn = look_for_frame(view, why);
		ticked = tick(view, clock_now_ns(), why);
		if (turn == TURN_FAILED || ticked == TURN_FAILED) {
			return VIEW_FAILED;
		}
		if (turn == TURN_DONE || ticked == TURN_DONE) {
			return VIEW_DONE;
		}
		if (is_over(view, now_ns, &result, why)) {
			tell(view, now_ns);
			return result;
		}
		if (turn == TURN_NOTHING) {
			wait_for_news(view);
		}
	}
}

void view_finish(struct view *view)
{
	free(view->pixels);
	view->pixels = NULL;
	view_pointer_finish(&view->pointer);
}
