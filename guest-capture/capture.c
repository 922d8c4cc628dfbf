/* SPDX-License-Identifier: MIT */
/*
 * One turn: look after the consumers, wait until a frame is due and the source has it, read it,
 * find it a slot, copy it in, publish it, note it down.
 */
#include "capture.h"

#include "clock.h"
#include "log.h"
#include "ring_wake.h"
#include "stop.h"

#define TURN_NS  WAKEUP_LIMIT_NS /* a turn never waits longer */
#define IDLE_NS  NS_PER_S        /* without a frame of a live source */
#define ALONE_NS NS_PER_S        /* between two frames while nobody is attached */
/* What sleeps without a doorbell grow to. */
#define SLEEP_ALONE_NS (5 * NS_PER_MS)
#define SLEEP_SPACE_NS (200 * NS_PER_US)
#define QUIET_TURNS    2u /* without a frame: the heartbeat may rest */

enum turn_result {
	TURN_AGAIN,
	TURN_READY, /* a frame is due and there */
	TURN_PUBLISHED,
	TURN_POINTED, /* the pointer alone */
	TURN_NEXT_SIZE,
	TURN_DONE,
	TURN_DEPOSED,
	TURN_FAILED,
};

/* Each wait looks after the consumers, so that none is found silent while we sleep. */
static bool somebody_is_attached(void *argument)
{
	struct ring_writer *writer = argument;
	uint64_t now_ns = clock_now_ns();

	/* A producer that is deposed has nobody to wait for: its first frame finds out. */
	return !ring_writer_tend(writer, now_ns) || ring_writer_consumers(writer, now_ns) > 0;
}

/* A consumer that comes rings unasked. */
static enum wakeup_end wait_for_anybody(struct capture *capture, uint64_t timeout_ns)
{
	const struct wakeup_wish wish = { somebody_is_attached, NULL, NULL, capture->writer };

	wakeup_listen(&capture->wakeup, capture->doorbell);
	wakeup_relax(&capture->wakeup, SLEEP_ALONE_NS);
	return wakeup_wait(&capture->wakeup, &wish, timeout_ns);
}

void capture_init(struct capture *capture)
{
	wakeup_init(&capture->wakeup, capture->options->wakeup, SLEEP_SPACE_NS);
	wakeup_sharpen();
}

bool capture_wait_for_consumer(struct capture *capture, uint64_t timeout_ns)
{
	uint64_t end_ns = clock_now_ns() + timeout_ns;

	while (!stop_requested()) {
		uint64_t left_ns = clock_elapsed_ns(clock_now_ns(), end_ns);

		if (wait_for_anybody(capture, left_ns) == WAKEUP_NEWS) {
			return true;
		}
		if (left_ns == 0) {
			return false;
		}
	}
	return false;
}

static void sleep_ns(uint64_t wait_ns, uint64_t now_ns)
{
	clock_sleep_until_ns(now_ns + (wait_ns < TURN_NS ? wait_ns : TURN_NS));
}

/* A live source sets its own pace: each of its frames is due when it comes. */
static void start_pacer(struct capture *capture, uint64_t now_ns)
{
	pacer_start(&capture->pacer,
	        capture->source->is_live ? 0 : capture->options->frames_per_second, now_ns);
}

/* How long to go without a frame because nobody would see it; 0 = not at all. */
static uint64_t alone_ns(struct capture *capture, uint64_t now_ns)
{
	bool alone =
	        ring_writer_consumers(capture->writer, now_ns) == 0 && !capture->source->is_live;
	uint64_t since_ns = clock_elapsed_ns(capture->published_ns, now_ns);

	if (!alone || capture->published_ns == 0) {
		return 0;
	}
	/* What is not asked for is not late. */
	start_pacer(capture, now_ns);
	if (since_ns >= ALONE_NS) {
		return 0;
	}
	if (!capture->told_alone) {
		capture->told_alone = true;
		log_info("nobody is attached: publishing one frame a second until somebody is");
	}
	return ALONE_NS - since_ns;
}

static bool size_is_done(const struct capture *capture, uint64_t now_ns)
{
	const struct capture_options *options = capture->options;

	if (options->frames && capture->size_frames >= options->frames) {
		return true;
	}
	if (options->duration_ns) {
		return clock_elapsed_ns(capture->size_start_ns, now_ns) >= options->duration_ns;
	}
	return !options->frames && options->size_count > 1 &&
	       clock_elapsed_ns(capture->size_start_ns, now_ns) >= NS_PER_S;
}

/* The pointer goes ahead of the frame that it came with. */
static void point(struct capture *capture)
{
	struct source *source = capture->source;

	if (source->pointer_is_new) {
		ring_writer_point(capture->writer, &source->pointer, source->shape_is_new);
		source->pointer_is_new = false;
		source->shape_is_new = false;
	}
}

/* Is a frame due, and has the source one? */
static enum turn_result wait_for_frame(struct capture *capture, struct complaint *why)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t wait_ns = alone_ns(capture, now_ns);
	enum source_result result;

	if (wait_ns > 0) {
		wait_for_anybody(capture, wait_ns);
		return TURN_AGAIN;
	}
	wait_ns = pacer_left_ns(&capture->pacer, now_ns);
	if (wait_ns > 0) {
		sleep_ns(wait_ns, now_ns);
		return TURN_AGAIN;
	}
	result = capture->source->ops->wait(capture->source, (int)(TURN_NS / NS_PER_MS), why);
	point(capture);
	switch (result) {
	case SOURCE_FRAME:
		return TURN_READY;
	case SOURCE_POINTER:
		return TURN_POINTED;
	case SOURCE_NOTHING:
		return TURN_AGAIN;
	case SOURCE_END:
		return TURN_DONE;
	case SOURCE_FAILED:
		break;
	}
	return TURN_FAILED;
}

struct slot_search {
	struct capture *capture;
	const struct frame_info *info;
	enum writer_result result;
};

static bool slot_was_found(void *argument)
{
	struct slot_search *search = argument;

	search->result = ring_writer_begin(search->capture->writer, search->info, clock_now_ns());
	return search->result != WRITER_WOULD_BLOCK;
}

/* The other two of that wish. */
static void arm_space(void *argument)
{
	const struct slot_search *search = argument;

	ring_writer_arm_space(search->capture->writer);
}

static void disarm_space(void *argument)
{
	const struct slot_search *search = argument;

	ring_writer_disarm_space(search->capture->writer);
}

/* In lossless mode this waits for the slowest consumer, or until it is given up. */
static enum writer_result find_slot(struct capture *capture, const struct frame_info *info)
{
	struct slot_search search = { .capture = capture, .info = info };
	const struct wakeup_wish wish = { slot_was_found, arm_space, disarm_space, &search };

	if (slot_was_found(&search)) {
		return search.result;
	}
	capture->record->counts.waited_for_space++;
	wakeup_relax(&capture->wakeup, SLEEP_SPACE_NS);
	do {
		bool is_rung = ring_writer_will_be_rung(capture->writer);

		(void)ring_writer_tend(capture->writer, clock_now_ns());
		wakeup_listen(&capture->wakeup, is_rung ? capture->doorbell : NULL);
	} while (!stop_requested() && wakeup_wait(&capture->wakeup, &wish, TURN_NS) != WAKEUP_NEWS);
	return search.result;
}

/* A screen may get any size, and another one again: each is said once, and waited for. */
static enum turn_result skip_too_large(struct capture *capture, const struct frame_info *info)
{
	char need[24];

	ring_writer_count_not_published(capture->writer, 1);
	if (!capture->is_too_large || !frame_info_equal(&capture->too_large, info)) {
		capture->is_too_large = true;
		capture->too_large = *info;
		log_warning("%ux%u %s: no picture until it fits again; %u slots of it need a "
		            "region of %s",
		        info->width, info->height,
		        frame_fault_text(ring_writer_fault(capture->writer)),
		        capture->options->slots,
		        region_format_size(ring_region_size_for(
		                                   capture->options->slots, frame_info_bytes(info)),
		                need));
	}
	return TURN_AGAIN;
}

static enum turn_result publish(struct capture *capture, struct frame *frame, struct complaint *why)
{
	switch (find_slot(capture, &frame->info)) {
	case WRITER_OK:
		break;
	case WRITER_WOULD_BLOCK: /* asked to stop meanwhile */
		ring_writer_count_not_published(capture->writer, 1);
		return TURN_DONE;
	case WRITER_DEPOSED:
		return TURN_DEPOSED;
	case WRITER_NO_FIT:
		if (capture->source->is_live) {
			return skip_too_large(capture, &frame->info);
		}
		complain(why, "a frame of %ux%u %s", frame->info.width, frame->info.height,
		        frame_fault_text(ring_writer_fault(capture->writer)));
		return TURN_FAILED;
	case WRITER_EXHAUSTED:
		complain(why, "2^56 frames are published; start again for a new session");
		return TURN_FAILED;
	}
	frame->times.claimed_ns = clock_now_ns();
	ring_writer_copy(capture->writer, capture->copier, frame->pixels, &frame->damage);
	frame->times.published_ns = clock_now_ns();
	if (ring_writer_publish(capture->writer, frame) == WRITER_DEPOSED) {
		return TURN_DEPOSED;
	}
	capture->published_ns = clock_now_ns();
	ring_writer_linger(capture->writer);
	capture->is_too_large = false;
	return TURN_PUBLISHED;
}

/* Nothing happens: we come by often enough to do the heartbeat's work. */
static void note_quiet(struct capture *capture, bool is_quiet)
{
	if (!is_quiet) {
		capture->quiet = 0;
		heartbeat_resume(capture->heartbeat);
	} else if (++capture->quiet >= QUIET_TURNS) {
		heartbeat_rest(capture->heartbeat);
	}
}

/* Static, switched off, or alive: a viewer tells neither from a freeze by itself. */
static void say_state(struct capture *capture, uint64_t now_ns)
{
	const struct source *source = capture->source;
	uint32_t state = RING_STATE_RUNNING;

	if (source->is_dark || capture->is_too_large) {
		state = RING_STATE_NO_SIGNAL;
	} else if (source->is_live && capture->published_ns &&
	           clock_elapsed_ns(capture->published_ns, now_ns) >= IDLE_NS) {
		state = RING_STATE_IDLE;
	}
	if (state != capture->state) {
		capture->state = state;
		ring_writer_set_state(capture->writer, state);
	}
}

static enum turn_result take_turn(struct capture *capture, struct complaint *why)
{
	struct frame frame = { .info = capture->info };
	enum turn_result result;
	uint64_t missed;

	if (!ring_writer_tend(capture->writer, clock_now_ns())) {
		return TURN_DEPOSED;
	}
	if (capture->doorbell) {
		doorbell_turn(capture->doorbell, clock_now_ns());
	}
	if (size_is_done(capture, clock_now_ns())) {
		return TURN_NEXT_SIZE;
	}
	say_state(capture, clock_now_ns());
	result = wait_for_frame(capture, why);
	note_quiet(capture, result == TURN_AGAIN);
	if (result != TURN_READY) {
		return result;
	}
	frame.epoch = capture->writer->epoch;
	frame.sequence = ring_writer_next_sequence(capture->writer);
	frame.times.captured_ns = clock_now_ns();
	missed = pacer_take(&capture->pacer, frame.times.captured_ns, &frame.times.due_ns);
	if (missed) {
		ring_writer_count_not_published(capture->writer, missed);
	}
	if (capture->source->ops->read(capture->source, &frame, why) < 0) {
		return TURN_FAILED;
	}
	frame.times.filled_ns = clock_now_ns();
	result = publish(capture, &frame, why);
	say_state(capture, clock_now_ns());
	if (result == TURN_PUBLISHED) {
		capture_record_frame(
		        capture->record, &frame, capture->published_ns, capture->writer->algorithm);
		capture->size_frames++;
	}
	return result;
}

static void start_size(struct capture *capture, int index)
{
	const struct capture_options *options = capture->options;
	uint64_t now_ns = clock_now_ns();

	capture->info = (struct frame_info) {
		.fourcc = options->format->fourcc,
		.width = options->sizes[index].width,
		.height = options->sizes[index].height,
		.stride = pixel_format_stride(options->format, options->sizes[index].width),
	};
	capture->size_frames = 0;
	capture->size_start_ns = now_ns;
	start_pacer(capture, now_ns);
}

/* With limits each size is captured once, without them they follow one another for ever. */
static int next_size(const struct capture *capture, int index)
{
	const struct capture_options *options = capture->options;

	if (index + 1 < options->size_count) {
		return index + 1;
	}
	return options->frames || options->duration_ns ? -1 : 0;
}

static enum capture_result run(struct capture *capture, struct complaint *why)
{
	int size = 0;

	capture->state = RING_STATE_RUNNING;
	start_size(capture, size);
	while (!stop_requested()) {
		switch (take_turn(capture, why)) {
		case TURN_AGAIN:
		case TURN_READY:
		case TURN_PUBLISHED:
		case TURN_POINTED:
			break;
		case TURN_NEXT_SIZE:
			size = next_size(capture, size);
			if (size < 0) {
				return CAPTURE_DONE;
			}
			start_size(capture, size);
			break;
		case TURN_DONE:
			return CAPTURE_DONE;
		case TURN_DEPOSED:
			return CAPTURE_DEPOSED;
		case TURN_FAILED:
			return CAPTURE_FAILED;
		}
	}
	return CAPTURE_DONE;
}

enum capture_result capture_run(struct capture *capture, struct complaint *why)
{
	enum capture_result result = run(capture, why);

	capture->record->counts.uncertain = capture->source->uncertain;
	capture->record->counts.looks = capture->source->looks;
	capture->record->counts.vblanks = capture->source->vblanks;
	heartbeat_resume(capture->heartbeat);
	return result;
}
