/* SPDX-License-Identifier: MIT */
/*
 * A day's worth of frames, as fast as they go, and a sum at the end that has to come out exactly:
 * each published frame stands in one counter of each consumer.
 */
#include "tests.h"

#include <inttypes.h>

#define SOAK_CONSUMERS 3u

static void check_sum(struct stage *stage, unsigned i, enum reader_mode mode, bool lossless)
{
	const struct consumer_stats *c = &stage->stats->consumers[i];
	uint64_t sum = c->verified + c->skipped + c->torn + c->stale + c->bad + c->in_ring;
	uint64_t published = stage->stats->producers[0].published;

	if (sum != published || c->accepted != c->verified) {
		stage_fail(stage,
		        "consumer %u counted %" PRIu64 " of %" PRIu64 " frames, accepted %" PRIu64,
		        i, sum, published, c->accepted);
	}
	if (lossless && mode == READER_LOSSLESS &&
	        (c->skipped != c->before_first || c->torn ||
	                stage->stats->producers[0].revocations)) {
		stage_fail(stage, "consumer %u lost frames without a revocation", i);
	}
}

static void soak(struct stage *stage, uint64_t frames, bool lossless)
{
	static const enum reader_mode modes[SOAK_CONSUMERS] = { READER_LATEST, READER_LOSSLESS,
		READER_OBSERVE };
	struct producer_plan producer = stage_producer_plan(stage, 0);

	stage_open(stage, STRESS_REGION);
	producer.lossless = lossless;
	producer.frames = frames;
	for (unsigned i = 0; i < SOAK_CONSUMERS; i++) {
		struct consumer_plan plan = stage_consumer_plan(stage, i, modes[i]);

		plan.until_end = true;
		stage_start_consumer(stage, &plan);
	}
	stage_start_producer(stage, &producer);
	stage_wait_end(stage, 0);
	for (unsigned i = 0; i < SOAK_CONSUMERS; i++) {
		if (stage_wait_exit(stage, stage_consumer(stage, i)) != CONSUMER_ENDED) {
			stage_fail(stage, "consumer %u failed", i);
		}
		check_sum(stage, i, modes[i], lossless);
	}
	stage_close(stage);
}

void test_soak(struct stage *stage)
{
	soak(stage, stage->rounds / 2, false);
	soak(stage, stage->rounds - stage->rounds / 2, true);
}
