/* SPDX-License-Identifier: MIT */
/*
 * What wake_latency.c found: a table, JSON, and which of the goals hold.
 */
#ifndef ORIEL_BENCH_WAKE_REPORT_H
#define ORIEL_BENCH_WAKE_REPORT_H

#include "samples.h"
#include "wake_pair.h"

#define WAKE_ROUNDS_MAX 99u
#define WAKE_CASES_MAX  8u

struct wake_figure {
	const struct wake_case *which;
	struct samples all; /* of all rounds */
	double p50_ns[WAKE_ROUNDS_MAX];
	double p90_ns[WAKE_ROUNDS_MAX];
	double p99_ns[WAKE_ROUNDS_MAX];
	double core[WAKE_ROUNDS_MAX]; /* of the waiter: CPU time as a share of one core */
	uint64_t missed;
	uint64_t rings;
	struct wakeup_counts counts;
};

/* All of it fits; zero is empty. */
struct wake_report {
	struct wake_figure figures[WAKE_CASES_MAX];
	unsigned count;
	unsigned rounds;
};

void wake_report_init(
        struct wake_report *report, const struct wake_case *const *cases, unsigned count);

/* A round of one case. */
void wake_report_add(
        struct wake_report *report, unsigned round, unsigned index, const struct wake_page *page);

/* To standard output. */
void wake_report_print(struct wake_report *report);

/* returns: 0 or -errno with the complaint filled */
int wake_report_write(struct wake_report *report, const char *path, struct complaint *why);

void wake_report_finish(struct wake_report *report);

#endif
