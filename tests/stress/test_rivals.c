/* SPDX-License-Identifier: MIT */
/*
 * Two producers of one region. They may spoil each other's frames, which are refused then; but one
 * of them wins, the other learns it, and nothing wrong is ever accepted.
 */
#include "tests.h"

#include "clock.h"
#include "layout.h"
#include "naps.h"

#include <signal.h>

static void wait_for_flow(struct stage *stage, unsigned producer)
{
	stage_wait_flow(stage, producer, 0);
	stage_wait_flow(stage, producer, 1);
}

static void start_consumers(struct stage *stage)
{
	struct consumer_plan latest = stage_consumer_plan(stage, 0, READER_LATEST);
	struct consumer_plan observer = stage_consumer_plan(stage, 1, READER_OBSERVE);

	observer.slow_ns = 2 * NS_PER_MS;
	latest.naps = NAPS_EVERYWHERE;
	observer.naps = NAPS_EVERYWHERE;
	stage_start_consumer(stage, &latest);
	stage_start_consumer(stage, &observer);
}

static struct producer_plan rival(struct stage *stage, unsigned index, bool takeover)
{
	struct producer_plan plan = stage_producer_plan(stage, index);

	plan.interval_ns = stage_roll(stage, 2) * 200 * NS_PER_US;
	plan.start_ns = 2 * NS_PER_MS;
	plan.takeover = takeover;
	if (stage_roll(stage, 2)) {
		plan.naps = NAPS_EVERYWHERE;
	}
	return plan;
}

/* returns: which one is left, and has opened its session */
static unsigned wait_for_loser(struct stage *stage)
{
	uint64_t end_ns = clock_now_ns() + STAGE_DEADLINE_S * NS_PER_S;

	while (clock_now_ns() < end_ns) {
		for (unsigned i = 0; i < STATS_PRODUCERS_MAX; i++) {
			int code;

			if (!stage_has_exited(stage, stage_producer(stage, i), &code)) {
				continue;
			}
			if (code != PRODUCER_DEPOSED && code != PRODUCER_BUSY) {
				stage_fail(stage, "a rival ended with code %d", code);
			}
			stage_wait_session(stage, 1 - i, 0);
			return 1 - i;
		}
		stage_sleep_us(200);
	}
	stage_fail(stage, "two producers live side by side");
}

/* Both at once on memory where nobody lived: neither has anything to watch. */
static unsigned start_both(struct stage *stage)
{
	for (unsigned i = 0; i < STATS_PRODUCERS_MAX; i++) {
		struct producer_plan plan = rival(stage, i, false);

		stage_start_producer(stage, &plan);
	}
	return wait_for_loser(stage);
}

static void expect_exit(struct stage *stage, unsigned producer, int wanted, const char *what)
{
	if (stage_wait_exit(stage, stage_producer(stage, producer)) != wanted) {
		stage_fail(stage, "%s", what);
	}
}

void test_rivals(struct stage *stage)
{
	for (uint64_t round = 0; round < stage->rounds; round++) {
		struct producer_plan plan;
		uint64_t session;
		unsigned winner;

		stage_open(stage, STRESS_REGION);
		stage->spoilt = true;
		start_consumers(stage);
		winner = start_both(stage);
		wait_for_flow(stage, winner);
		if (round % 5 == 0) {
			plan = rival(stage, 1 - winner, false);
			stage_start_producer(stage, &plan);
			expect_exit(stage, 1 - winner, PRODUCER_BUSY, "a living rival was overrun");
			wait_for_flow(stage, winner);
		}
		session = stage->stats->producers[1 - winner].session;
		plan = rival(stage, 1 - winner, true);
		stage_start_producer(stage, &plan);
		stage_wait_session(stage, 1 - winner, session);
		expect_exit(stage, winner, PRODUCER_DEPOSED, "the old producer did not give way");
		wait_for_flow(stage, 1 - winner);
		stage_close(stage);
	}
}

/*
 * The old producer sleeps between its last look at the epoch and its publishing stores, is taken
 * over meanwhile, and then publishes into the new session: a frame of a high number and another
 * epoch. It is refused, and the new session's frames go on being seen.
 */
static void haunt(struct stage *stage, uint64_t busy_frames)
{
	struct producer_plan ghost = stage_producer_plan(stage, 0);
	struct producer_plan heir = stage_producer_plan(stage, 1);
	struct producer_stats *p = &stage->stats->producers[0];

	stage_start_producer(stage, &ghost);
	start_consumers(stage);
	stage_wait_flow(stage, 0, 0);
	stage_wait_counter(stage, &p->published, 2000, "an old session that is long enough");
	p->trap.armed = TRAP_STOP_PUBLISH;
	stage_wait_counter(stage, &p->trap.sprung, 1, "a producer that stops itself");
	heir.takeover = true;
	heir.busy_frames = busy_frames;
	heir.interval_ns = stage_roll(stage, 2) * 5 * NS_PER_MS;
	stage_start_producer(stage, &heir);
	stage_wait_session(stage, 1, 0);
	if (busy_frames) {
		stage_wait_counter(stage, &stage->stats->consumers[0].session,
		        stage->stats->producers[1].session, "the heir's first frame");
		stage_signal(stage, stage_producer(stage, 0), SIGCONT);
		expect_exit(stage, 0, PRODUCER_DEPOSED, "the ghost did not notice");
		stage_sleep_us(20000);
		return;
	}
	wait_for_flow(stage, 1);
	stage_signal(stage, stage_producer(stage, 0), SIGCONT);
	expect_exit(stage, 0, PRODUCER_DEPOSED, "the ghost did not notice");
	wait_for_flow(stage, 1);
}

void test_ghost(struct stage *stage)
{
	for (uint64_t round = 0; round < stage->rounds; round++) {
		stage_open(stage, STRESS_REGION);
		stage->spoilt = true;
		haunt(stage, round % 2 ? 1 : 0);
		stage_close(stage);
	}
}
