/* SPDX-License-Identifier: MIT */
/*
 * Widened windows: everybody naps at random accesses to shared words, and between claim and copy,
 * while producers are killed and replaced. Random killing alone is weak: a missing look at the
 * epoch survives thousands of it.
 */
#include "tests.h"

#include "clock.h"

#define WINDOW_CONSUMERS 4u
#define WINDOW_SERIES    6u /* rounds with one stage */
#define WINDOW_US        60000u

struct window_test {
	struct stage *stage;
	struct producer_plan producer;
};

/*
 * Without digests a torn frame that is accepted shows as wrong pixels, with them as a bad frame.
 * Observers have no lease and are overtaken all the time.
 */
static void setup(struct window_test *test, struct stage *stage, uint64_t series)
{
	bool lossless = series % 4 == 3;
	const enum reader_mode modes[WINDOW_CONSUMERS] = {
		READER_OBSERVE,
		READER_LATEST,
		lossless ? READER_LOSSLESS : READER_LATEST,
		READER_OBSERVE,
	};

	*test = (struct window_test) { .stage = stage };
	test->producer = stage_producer_plan(stage, 0);
	test->producer.lossless = lossless;
	test->producer.digest = series % 2 ? DIGEST_XXH3 : DIGEST_NONE;
	test->producer.slots = 4 + (uint32_t)stage_roll(stage, 2);
	test->producer.start_ns = 20 * NS_PER_MS;
	test->producer.naps = NAPS_EVERYWHERE;
	test->producer.takeover = true;
	stage_start_producer(stage, &test->producer);
	for (unsigned i = 0; i < WINDOW_CONSUMERS; i++) {
		struct consumer_plan plan = stage_consumer_plan(stage, i, modes[i]);

		plan.slow_ns = 8 * NS_PER_MS;
		plan.naps = NAPS_EVERYWHERE;
		stage_start_consumer(stage, &plan);
	}
}

static void play_round(struct window_test *test)
{
	struct stage *stage = test->stage;
	uint64_t session = stage->stats->producers[0].session;

	for (unsigned i = 0; i < WINDOW_CONSUMERS; i++) {
		stage_wait_flow(stage, 0, i);
	}
	stage_sleep_us(stage_roll(stage, WINDOW_US));
	stage_kill(stage, stage_producer(stage, 0));
	test->producer.seed = stage_roll(stage, UINT64_MAX);
	stage_start_producer(stage, &test->producer);
	stage_wait_session(stage, 0, session);
	stage_check(stage);
}

void test_windows(struct stage *stage)
{
	struct window_test test;

	for (uint64_t round = 0; round < stage->rounds; round++) {
		if (round % WINDOW_SERIES == 0) {
			stage_open(stage, STRESS_REGION);
			setup(&test, stage, round / WINDOW_SERIES);
		}
		play_round(&test);
		if (round % WINDOW_SERIES == WINDOW_SERIES - 1 || round + 1 == stage->rounds) {
			stage_close(stage);
		}
	}
}

/*
 * A lease that appears between the producer's first look and its CLAIM. With one slot to spare the
 * one that is looked at is always the next to be written; a lease that is honoured never tears.
 */
void test_lease(struct stage *stage)
{
	const struct consumer_stats *c;
	struct producer_plan producer;
	struct consumer_plan consumer;

	stage_open(stage, STRESS_REGION);
	c = &stage->stats->consumers[0];
	producer = stage_producer_plan(stage, 0);
	producer.slots = RING_SLOTS_MIN;
	producer.naps = (struct nap_plan) { .hot_in = 4, .hot = NAP_CONTROL };
	consumer = stage_consumer_plan(stage, 0, READER_LATEST);
	consumer.naps = (struct nap_plan) { .hot_in = 1, .hot = NAP_LATEST };
	consumer.slow_in = 1;
	consumer.slow_ns = 300 * NS_PER_US;
	stage_start_producer(stage, &producer);
	stage_start_consumer(stage, &consumer);
	for (uint64_t frames = 1; frames <= stage->rounds; frames++) {
		stage_wait_counter(stage, &c->accepted, frames, "frames that flow");
		stage_check(stage);
	}
	if (stage->stats->producers[0].back_offs == 0) {
		stage_fail(stage, "the race that this test is for did not happen");
	}
	stage_close(stage);
}
