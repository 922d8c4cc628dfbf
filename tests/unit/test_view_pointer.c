/* SPDX-License-Identifier: MIT */
#include "view_pointer.h"

#include "log.h"
#include "pointer_stand.h"

/* A sink that keeps what it was told. */
struct listener {
	struct sink sink;
	unsigned told;
	struct pointer pointer; /* without its pixels */
	bool is_right;          /* the shape was the one with this seed */
	uint64_t seed;
};

static void listen(struct sink *sink, const struct pointer *pointer)
{
	struct listener *listener = (struct listener *)sink;

	listener->told++;
	listener->pointer = *pointer;
	listener->is_right =
	        pointer->shape.width && pointer_is_drawn(&pointer->shape, listener->seed);
}

static const struct sink_ops listening = { .name = "listener", .pointer = listen };
static const struct sink_ops deaf = { .name = "deaf" };

struct watch {
	struct pointer_stand stand;
	struct view_pointer pointer;
	struct listener listener;
};

static void watch_set_up(struct watch *watch)
{
	memset(watch, 0, sizeof(*watch));
	watch->listener.sink.ops = &listening;
	pointer_set_up_plain(&watch->stand);
}

static void watch_tear_down(struct watch *watch)
{
	view_pointer_finish(&watch->pointer);
	assert_null(watch->pointer.pixels);
	pointer_tear_down(&watch->stand);
}

/* returns: how often the sink was told */
static unsigned look(struct watch *watch, bool is_attached)
{
	unsigned before = watch->listener.told;
	bool told = view_pointer_turn(
	        &watch->pointer, is_attached ? &watch->stand.reader : NULL, &watch->listener.sink);

	assert_int_equal(told, watch->listener.told != before);
	return watch->listener.told - before;
}

static void assert_summary(const struct view_pointer *pointer, json_int_t moves, json_int_t shapes,
        json_int_t torn, json_int_t bad)
{
	json_t *summary = view_pointer_summary(pointer);

	assert_int_equal(json_integer_value(json_object_get(summary, "moves")), moves);
	assert_int_equal(json_integer_value(json_object_get(summary, "shapes")), shapes);
	assert_int_equal(json_integer_value(json_object_get(summary, "torn")), torn);
	assert_int_equal(json_integer_value(json_object_get(summary, "bad")), bad);
	json_decref(summary);
}

static void what_is_new_is_handed_on_once(void **state)
{
	struct watch watch;

	(void)state;
	watch_set_up(&watch);
	assert_int_equal(look(&watch, true), 0);
	watch.listener.seed = 8;
	pointer_point(&watch.stand, 5, 8, 10, 11);
	assert_int_equal(look(&watch, true), 1);
	assert_int_equal(look(&watch, true), 0);
	assert_true(watch.listener.is_right);
	assert_int_equal(watch.listener.pointer.x, 10);
	assert_int_equal(watch.listener.pointer.y, 11);
	pointer_move(&watch.stand, 12, 13);
	assert_int_equal(look(&watch, true), 1);
	assert_true(watch.listener.pointer.is_shown);
	assert_int_equal(watch.listener.pointer.shape.width, 0);
	assert_int_equal(watch.listener.pointer.x, 12);
	pointer_hide(&watch.stand);
	assert_int_equal(look(&watch, true), 1);
	assert_false(watch.listener.pointer.is_shown);
	assert_summary(&watch.pointer, 3, 1, 0, 0);
	watch_tear_down(&watch);
}

static void what_is_wrong_is_counted_and_kept(void **state)
{
	struct watch watch;
	struct ring_pointer *area;

	(void)state;
	watch_set_up(&watch);
	area = pointer_area(&watch.stand);
	pointer_point(&watch.stand, 5, 1, 10, 11);
	assert_int_equal(look(&watch, true), 1);
	pointer_point(&watch.stand, 5, 2, 20, 21);
	shared_store_u64(&area->shapes[0].control, 2 << 1 | 1);
	assert_int_equal(look(&watch, true), 0);
	assert_int_equal(look(&watch, true), 0);
	pointer_point(&watch.stand, 5, 3, 30, 31);
	shared_store_u64(&area->shapes[1].digest, 0);
	assert_int_equal(look(&watch, true), 0);
	assert_int_equal(watch.listener.pointer.x, 10);
	assert_summary(&watch.pointer, 1, 1, 1, 1);
	watch.listener.seed = 4;
	pointer_point(&watch.stand, 5, 4, 40, 41);
	assert_int_equal(look(&watch, true), 1);
	assert_true(watch.listener.is_right);
	watch_tear_down(&watch);
}

/* The pointer goes with its session, and the next one's may be larger. */
static void a_session_that_ends_takes_it_along(void **state)
{
	struct watch watch;

	(void)state;
	watch_set_up(&watch);
	assert_int_equal(look(&watch, false), 0);
	pointer_point(&watch.stand, 5, 1, 10, 11);
	assert_int_equal(look(&watch, true), 1);
	assert_int_equal(look(&watch, false), 1);
	assert_false(watch.listener.pointer.is_shown);
	assert_int_equal(look(&watch, false), 0);
	watch.stand.stand.config.shape_capacity = 40960;
	stand_reopen(&watch.stand.stand, STAND_EPOCH + 1);
	pointer_attach(&watch.stand);
	watch.listener.seed = 2;
	pointer_point(&watch.stand, 101, 2, 10, 11);
	assert_int_equal(look(&watch, true), 1);
	assert_true(watch.listener.is_right);
	assert_int_equal(watch.listener.pointer.shape.width, 101);
	watch_tear_down(&watch);
}

static void who_draws_none_is_told_nothing(void **state)
{
	struct watch watch;
	json_t *summary;

	(void)state;
	watch_set_up(&watch);
	watch.listener.sink.ops = &deaf;
	pointer_point(&watch.stand, 5, 1, 10, 11);
	assert_int_equal(look(&watch, true), 0);
	assert_int_equal(look(&watch, false), 0);
	/* Nor is who draws one where there is no channel. */
	watch.listener.sink.ops = &listening;
	memset(&watch.stand.reader.pointer, 0, sizeof(watch.stand.reader.pointer));
	assert_int_equal(look(&watch, true), 0);
	summary = view_pointer_summary(&watch.pointer);
	assert_true(json_is_null(summary));
	json_decref(summary);
	watch_tear_down(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_new_is_handed_on_once),
		cmocka_unit_test(what_is_wrong_is_counted_and_kept),
		cmocka_unit_test(a_session_that_ends_takes_it_along),
		cmocka_unit_test(who_draws_none_is_told_nothing),
	};

	log_init("test_view_pointer", LOG_LEVEL_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
