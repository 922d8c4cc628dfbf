/* SPDX-License-Identifier: MIT */
/*
 * What every stress test stands on: a region that leaves nothing behind, the statistics page,
 * children that die with the driver and are reaped in every path, seeded dice, and waits that are
 * decided by "it happened" or by a generous deadline, never by how fast it was.
 */
#ifndef ORIEL_STRESS_STAGE_H
#define ORIEL_STRESS_STAGE_H

#include "consumer.h"
#include "producer.h"
#include "stats.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STAGE_DEADLINE_S 60u /* for what takes less than 2 s on an idle machine */
#define STAGE_ACTORS_MAX (STATS_PRODUCERS_MAX + STATS_CONSUMERS_MAX)

struct actor {
	pid_t pid; /* 0: nobody */
};

struct stage {
	const char *test;
	uint64_t seed;
	uint64_t dice;
	uint64_t rounds;
	struct stats *stats;
	struct actor actors[STAGE_ACTORS_MAX]; /* producers first */
	int fd;                                /* of the region's memory */
	uint64_t region_size;
	char path[64];   /* of the region, good in every child */
	char folder[32]; /* "" unless the region is a file of its own */
	bool spoilt;     /* rivals or truncation spoil frames in memory: to be refused */
};

/* The region is memory without a name. Children open it by path. */
void stage_open(struct stage *stage, uint64_t region_size);
/* The region is a file in a folder of its own. */
void stage_open_file(struct stage *stage, uint64_t region_size);
void stage_make_file(struct stage *stage);
/* Kills, reaps, and checks that nothing forbidden was counted. Counters start at 0 again. */
void stage_close(struct stage *stage);

/* Says what, with the seed and all counters, ends every child, and exits. */
void stage_fail(struct stage *stage, const char *format, ...)
        __attribute__((format(printf, 2, 3), noreturn));

/* 0 to below - 1. */
uint64_t stage_roll(struct stage *stage, uint64_t below);
void stage_sleep_us(uint64_t us);

/* The region's memory as it stands, for spoiling. Unmap with stage_unmap(). */
uint8_t *stage_map(struct stage *stage);
void stage_unmap(struct stage *stage, uint8_t *bytes);

/* Plans with what all tests have in common. */
struct producer_plan stage_producer_plan(struct stage *stage, unsigned index);
struct consumer_plan stage_consumer_plan(
        struct stage *stage, unsigned index, enum reader_mode mode);

/* The plan is copied by the fork. Nobody may live in that place. */
void stage_start_producer(struct stage *stage, const struct producer_plan *plan);
void stage_start_consumer(struct stage *stage, const struct consumer_plan *plan);

struct actor *stage_producer(struct stage *stage, unsigned index);
struct actor *stage_consumer(struct stage *stage, unsigned index);
void stage_signal(struct stage *stage, struct actor *actor, int signal_number);
/* SIGKILL, and reaped. */
void stage_kill(struct stage *stage, struct actor *actor);
/* The same for one that may have ended already: its exit code then, or -1. */
int stage_kill_or_reap(struct stage *stage, struct actor *actor);
/* Waits for it to exit by itself; returns its exit code. */
int stage_wait_exit(struct stage *stage, struct actor *actor);
/* Waits for a producer of a limited number of frames, as long as it makes headway. */
void stage_wait_end(struct stage *stage, unsigned producer);
/* Has it exited by itself? *code is set then. */
bool stage_has_exited(struct stage *stage, struct actor *actor, int *code);

/* Waits until the counter is at least that; what: for the message. */
void stage_wait_counter(
        struct stage *stage, const counter *which, uint64_t least, const char *what);
void stage_wait_state(struct stage *stage, unsigned consumer, uint64_t state);
/* Waits until the producer has opened a session newer than that, and returns its number. */
uint64_t stage_wait_session(struct stage *stage, unsigned producer, uint64_t older);
/* Waits until frames of the producer's present session arrive, some more than now. */
void stage_wait_flow(struct stage *stage, unsigned producer, unsigned consumer);

/* Fails when anything was counted that must never happen. */
void stage_check(struct stage *stage);

#endif
