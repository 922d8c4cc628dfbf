/* SPDX-License-Identifier: MIT */
/*
 * Two clocks that are numbers: what is told of their offset is true whatever the delays are, and is
 * not told when it cannot be known.
 */
#include "clock_offset.h"
#include "dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define SCHEDULES 4000u
#define EXCHANGES 60u
#define BOOT_NS   INT64_C(1000000000000)

/* The true time is ours but for our own drift; both clocks drift from it, the counters do not. */
struct world {
	uint64_t now_ns;
	int64_t our_ppm;
	int64_t their_ppm;
	int64_t ahead_ns; /* of their clock */
	bool has_counter[2];
	uint64_t counter_ahead;
	struct clock_offset offset;
};

static uint64_t drifted(uint64_t time_ns, int64_t ppm)
{
	return (uint64_t)((int64_t)time_ns +
	                  (int64_t)((__int128)((int64_t)time_ns - BOOT_NS) * ppm / 1000000));
}

static uint64_t ours(const struct world *world, uint64_t time_ns)
{
	return drifted(time_ns, world->our_ppm);
}

static uint64_t theirs(const struct world *world, uint64_t time_ns)
{
	return drifted(time_ns, world->their_ppm) + (uint64_t)world->ahead_ns;
}

/* A clock and a counter of 2.5 GHz that is read up to 2 us later. */
static struct clock_reading read_side(struct world *world, bool is_theirs)
{
	struct clock_reading reading = {
		.ns = is_theirs ? theirs(world, world->now_ns) : ours(world, world->now_ns),
	};

	if (world->has_counter[is_theirs]) {
		world->now_ns += roll(2) ? roll(1990) : roll(20);
		reading.counter = world->now_ns * 5 / 2 + (is_theirs ? world->counter_ahead : 0);
	}
	return reading;
}

/* From some 100 ns to some 10 ms. */
static uint64_t delay_ns(void)
{
	return UINT64_C(100) * roll(1000) >> roll(10) << roll(9);
}

static void exchange(struct world *world, uint64_t there_ns, uint64_t back_ns)
{
	struct clock_exchange exchange;

	exchange.asked = read_side(world, false);
	world->now_ns += there_ns;
	exchange.answered = read_side(world, true);
	world->now_ns += back_ns;
	exchange.seen = read_side(world, false);
	clock_offset_add(&world->offset, &exchange);
}

/* Something that was age_ns ago. returns: is it known how long ago? Fails when it is told wrongly
 */
static bool check(struct world *world, uint64_t age_ns, struct clock_latency *latency)
{
	uint64_t then_ns = world->now_ns - age_ns;
	uint64_t ago_ns = ours(world, world->now_ns) - ours(world, then_ns);
	uint64_t wrong_ns;

	if (!clock_offset_latency(
	            &world->offset, theirs(world, then_ns), ours(world, world->now_ns), latency)) {
		return false;
	}
	wrong_ns = latency->ns > ago_ns ? latency->ns - ago_ns : ago_ns - latency->ns;
	if (wrong_ns > latency->bound_ns) {
		fail_msg("%llu ns ago, told %llu +- %llu", (unsigned long long)ago_ns,
		        (unsigned long long)latency->ns, (unsigned long long)latency->bound_ns);
	}
	return true;
}

static struct world new_world(void)
{
	return (struct world) {
		.now_ns = BOOT_NS,
		.our_ppm = (int)roll(101) - 50,
		.their_ppm = (int)roll(101) - 50,
		.ahead_ns = INT64_C(1000000) * roll(2000000) - BOOT_NS * 9 / 10,
		.has_counter = { roll(2), roll(2) },
		.counter_ahead = (uint64_t)roll(1000000) << roll(30),
	};
}

static void pass(struct world *world, uint64_t ns)
{
	world->now_ns += ns;
}

static void what_is_told_is_true(void **state)
{
	struct clock_latency latency;
	unsigned known = 0;
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < SCHEDULES; i++) {
		struct world world = new_world();

		for (unsigned j = 0; j < EXCHANGES; j++) {
			uint64_t sent_ns;

			exchange(&world, delay_ns(), delay_ns());
			pass(&world, delay_ns() * roll(40));
			sent_ns = theirs(&world, world.now_ns);
			pass(&world, delay_ns());
			if (roll(2)) {
				clock_offset_add_seen(
				        &world.offset, sent_ns, ours(&world, world.now_ns));
			}
			if (check(&world, delay_ns() * roll(100), &latency)) {
				known++;
				good += latency.bound_ns < 50 * NS_PER_US;
			}
		}
	}
	/* It is no test if nothing is ever told. */
	assert_true(known > SCHEDULES * EXCHANGES / 2);
	assert_true(good > SCHEDULES * EXCHANGES / 4);
}

/* Two processes of one host. */
static struct world same_clock(bool has_counter)
{
	struct world world = new_world();

	world.their_ppm = world.our_ppm;
	world.ahead_ns = 0;
	world.counter_ahead = 0;
	world.has_counter[0] = world.has_counter[1] = has_counter;
	return world;
}

static void settle(struct world *world)
{
	struct clock_latency latency;

	for (unsigned i = 0; i < CLOCK_OFFSET_AGREEING; i++) {
		assert_false(check(world, 5000, &latency));
		pass(world, NS_PER_MS);
		exchange(world, 400, 300);
	}
	assert_true(check(world, 5000, &latency));
	assert_true(latency.bound_ns < 4 * NS_PER_US);
}

static void one_clock_is_0_apart(void **state)
{
	struct world world = same_clock(false);
	struct clock_latency latency;

	(void)state;
	settle(&world);
	assert_true(check(&world, 7000, &latency));
	assert_true(latency.ns > 6000 && latency.ns < 8000);
	assert_true(latency.bound_ns < 600);
}

static void the_bound_grows_until_nothing_is_known(void **state)
{
	struct world world = same_clock(false);
	uint64_t last_ns = 0;
	struct clock_latency latency;
	unsigned seconds = 0;

	(void)state;
	settle(&world);
	while (check(&world, 5000, &latency)) {
		assert_true(latency.bound_ns > last_ns);
		assert_true(latency.bound_ns <= CLOCK_OFFSET_BOUND_NS + 1);
		last_ns = latency.bound_ns;
		pass(&world, NS_PER_S);
		seconds++;
	}
	assert_int_equal(seconds, 10);
	/* One answer that agrees is enough: nothing contradicted what was known. */
	exchange(&world, 400, 300);
	assert_true(check(&world, 5000, &latency));
}

static void a_late_answer_alone_tells_nothing(void **state)
{
	struct world world = same_clock(false);
	struct clock_latency latency;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		exchange(&world, 15 * NS_PER_MS, 2 * NS_PER_MS);
		pass(&world, NS_PER_MS);
		assert_false(check(&world, 0, &latency));
	}
	/* Of frames that come quickly, half of it is known. */
	for (unsigned i = 0; i < 3; i++) {
		clock_offset_add_seen(&world.offset, theirs(&world, world.now_ns - 40000),
		        ours(&world, world.now_ns));
		exchange(&world, 1600 * NS_PER_US, 15 * NS_PER_MS);
	}
	assert_true(check(&world, 40000, &latency));
}

/* Once the counters' offset is known, an answer that took a frame's time is as good as a quick one.
 */
static void counters_say_when_an_answer_was_given(void **state)
{
	struct world world = same_clock(true);
	struct clock_latency latency;

	(void)state;
	settle(&world);
	for (unsigned i = 0; i < 100; i++) {
		pass(&world, 50 * NS_PER_MS);
		exchange(&world, 15 * NS_PER_MS, 2 * NS_PER_MS);
		assert_true(check(&world, 5000, &latency));
		assert_true(latency.bound_ns < 10 * NS_PER_US);
	}
}

static void a_step(int64_t step_ns, bool has_counter)
{
	struct world world = same_clock(has_counter);
	struct clock_latency latency;

	settle(&world);
	for (unsigned i = 0; i < 10; i++) {
		pass(&world, 100 * NS_PER_MS);
		exchange(&world, 400, 300);
	}
	world.ahead_ns += step_ns;
	pass(&world, 100 * NS_PER_MS);
	exchange(&world, 400, 300);
	assert_false(check(&world, 0, &latency));
	exchange(&world, 400, 300);
	assert_false(check(&world, 0, &latency));
	exchange(&world, 400, 300);
	assert_true(check(&world, 5000, &latency));
	assert_true(latency.bound_ns < 5 * NS_PER_US);
}

static void a_step_is_noticed_and_followed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		a_step(200 * NS_PER_US, i);
		a_step(-200 * (int64_t)NS_PER_US, i);
		a_step(5 * 3600 * (int64_t)NS_PER_S, i);
		a_step(-100 * (int64_t)NS_PER_S, i);
	}
}

static void a_frame_from_the_future_is_a_contradiction(void **state)
{
	struct world world = same_clock(false);
	struct clock_latency latency;
	uint64_t now_ns;

	(void)state;
	settle(&world);
	now_ns = world.now_ns;
	assert_false(clock_offset_latency(
	        &world.offset, theirs(&world, now_ns + 100000), ours(&world, now_ns), &latency));
	/* Within the bound it is 0. */
	assert_true(clock_offset_latency(
	        &world.offset, theirs(&world, now_ns + 200), ours(&world, now_ns), &latency));
	assert_int_equal(latency.ns, 0);
	clock_offset_add_seen(&world.offset, theirs(&world, now_ns + 100000), ours(&world, now_ns));
	assert_false(check(&world, 0, &latency));
}

static void a_time_that_was_not_taken_is_not_known(void **state)
{
	struct world world = same_clock(false);
	struct clock_latency latency;

	(void)state;
	settle(&world);
	assert_false(clock_offset_latency(&world.offset, 0, ours(&world, world.now_ns), &latency));
	assert_false(clock_offset_latency(
	        &world.offset, UINT64_MAX, ours(&world, world.now_ns), &latency));
}

static uint64_t boundary(void)
{
	static const uint64_t values[] = { 0, 1, CLOCK_OFFSET_LIMIT - 1, CLOCK_OFFSET_LIMIT,
		INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX };

	return roll(2) ? values[roll(8)] : (uint64_t)roll(UINT32_MAX) << roll(33);
}

/* One side, or all of it: nothing overflows, and a liar whose answers do not agree tells nothing.
 */
static void a_liar_is_not_believed(void **state)
{
	struct clock_latency latency;
	unsigned believed = 0;

	(void)state;
	for (unsigned i = 0; i < SCHEDULES; i++) {
		struct world world = same_clock(roll(2));

		for (unsigned j = 0; j < EXCHANGES; j++) {
			struct clock_exchange lie;

			lie.asked = read_side(&world, false);
			pass(&world, delay_ns());
			lie.answered = (struct clock_reading) { boundary(), boundary() };
			lie.seen = read_side(&world, false);
			pass(&world, NS_PER_MS);
			clock_offset_add(&world.offset, &lie);
			believed += clock_offset_latency(
			        &world.offset, boundary(), ours(&world, world.now_ns), &latency);
			clock_offset_add_seen(
			        &world.offset, boundary(), ours(&world, world.now_ns));
		}
	}
	assert_int_equal(believed, 0);
}

static void a_clock_that_stands_still_is_not_believed(void **state)
{
	struct clock_latency latency;

	(void)state;
	for (unsigned has_counter = 0; has_counter < 2; has_counter++) {
		struct world world = same_clock(has_counter);
		const uint64_t stuck_ns = world.now_ns;

		for (unsigned i = 0; i < 100; i++) {
			struct clock_exchange lie;

			lie.asked = read_side(&world, false);
			lie.answered = (struct clock_reading) { stuck_ns, stuck_ns };
			lie.seen = read_side(&world, false);
			clock_offset_add(&world.offset, &lie);
			assert_false(clock_offset_latency(
			        &world.offset, stuck_ns, ours(&world, world.now_ns), &latency));
			pass(&world, NS_PER_MS);
		}
	}
}

/* A counter that lies, stands still or goes back costs what a counter gives, and nothing else. */
static void a_counter_that_lies_costs_no_truth(void **state)
{
	struct clock_latency latency;

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		struct world world = same_clock(true);

		for (unsigned i = 0; i < 1000; i++) {
			struct clock_exchange told;

			told.asked = read_side(&world, false);
			pass(&world, 400);
			told.answered = read_side(&world, true);
			told.answered.counter = kind == 0   ? boundary()
			                        : kind == 1 ? 5
			                        : kind == 2 ? CLOCK_OFFSET_LIMIT - 1 - i * 1000000
			                                    : told.answered.counter;
			pass(&world, 300);
			told.seen = read_side(&world, false);
			if (kind == 3) {
				/* Ours: another core's, that is behind. */
				told.seen.counter -= roll(2) ? 0 : 1000000;
			}
			clock_offset_add(&world.offset, &told);
			assert_int_equal(check(&world, 5000, &latency), i >= 2);
			pass(&world, NS_PER_MS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_true),
		cmocka_unit_test(one_clock_is_0_apart),
		cmocka_unit_test(the_bound_grows_until_nothing_is_known),
		cmocka_unit_test(a_late_answer_alone_tells_nothing),
		cmocka_unit_test(counters_say_when_an_answer_was_given),
		cmocka_unit_test(a_step_is_noticed_and_followed),
		cmocka_unit_test(a_frame_from_the_future_is_a_contradiction),
		cmocka_unit_test(a_time_that_was_not_taken_is_not_known),
		cmocka_unit_test(a_liar_is_not_believed),
		cmocka_unit_test(a_clock_that_stands_still_is_not_believed),
		cmocka_unit_test(a_counter_that_lies_costs_no_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
