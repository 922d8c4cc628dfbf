/* SPDX-License-Identifier: MIT */
/*
 * Every order of starting and restarting, on every kind of memory that may have been left behind:
 * both sides attach and frames flow, and nothing old is ever shown.
 */
#include "tests.h"

#include "clock.h"
#include "layout.h"

#include <stdio.h>
#include <string.h>

enum order {
	PRODUCER_FIRST,
	CONSUMER_FIRST,
	BOTH_AT_ONCE,
	PRODUCER_AGAIN,
	CONSUMER_AGAIN,
	BOTH_AGAIN,
	ORDERS
};

enum memory {
	MEMORY_ZERO,
	MEMORY_ENDED,  /* of a session that said goodbye */
	MEMORY_KILLED, /* of one that was killed between two stores */
	MEMORY_TORN,   /* half of the header overwritten */
	MEMORY_RANDOM, /* somebody else's */
	MEMORIES
};

static const char *const order_names[ORDERS] = { "producer first", "consumer first", "both at once",
	"producer again", "consumer again", "both again" };
static const char *const memory_names[MEMORIES] = { "zero", "ended", "killed", "torn", "random" };

static void scribble(struct stage *stage, uint8_t *bytes, uint64_t size)
{
	for (uint64_t at = 0; at < size; at++) {
		bytes[at] = (uint8_t)stage_roll(stage, 256);
	}
}

static void leave_ended_session(struct stage *stage)
{
	struct producer_plan plan = stage_producer_plan(stage, 0);

	plan.frames = 50;
	plan.goodbye_ns = 0;
	stage_start_producer(stage, &plan);
	if (stage_wait_exit(stage, stage_producer(stage, 0)) != PRODUCER_ENDED) {
		stage_fail(stage, "the session before did not end well");
	}
}

static void leave_killed_session(struct stage *stage)
{
	struct producer_plan plan = stage_producer_plan(stage, 0);

	stage_start_producer(stage, &plan);
	stage_wait_counter(stage, &stage->stats->producers[0].published, 50, "frames before");
	stage_sleep_us(stage_roll(stage, 2000));
	stage_kill(stage, stage_producer(stage, 0));
}

static void prepare_memory(struct stage *stage, enum memory memory)
{
	uint8_t *bytes = stage_map(stage);

	switch (memory) {
	case MEMORY_ENDED:
		leave_ended_session(stage);
		break;
	case MEMORY_KILLED:
		leave_killed_session(stage);
		break;
	case MEMORY_TORN:
		leave_killed_session(stage);
		scribble(stage, bytes + offsetof(struct ring_identity, slot_count), 32);
		break;
	case MEMORY_RANDOM:
		scribble(stage, bytes, stage->region_size);
		break;
	default:
		break;
	}
	stage_unmap(stage, bytes);
	stage->stats->producing = 0;
}

static void start_producer(struct stage *stage, enum memory memory)
{
	struct producer_plan plan = stage_producer_plan(stage, 0);

	plan.interval_ns = NS_PER_MS / 2;
	plan.takeover = memory == MEMORY_RANDOM;
	stage_start_producer(stage, &plan);
}

static void start_consumer(struct stage *stage)
{
	struct consumer_plan plan = stage_consumer_plan(
	        stage, 0, stage_roll(stage, 2) ? READER_LATEST : READER_OBSERVE);

	stage_start_consumer(stage, &plan);
}

/* Memory that is not ours is not overwritten without being told to. */
static void check_refusal(struct stage *stage)
{
	struct producer_plan plan = stage_producer_plan(stage, 0);

	stage_start_producer(stage, &plan);
	if (stage_wait_exit(stage, stage_producer(stage, 0)) != PRODUCER_FOREIGN) {
		stage_fail(stage, "a producer formatted memory that is somebody else's");
	}
	stage->stats->producing = 0;
}

/* Long enough for ten looks at the header, and for more than one heartbeat. */
static void check_nothing_is_shown(struct stage *stage)
{
	const struct consumer_stats *c = &stage->stats->consumers[0];

	stage_wait_counter(stage, &c->turns, 1, "a consumer that runs");
	stage_sleep_us(150000);
	if (c->attaches || c->accepted) {
		stage_fail(stage, "a dead session was taken for a live one");
	}
}

static void restart(struct stage *stage, enum memory memory, enum order order)
{
	uint64_t session = stage->stats->producers[0].session;

	if (order == CONSUMER_AGAIN || order == BOTH_AGAIN) {
		stage_kill(stage, stage_consumer(stage, 0));
	}
	if (order == PRODUCER_AGAIN || order == BOTH_AGAIN) {
		stage_kill(stage, stage_producer(stage, 0));
		start_producer(stage, memory);
		stage_wait_session(stage, 0, session);
	}
	if (order == CONSUMER_AGAIN || order == BOTH_AGAIN) {
		start_consumer(stage);
	}
	stage_wait_flow(stage, 0, 0);
}

static void try_order(struct stage *stage, enum memory memory, enum order order)
{
	uint64_t session;

	stage_open(stage, STRESS_REGION);
	prepare_memory(stage, memory);
	if (memory == MEMORY_RANDOM) {
		check_refusal(stage);
	}
	session = stage->stats->producers[0].session;
	if (order == CONSUMER_FIRST) {
		start_consumer(stage);
		check_nothing_is_shown(stage);
	}
	start_producer(stage, memory);
	if (order == PRODUCER_FIRST) {
		stage_wait_session(stage, 0, session);
	}
	if (order != CONSUMER_FIRST) {
		start_consumer(stage);
	}
	stage_wait_session(stage, 0, session);
	stage_wait_flow(stage, 0, 0);
	if (order >= PRODUCER_AGAIN) {
		restart(stage, memory, order);
	}
	stage_close(stage);
}

void test_start_orders(struct stage *stage)
{
	char name[64];

	for (uint64_t round = 0; round < stage->rounds; round++) {
		for (int memory = 0; memory < MEMORIES; memory++) {
			for (int order = 0; order < ORDERS; order++) {
				snprintf(name, sizeof(name), "start-orders (%s, memory %s)",
				        order_names[order], memory_names[memory]);
				stage->test = name;
				try_order(stage, (enum memory)memory, (enum order)order);
			}
		}
	}
	stage->test = "start-orders";
}
