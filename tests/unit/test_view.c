/* SPDX-License-Identifier: MIT */
/*
 * The view loop, with a producer in the sink: its frames come exactly when the loop does not look.
 */
#include "view.h"
#include "log.h"
#include "place.h"
#include "ring_writer.h"

#define FRAMES 5u

struct watcher {
	struct sink sink;
	struct link *link;
	struct region region;
	struct ring_writer writer;
	struct heartbeat heartbeat;
	struct copier copier;
	const struct view *view;
	unsigned published;
	unsigned seen;
	bool has_moved;
	unsigned rests; /* since the pointer was seen to move */
};

static const struct frame_info pixel = {
	.fourcc = 0x34325258, /* XR24 */
	.width = 1,
	.height = 1,
	.stride = 4,
};

static void publish(struct watcher *watcher)
{
	struct frame frame = { .info = pixel };

	watcher->published++;
	assert_int_equal(ring_writer_begin(&watcher->writer, &pixel, clock_now_ns()), WRITER_OK);
	ring_writer_copy(&watcher->writer, &watcher->copier, &watcher->published, NULL);
	assert_int_equal(ring_writer_publish(&watcher->writer, &frame), WRITER_OK);
}

/* There is a next one at once: the loop has no reason to wait. */
static enum sink_result take(struct sink *sink, const struct frame *frame, struct complaint *why)
{
	struct watcher *watcher = (struct watcher *)sink;

	(void)why;
	assert_true(frame->sequence == ++watcher->seen);
	if (watcher->link->heartbeat.resting) {
		fail_msg("frame %u, which may take long, and nobody beats", watcher->seen);
	}
	if (watcher->seen == FRAMES) {
		return SINK_DONE;
	}
	publish(watcher);
	return SINK_OK;
}

/* After the look for a frame, before the wait for one. */
static enum sink_result tick(
        struct sink *sink, const struct view_status *status, struct complaint *why)
{
	struct watcher *watcher = (struct watcher *)sink;

	(void)status;
	(void)why;
	if (watcher->published == 0 && watcher->link->heartbeat.resting) {
		publish(watcher);
	}
	return SINK_OK;
}

static const struct sink_ops watching = { .name = "watcher", .frame = take, .tick = tick };

/* Nothing comes from an idle screen; then its pointer moves once. */
static enum sink_result tick_idle(
        struct sink *sink, const struct view_status *status, struct complaint *why)
{
	struct watcher *watcher = (struct watcher *)sink;
	const uint32_t pixels = 0xff000000;
	const struct pointer pointer = { .is_shown = true, .shape = { 1, 1, 0, 0, &pixels } };

	(void)why;
	(void)status;
	if (watcher->view->wakeup.longest_ns == 20 * NS_PER_MS && !watcher->has_moved) {
		watcher->has_moved = true;
		ring_writer_point(&watcher->writer, &pointer, true);
	}
	return watcher->rests > 1 ? SINK_DONE : SINK_OK;
}

static void see_move(struct sink *sink, const struct pointer *pointer)
{
	struct watcher *watcher = (struct watcher *)sink;

	assert_true(pointer->is_shown);
	watcher->seen++;
}

/* Before each wait: the one before this was the first since the move. */
static bool rest(struct sink *sink, int *events_fd)
{
	struct watcher *watcher = (struct watcher *)sink;

	*events_fd = -1;
	if (watcher->seen && ++watcher->rests == 1) {
		assert_false(watcher->link->heartbeat.resting);
	} else if (watcher->rests == 2) {
		assert_int_equal(watcher->view->wakeup.longest_ns, NS_PER_MS);
	}
	return true;
}

static const struct sink_ops pointing = {
	.name = "pointing",
	.tick = tick_idle,
	.rest = rest,
	.pointer = see_move,
};

static void open_producer(struct watcher *watcher, const char *path)
{
	const struct ring_writer_config config = { .slot_count = 4,
		.version_text = "watcher",
		.shape_capacity = RING_SHAPE_CAPACITY_MIN };
	struct complaint why;

	assert_int_equal(region_create(path, MIB, &why), 0);
	assert_int_equal(region_open(&watcher->region, path, REGION_WRITE, NULL, &why), 0);
	assert_int_equal(copier_init(&watcher->copier, COPY_IN), 0);
	assert_int_equal(
	        ring_writer_occupy(&watcher->writer,
	                ring_memory_of_region(watcher->region.bytes, watcher->region.size), false),
	        OCCUPY_OK);
	assert_int_equal(ring_writer_open(&watcher->writer, &config), 0);
	assert_int_equal(
	        heartbeat_start(&watcher->heartbeat, &watcher->writer.identity->heartbeat), 0);
}

/* The view loop on this watcher, until it has enough. */
static void watch(const struct place *place, const struct sink_ops *ops, struct watcher *watcher,
        uint32_t producer_state)
{
	static struct viewer_record record;
	struct link link;
	const struct viewer_options options = {
		.region = place->path,
		.mode = READER_LATEST,
		.mode_name = "latest",
		.wait_ns = 60 * NS_PER_S,
	};
	const struct link_config config = { .region = place->path,
		.block = LINK_BLOCK_ANY,
		.wants_pointer = ops->pointer != NULL };
	struct copier copier;
	struct view view = { .options = &options,
		.link = &link,
		.copier = &copier,
		.sink = &watcher->sink,
		.record = &record };
	struct complaint why;

	memset(watcher, 0, sizeof(*watcher));
	watcher->sink.ops = ops;
	watcher->link = &link;
	watcher->view = &view;
	open_producer(watcher, place->path);
	ring_writer_set_state(&watcher->writer, producer_state);
	link_init(&link, &config);
	assert_int_equal(link_open(&link, &why), 0);
	assert_int_equal(copier_init(&copier, COPY_OUT), 0);
	assert_int_equal(viewer_record_open(&record, NULL, &why), 0);
	assert_int_equal(view_run(&view, &why), VIEW_DONE);
	view_finish(&view);
	assert_int_equal(viewer_record_close(&record), 0);
	viewer_record_finish(&record);
	link_close(&link);
	copier_finish(&copier);
	heartbeat_stop(&watcher->heartbeat);
	region_close(&watcher->region);
	copier_finish(&watcher->copier);
}

static void a_busy_loop_after_a_quiet_time_has_a_beating_heart(void **state)
{
	static struct watcher watcher;

	watch(*state, &watching, &watcher, RING_STATE_RUNNING);
	assert_int_equal(watcher.seen, FRAMES);
}

/* Else it would be looked for 50 times a second, and be seen to jerk. */
static void a_pointer_that_moves_on_an_idle_screen_is_looked_for_often(void **state)
{
	static struct watcher watcher;

	watch(*state, &pointing, &watcher, RING_STATE_IDLE);
	assert_int_equal(watcher.seen, 1);
	assert_int_equal(watcher.rests, 2);
}

/* Strips of 10 us copying each: how far away a producer is found that takes longer for them. */
static void after_a_slow_producer_it_looks_away(void **state)
{
	struct view_early early = { .begun_ns = 1000000, .copying_ns = 40000 };

	(void)state;
	assert_int_equal(view_early_spare_ns(&early, 0, 100), 0);
	early.moved_ns = early.begun_ns + 40000;
	assert_int_equal(view_early_spare_ns(&early, 4, 100), 0);
	early.moved_ns = early.begun_ns + 79996;
	assert_int_equal(view_early_spare_ns(&early, 4, 100), 0);
	early.moved_ns = early.begun_ns + 80000;
	assert_int_equal(view_early_spare_ns(&early, 4, 100), 96 * 10000 / 2);
	/* 30 us a strip: what it writes while we are away takes us a third of that. */
	early.moved_ns = early.begun_ns + 120000;
	assert_int_equal(view_early_spare_ns(&early, 4, 100), 96 * 20000 / 2);
	assert_int_equal(view_early_spare_ns(&early, 4, 5), 20000 / 2);
	assert_int_equal(view_early_spare_ns(&early, 4, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_busy_loop_after_a_quiet_time_has_a_beating_heart,
		        place_set_up, place_tear_down),
		cmocka_unit_test_setup_teardown(
		        a_pointer_that_moves_on_an_idle_screen_is_looked_for_often, place_set_up,
		        place_tear_down),
		cmocka_unit_test(after_a_slow_producer_it_looks_away),
	};

	log_init("test_view", LOG_LEVEL_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
