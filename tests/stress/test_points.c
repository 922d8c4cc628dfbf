/* SPDX-License-Identifier: MIT */
/*
 * Death and delay at chosen points, by the hooks: before each store that a frame takes, and between
 * a producer's last look at the epoch and its publishing stores.
 */
#include "tests.h"

#include "clock.h"
#include "naps.h"

#include <signal.h>

#define PRODUCER_POINTS 48u /* stores: a turn, a frame, and some more */
#define CONSUMER_POINTS 36u /* stores: an attach, a frame, and some more */

/*
 * TRAP_KILL counts down with each store, so every store of a frame is some point's. The trap may
 * spring at once, so the one who arms it gets what the count of sprung ones will be.
 */
static uint64_t arm(struct trap *trap, uint64_t point)
{
	uint64_t sprung = trap->sprung + 1;

	trap->armed = TRAP_KILL + point;
	return sprung;
}

static void wait_until_dead(
        struct stage *stage, struct actor *actor, const struct trap *trap, uint64_t sprung)
{
	stage_wait_counter(stage, &trap->sprung, sprung, "a point that is reached");
	stage_kill(stage, actor);
}

static void kill_producer_at(struct stage *stage, struct producer_plan *plan, uint64_t point)
{
	struct producer_stats *p = &stage->stats->producers[0];
	uint64_t session = p->session;
	uint64_t sprung = arm(&p->trap, point);

	wait_until_dead(stage, stage_producer(stage, 0), &p->trap, sprung);
	plan->seed = stage_roll(stage, UINT64_MAX);
	stage_start_producer(stage, plan);
	stage_wait_session(stage, 0, session);
}

static void kill_consumer_at(struct stage *stage, struct consumer_plan *plan, uint64_t point)
{
	struct consumer_stats *c = &stage->stats->consumers[plan->index];
	const counter *published = &stage->stats->producers[0].published;
	uint64_t sprung;

	stage_kill(stage, stage_consumer(stage, plan->index));
	sprung = arm(&c->trap, point);
	stage_start_consumer(stage, plan);
	wait_until_dead(stage, stage_consumer(stage, plan->index), &c->trap, sprung);
	if (plan->mode != READER_LOSSLESS) {
		stage_wait_counter(stage, published, *published + 20, "a producer that goes on");
	}
	stage_start_consumer(stage, plan);
}

void test_kill_everywhere(struct stage *stage)
{
	for (uint64_t round = 0; round < stage->rounds; round++) {
		bool lossless = round % 2;
		struct producer_plan producer;
		struct consumer_plan consumer;

		stage_open(stage, STRESS_REGION);
		producer = stage_producer_plan(stage, 0);
		producer.lossless = lossless;
		producer.takeover = true;
		consumer =
		        stage_consumer_plan(stage, 0, lossless ? READER_LOSSLESS : READER_LATEST);
		stage_start_producer(stage, &producer);
		stage_start_consumer(stage, &consumer);
		for (uint64_t point = 0; point < PRODUCER_POINTS; point++) {
			stage_wait_flow(stage, 0, 0);
			kill_producer_at(stage, &producer, point);
		}
		for (uint64_t point = 0; point < CONSUMER_POINTS; point++) {
			stage_wait_flow(stage, 0, 0);
			kill_consumer_at(stage, &consumer, point);
		}
		stage_wait_flow(stage, 0, 0);
		stage_close(stage);
	}
}
