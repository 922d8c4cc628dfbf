/* SPDX-License-Identifier: MIT */
/*
 * The region's file is made anew under the consumers, or truncated, anywhere: nobody crashes, the
 * link finds the new one, and frames flow again.
 */
#include "tests.h"

#include "clock.h"
#include "layout.h"
#include "region_header.h"

#include <string.h>
#include <unistd.h>

#define FILE_CONSUMERS 2u

static void start_producer(struct stage *stage)
{
	struct producer_plan plan = stage_producer_plan(stage, 0);

	plan.takeover = true;
	plan.interval_ns = stage_roll(stage, 2) * 100 * NS_PER_US;
	stage_start_producer(stage, &plan);
}

static void start_all(struct stage *stage)
{
	stage_open_file(stage, STRESS_REGION);
	start_producer(stage);
	for (unsigned i = 0; i < FILE_CONSUMERS; i++) {
		struct consumer_plan plan =
		        stage_consumer_plan(stage, i, i ? READER_OBSERVE : READER_LATEST);

		stage_start_consumer(stage, &plan);
	}
}

static void wait_for_flow(struct stage *stage, uint64_t older)
{
	stage_wait_session(stage, 0, older);
	for (unsigned i = 0; i < FILE_CONSUMERS; i++) {
		stage_wait_flow(stage, 0, i);
	}
	stage_check(stage);
}

/* As a guest that was shut down and started again. */
void test_anew(struct stage *stage)
{
	start_all(stage);
	wait_for_flow(stage, 0);
	for (uint64_t round = 0; round < stage->rounds; round++) {
		uint64_t session = stage->stats->producers[0].session;

		stage_kill(stage, stage_producer(stage, 0));
		stage_make_file(stage);
		start_producer(stage);
		wait_for_flow(stage, session);
	}
	stage_close(stage);
}

/* Does nobody live in the consumers' section at the end of a region of this size? */
static bool nobody_beats(struct stage *stage, uint64_t region_size)
{
	uint8_t *bytes = stage_map(stage);
	const struct ring_consumer_block *block =
	        (const void *)(bytes + region_size - RING_FEEDBACK_SIZE + RING_BLOCKS_OFFSET);
	bool silent =
	        shared_load_u64(&block->epoch) == 0 || shared_load_u64(&block->heartbeat) == 0;

	stage_unmap(stage, bytes);
	return silent;
}

/* QEMU maps the first part of a file that is too large, so the next guest may see another size. */
void test_other_size(struct stage *stage)
{
	stage_open_file(stage, STRESS_REGION * 4);
	for (uint64_t round = 0; round < stage->rounds; round++) {
		struct producer_plan producer = stage_producer_plan(stage, 0);
		uint64_t session = stage->stats->producers[0].session;

		producer.takeover = true;
		producer.region_size = STRESS_REGION << round % 3;
		stage_start_producer(stage, &producer);
		for (unsigned i = 0; i < FILE_CONSUMERS && round == 0; i++) {
			struct consumer_plan plan =
			        stage_consumer_plan(stage, i, i ? READER_OBSERVE : READER_LATEST);

			stage_start_consumer(stage, &plan);
		}
		wait_for_flow(stage, session);
		/* A heartbeat of the consumers in between. */
		stage_sleep_us(150000);
		stage_check(stage);
		if (nobody_beats(stage, producer.region_size)) {
			stage_fail(stage, "no consumer beats where this session has its blocks");
		}
		stage_kill(stage, stage_producer(stage, 0));
	}
	stage_close(stage);
}

/* Sizes around everything that is in there. */
static uint64_t choose_size(struct stage *stage, uint64_t round)
{
	struct ring_geometry geometry;
	const uint64_t h = STRESS_REGION - RING_FEEDBACK_SIZE;

	if (!ring_geometry_fill(&geometry, 4, h, 0)) {
		stage_fail(stage, "four slots do not fit");
	}
	const uint64_t sizes[] = {
		0,
		1,
		offsetof(struct ring_identity, epoch),
		RING_IDENTITY_SIZE,
		geometry.descriptors_base + 100,
		geometry.digests_base,
		geometry.payload_base,
		geometry.payload_base + geometry.slot_capacity + 4096,
		geometry.end,
		h,
		h + 4096,
		STRESS_REGION - 1,
	};
	const uint64_t count = sizeof(sizes) / sizeof(sizes[0]);

	return round % 3 == 2 ? stage_roll(stage, STRESS_REGION) : sizes[stage_roll(stage, count)];
}

static void resize(struct stage *stage, uint64_t size)
{
	if (ftruncate(stage->fd, (off_t)size) != 0) {
		stage_fail(stage, "ftruncate");
	}
}

/* The producer may be deposed by this (its page reads zero), or not have noticed. */
static void end_producer(struct stage *stage)
{
	int code;

	stage_sleep_us(stage_roll(stage, 20000));
	code = stage_kill_or_reap(stage, stage_producer(stage, 0));
	if (code >= 0 && code != PRODUCER_DEPOSED) {
		stage_fail(stage, "the producer ended with code %d", code);
	}
}

/* One that sleeps most of the time, so that its heartbeat is the first to touch what is gone. */
static void start_sleeper(struct stage *stage)
{
	struct consumer_plan plan = stage_consumer_plan(stage, FILE_CONSUMERS, READER_LATEST);

	plan.slow_in = 1;
	plan.slow_ns = 300 * NS_PER_MS;
	stage_start_consumer(stage, &plan);
}

void test_truncate(struct stage *stage)
{
	start_all(stage);
	start_sleeper(stage);
	stage->spoilt = true;
	wait_for_flow(stage, 0);
	for (uint64_t round = 0; round < stage->rounds; round++) {
		uint64_t session = stage->stats->producers[0].session;

		resize(stage, choose_size(stage, round));
		stage_sleep_us(stage_roll(stage, 2) * stage_roll(stage, 150000));
		end_producer(stage);
		resize(stage, STRESS_REGION);
		start_producer(stage);
		wait_for_flow(stage, session);
	}
	stage_close(stage);
}
