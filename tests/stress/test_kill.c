/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL at random times, either side or both, one to three consumers of different modes: no wrong
 * pixel is accepted, everybody recovers, and the producer never waits for the dead.
 */
#include "tests.h"

#include "clock.h"

#define KILL_CONSUMERS_MAX 3u
#define KILL_SERIES        60u /* rounds with one stage */

struct kill_test {
	struct stage *stage;
	struct producer_plan producer;
	struct consumer_plan consumers[KILL_CONSUMERS_MAX];
	unsigned consumer_count;
};

static void setup(struct kill_test *test, struct stage *stage, bool lossless)
{
	*test = (struct kill_test) { .stage = stage };
	test->producer = stage_producer_plan(stage, 0);
	test->producer.lossless = lossless;
	test->producer.interval_ns = stage_roll(stage, 3) * 100 * NS_PER_US;
	test->producer.slots = 3 + (uint32_t)stage_roll(stage, 4);
	test->producer.start_ns = NS_PER_MS;
	test->consumer_count = 1 + (unsigned)stage_roll(stage, KILL_CONSUMERS_MAX);
	for (unsigned i = 0; i < test->consumer_count; i++) {
		static const enum reader_mode modes[] = { READER_LATEST, READER_LOSSLESS,
			READER_OBSERVE };
		enum reader_mode mode = modes[stage_roll(stage, 3)];

		if (i == 0) {
			mode = lossless ? READER_LOSSLESS : READER_LATEST;
		}
		test->consumers[i] = stage_consumer_plan(stage, i, mode);
		test->consumers[i].slow_ns = NS_PER_MS;
	}
	stage_start_producer(stage, &test->producer);
	for (unsigned i = 0; i < test->consumer_count; i++) {
		stage_start_consumer(stage, &test->consumers[i]);
	}
}

/* Most of the time the new producer is told that the old one is dead, which saves 350 ms. */
static void restart_producer(struct kill_test *test)
{
	struct stage *stage = test->stage;
	uint64_t session = stage->stats->producers[0].session;

	stage_kill(stage, stage_producer(stage, 0));
	test->producer.seed = stage_roll(stage, UINT64_MAX);
	test->producer.takeover = stage_roll(stage, 8) != 0;
	stage_start_producer(stage, &test->producer);
	stage_wait_session(stage, 0, session);
}

static void restart_consumer(struct kill_test *test, unsigned i)
{
	struct stage *stage = test->stage;
	const counter *published = &stage->stats->producers[0].published;

	stage_kill(stage, stage_consumer(stage, i));
	if (!test->producer.lossless) {
		stage_wait_counter(stage, published, *published + 20, "a producer that goes on");
	}
	test->consumers[i].seed = stage_roll(stage, UINT64_MAX);
	stage_start_consumer(stage, &test->consumers[i]);
}

static void kill_round(struct kill_test *test)
{
	struct stage *stage = test->stage;
	uint64_t victim = stage_roll(stage, 3);

	for (unsigned i = 0; i < test->consumer_count; i++) {
		stage_wait_flow(stage, 0, i);
	}
	stage_sleep_us(stage_roll(stage, 10000));
	if (victim != 0) {
		restart_consumer(test, (unsigned)stage_roll(stage, test->consumer_count));
	}
	if (victim != 1) {
		restart_producer(test);
	}
}

static void kill_many(struct stage *stage, bool lossless)
{
	struct kill_test test;

	for (uint64_t round = 0; round < stage->rounds; round++) {
		if (round % KILL_SERIES == 0) {
			if (round) {
				stage_close(stage);
			}
			stage_open(stage, STRESS_REGION);
			setup(&test, stage, lossless);
		}
		kill_round(&test);
		stage_check(stage);
	}
	for (unsigned i = 0; i < test.consumer_count; i++) {
		stage_wait_flow(stage, 0, i);
	}
	stage_close(stage);
}

void test_kill_latest(struct stage *stage)
{
	kill_many(stage, false);
}

void test_kill_lossless(struct stage *stage)
{
	kill_many(stage, true);
}
