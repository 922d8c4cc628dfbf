/* SPDX-License-Identifier: MIT */
/*
 * SIGSTOP and SIGCONT: a stopped consumer holds nobody up but, in lossless mode, for as long as the
 * producer's patience; a stopped producer is shown as silent and then as live again, in the same
 * session.
 */
#include "tests.h"

#include "clock.h"
#include "sink.h"

#include <inttypes.h>
#include <signal.h>

#define STOP_CONSUMERS 2u

static void start_stage(struct stage *stage, bool lossless)
{
	struct producer_plan producer;
	struct consumer_plan consumers[STOP_CONSUMERS];

	stage_open(stage, STRESS_REGION);
	producer = stage_producer_plan(stage, 0);
	producer.lossless = lossless;
	producer.interval_ns = stage_roll(stage, 2) * 100 * NS_PER_US;
	stage_start_producer(stage, &producer);
	for (unsigned i = 0; i < STOP_CONSUMERS; i++) {
		consumers[i] = stage_consumer_plan(stage, i, i ? READER_OBSERVE : READER_LATEST);
		if (i == 0 && lossless) {
			consumers[i].mode = READER_LOSSLESS;
		}
		stage_start_consumer(stage, &consumers[i]);
	}
	for (unsigned i = 0; i < STOP_CONSUMERS; i++) {
		stage_wait_flow(stage, 0, i);
	}
}

static void stop_consumer(struct stage *stage)
{
	const counter *published = &stage->stats->producers[0].published;

	stage_signal(stage, stage_consumer(stage, 0), SIGSTOP);
	stage_wait_counter(stage, published, *published + 200, "a producer that goes on");
	stage_sleep_us(stage_roll(stage, 50000));
	stage_signal(stage, stage_consumer(stage, 0), SIGCONT);
	stage_wait_flow(stage, 0, 0);
}

static void stop_producer(struct stage *stage, enum link_state until)
{
	const struct consumer_stats *c = stage->stats->consumers;
	uint64_t attaches[STOP_CONSUMERS];

	for (unsigned i = 0; i < STOP_CONSUMERS; i++) {
		attaches[i] = c[i].attaches;
	}
	stage_signal(stage, stage_producer(stage, 0), SIGSTOP);
	for (unsigned i = 0; i < STOP_CONSUMERS; i++) {
		stage_wait_state(stage, i, until);
	}
	stage_signal(stage, stage_producer(stage, 0), SIGCONT);
	for (unsigned i = 0; i < STOP_CONSUMERS; i++) {
		stage_wait_state(stage, i, LINK_LIVE);
		stage_wait_flow(stage, 0, i);
		if (c[i].attaches != attaches[i]) {
			stage_fail(stage, "consumer %u attached anew to a session that went on", i);
		}
	}
}

void test_stop(struct stage *stage)
{
	start_stage(stage, false);
	for (uint64_t round = 0; round < stage->rounds; round++) {
		for (int i = 0; i < 10; i++) {
			stop_consumer(stage);
		}
		stop_producer(stage, round % 4 == 3 ? LINK_GONE : LINK_STALE);
		stage_check(stage);
	}
	stage_close(stage);
}

/* stage_check() knows that the gap was exact: each frame stands in one count. */
static void revoke_stopped(struct stage *stage)
{
	const struct producer_stats *p = &stage->stats->producers[0];
	const struct consumer_stats *c = &stage->stats->consumers[0];
	uint64_t skipped = c->skipped;
	uint64_t revocations = p->revocations;

	stage_signal(stage, stage_consumer(stage, 0), SIGSTOP);
	stage_wait_counter(stage, &p->revocations, revocations + 1, "a revocation");
	stage_wait_counter(stage, &p->published, p->published + 100, "a producer that goes on");
	stage_signal(stage, stage_consumer(stage, 0), SIGCONT);
	stage_wait_counter(stage, &c->skipped, skipped + 50, "a gap that is reported");
	stage_wait_flow(stage, 0, 0);
	if (p->revocations != revocations + 1) {
		stage_fail(stage, "revoked %" PRIu64 " times", p->revocations - revocations);
	}
}

static void revoke_killed(struct stage *stage)
{
	const struct producer_stats *p = &stage->stats->producers[0];
	struct consumer_plan plan = stage_consumer_plan(stage, 0, READER_LOSSLESS);
	uint64_t revocations = p->revocations;

	stage_kill(stage, stage_consumer(stage, 0));
	stage_wait_counter(stage, &p->revocations, revocations + 1, "a revocation");
	stage_wait_counter(stage, &p->published, p->published + 100, "a producer that goes on");
	stage_start_consumer(stage, &plan);
	stage_wait_flow(stage, 0, 0);
	if (p->revocations != revocations + 1) {
		stage_fail(stage, "the dead one's successor was revoked too");
	}
}

void test_revoke(struct stage *stage)
{
	start_stage(stage, true);
	for (uint64_t round = 0; round < stage->rounds; round++) {
		revoke_stopped(stage);
		revoke_killed(stage);
		stage_check(stage);
	}
	stage_close(stage);
}
