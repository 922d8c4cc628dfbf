/* SPDX-License-Identifier: MIT */
/*
 * As many consumers as there are blocks, and observers, coming and going while the producer runs;
 * and streams whose pictures change all the time. Then the end of a stream, and its crash.
 */
#include "tests.h"

#include "clock.h"
#include "sink.h"

#include <inttypes.h>

#define CROWD         11u /* the last block is the guest's, so it has to be named */
#define CROWD_BLOCKS  8u
#define MODE_COUNT    3u
#define CHANGE_FRAMES 3u /* of each geometry */

static const enum reader_mode all_modes[MODE_COUNT] = { READER_LATEST, READER_LOSSLESS,
	READER_OBSERVE };

static void let_in(struct stage *stage, unsigned i)
{
	struct consumer_plan plan = stage_consumer_plan(
	        stage, i, i < CROWD_BLOCKS ? all_modes[stage_roll(stage, 2)] : READER_OBSERVE);

	if (i == CROWD_BLOCKS - 1) {
		plan.block = (int)i;
	}
	plan.slow_ns = 500 * NS_PER_US;
	plan.leave_ns = (50 + stage_roll(stage, 800)) * NS_PER_MS;
	stage_start_consumer(stage, &plan);
}

static void serve_crowd(struct stage *stage, bool lossless, uint64_t for_ns)
{
	struct producer_plan producer;
	uint64_t end_ns = clock_now_ns() + for_ns;
	const counter *published;
	int code;

	stage_open(stage, STRESS_REGION * 2);
	producer = stage_producer_plan(stage, 0);
	producer.slots = 16;
	producer.lossless = lossless;
	producer.interval_ns = 500 * NS_PER_US;
	stage_start_producer(stage, &producer);
	published = &stage->stats->producers[0].published;
	while (clock_now_ns() < end_ns) {
		for (unsigned i = 0; i < CROWD; i++) {
			struct actor *actor = stage_consumer(stage, i);

			if (actor->pid && stage_has_exited(stage, actor, &code) && code) {
				stage_fail(stage, "consumer %u failed", i);
			}
			if (!actor->pid && stage_roll(stage, 10) == 0) {
				let_in(stage, i);
			}
		}
		stage_sleep_us(2000);
	}
	stage_wait_counter(stage, published, *published + 100, "a producer that goes on");
	for (unsigned i = 0; i < CROWD; i++) {
		stage_wait_counter(stage, &stage->stats->consumers[i].accepted, 1, "a frame");
	}
	stage_close(stage);
}

void test_crowd(struct stage *stage)
{
	serve_crowd(stage, false, stage->rounds * NS_PER_S / 2);
	serve_crowd(stage, true, stage->rounds * NS_PER_S / 2);
}

static void wait_for_consumers(struct stage *stage)
{
	for (unsigned i = 0; i < MODE_COUNT; i++) {
		if (stage_wait_exit(stage, stage_consumer(stage, i)) != CONSUMER_ENDED) {
			stage_fail(stage, "consumer %u failed", i);
		}
	}
}

/* Each sequence of the session stands in one count of each consumer. */
static void check_sums(struct stage *stage, bool lossless)
{
	uint64_t published = stage->stats->producers[0].published_here;

	for (unsigned i = 0; i < MODE_COUNT; i++) {
		const struct consumer_stats *c = &stage->stats->consumers[i];
		uint64_t sum = c->verified + c->skipped + c->torn + c->stale + c->bad + c->in_ring;

		if (sum != published || c->accepted != c->verified) {
			stage_fail(stage, "consumer %u counted %" PRIu64 " of %" PRIu64 " frames",
			        i, sum, published);
		}
		if (lossless && all_modes[i] == READER_LOSSLESS &&
		        c->verified + c->before_first != published) {
			stage_fail(stage, "a lossless consumer lost frames");
		}
	}
}

static void play_stream(struct stage *stage, struct producer_plan *producer, uint64_t slow_ns)
{
	for (unsigned i = 0; i < MODE_COUNT; i++) {
		struct consumer_plan plan = stage_consumer_plan(stage, i, all_modes[i]);

		plan.pictures = producer->pictures;
		plan.until_end = true;
		plan.slow_ns = slow_ns;
		stage_start_consumer(stage, &plan);
	}
	stage_start_producer(stage, producer);
	stage_wait_end(stage, 0);
	wait_for_consumers(stage);
	check_sums(stage, producer->lossless);
}

/* Sizes, strides and formats change every few frames. */
void test_change(struct stage *stage)
{
	for (int lossless = 0; lossless < 2; lossless++) {
		struct producer_plan plan;

		stage_open(stage, STRESS_REGION);
		plan = stage_producer_plan(stage, 0);
		plan.pictures = (struct picture_plan) { .change_every = CHANGE_FRAMES };
		plan.lossless = lossless;
		plan.interval_ns = 200 * NS_PER_US;
		plan.frames = stage->rounds * CHANGE_FRAMES;
		play_stream(stage, &plan, 0);
		stage_close(stage);
	}
}

/* The last frames lie in the ring when the producer has gone, and arrive all the same. */
static void end_with_backlog(struct stage *stage)
{
	struct producer_plan plan;

	stage_open(stage, STRESS_REGION * 2);
	plan = stage_producer_plan(stage, 0);
	plan.slots = 3 + (uint32_t)stage_roll(stage, 13);
	plan.lossless = true;
	plan.interval_ns = NS_PER_MS;
	plan.frames = 200 + stage_roll(stage, 200);
	plan.goodbye_ns = 0;
	play_stream(stage, &plan, 20 * NS_PER_MS);
	stage_close(stage);
}

/* Streams so short that they are over when some have only just attached, or not yet. */
static void end_at_once(struct stage *stage)
{
	struct producer_plan plan;

	stage_open(stage, STRESS_REGION);
	plan = stage_producer_plan(stage, 0);
	plan.lossless = true;
	plan.frames = 1 + stage_roll(stage, 50);
	plan.interval_ns = stage_roll(stage, 5) * NS_PER_MS;
	plan.goodbye_ns = NS_PER_S;
	play_stream(stage, &plan, 0);
	stage_close(stage);
}

static void crash(struct stage *stage)
{
	const struct consumer_stats *c;
	struct producer_plan producer = stage_producer_plan(stage, 0);
	struct consumer_plan consumer = stage_consumer_plan(stage, 0, READER_LATEST);

	stage_open(stage, STRESS_REGION);
	c = stage->stats->consumers;
	consumer.until_end = true;
	stage_start_producer(stage, &producer);
	stage_start_consumer(stage, &consumer);
	stage_wait_flow(stage, 0, 0);
	stage_kill(stage, stage_producer(stage, 0));
	stage_wait_state(stage, 0, LINK_STALE);
	if (c[0].state == LINK_ENDED) {
		stage_fail(stage, "a crash was taken for an end");
	}
	stage_close(stage);
}

void test_end(struct stage *stage)
{
	for (uint64_t round = 0; round < stage->rounds; round++) {
		end_with_backlog(stage);
		end_at_once(stage);
		if (round % 3 == 0) {
			crash(stage);
		}
	}
}
