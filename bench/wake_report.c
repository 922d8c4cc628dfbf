/* SPDX-License-Identifier: MIT */
#include "wake_report.h"

#include "machine.h"
#include "summary.h"
#include "version.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum goal_kind {
	GOAL_RATIO, /* p50 of it over p50 of another */
	GOAL_US,    /* p50 */
	GOAL_CORE,  /* the waiter's CPU time as a share of a core */
	GOAL_RINGS, /* rings sent for each sleep */
};

/* A goal is about the median of what the rounds came to. */
struct goal {
	const char *name;
	enum goal_kind kind;
	const char *figure;
	const char *against;
	double limit;
};

static const struct goal goals[] = {
	{ "rung / eventfd, p50", GOAL_RATIO, "rung", "eventfd", 2.0 },
	{ "spin / line, p50", GOAL_RATIO, "spin", "line", 3.0 },
	{ "poll, p50 in us", GOAL_US, "poll", NULL, 100 },
	{ "poll, share of a core", GOAL_CORE, "poll", NULL, 0.05 },
	{ "poll-jitter, p50 in us", GOAL_US, "poll-jitter", NULL, 100 },
	{ "poll-jitter, share of a core", GOAL_CORE, "poll-jitter", NULL, 0.05 },
	{ "rung, rings for each sleep", GOAL_RINGS, "rung", NULL, 1 },
	{ "frames, rings for each sleep", GOAL_RINGS, "frames", NULL, 1 },
};

#define GOALS (sizeof(goals) / sizeof(goals[0]))

void wake_report_init(
        struct wake_report *report, const struct wake_case *const *cases, unsigned count)
{
	assert(count <= WAKE_CASES_MAX);
	memset(report, 0, sizeof(*report));
	report->count = count;
	for (unsigned i = 0; i < count; i++) {
		report->figures[i].which = cases[i];
		samples_init(&report->figures[i].all);
	}
}

static double percentile(struct samples *samples, unsigned permille)
{
	uint64_t value_ns;

	return samples_percentile(samples, permille, &value_ns) ? (double)value_ns : -1;
}

static void add_counts(struct wakeup_counts *to, const struct wakeup_counts *from)
{
	to->waits += from->waits;
	to->sleeps += from->sleeps;
	to->rung += from->rung;
	to->spurious += from->spurious;
	to->timeouts += from->timeouts;
	to->lost += from->lost;
	to->masks += from->masks;
}

void wake_report_add(
        struct wake_report *report, unsigned round, unsigned index, const struct wake_page *page)
{
	struct wake_figure *figure = &report->figures[index];
	struct samples samples;

	samples_init(&samples);
	for (uint64_t i = 0; i < page->count; i++) {
		(void)samples_add(&samples, page->values_ns[i]);
		(void)samples_add(&figure->all, page->values_ns[i]);
	}
	figure->p50_ns[round] = percentile(&samples, 500);
	figure->p90_ns[round] = percentile(&samples, 900);
	figure->p99_ns[round] = percentile(&samples, 990);
	figure->core[round] = page->wall_ns ? (double)page->cpu_ns / (double)page->wall_ns : -1;
	figure->missed += page->missed;
	figure->rings += shared_load_u64(&page->rings);
	add_counts(&figure->counts, &page->counts);
	report->rounds = round + 1;
	samples_finish(&samples);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(const double *values, unsigned count)
{
	double sorted[WAKE_ROUNDS_MAX];

	memcpy(sorted, values, count * sizeof(values[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static const struct wake_figure *find(const struct wake_report *report, const char *name)
{
	for (unsigned i = 0; i < report->count; i++) {
		if (strcmp(report->figures[i].which->name, name) == 0) {
			return &report->figures[i];
		}
	}
	return NULL;
}

static double value_in_round(const struct goal *goal, const struct wake_figure *figure,
        const struct wake_figure *against, unsigned round)
{
	switch (goal->kind) {
	case GOAL_RATIO:
		return figure->p50_ns[round] / against->p50_ns[round];
	case GOAL_US:
		return figure->p50_ns[round] / (double)NS_PER_US;
	case GOAL_CORE:
		return figure->core[round];
	case GOAL_RINGS:
		break;
	}
	return (double)figure->rings / (double)figure->counts.sleeps;
}

/* What the rounds came to in terms of the goal. returns: false when that was not measured */
static bool value_of(const struct wake_report *report, const struct goal *goal, double *value)
{
	const struct wake_figure *figure = find(report, goal->figure);
	const struct wake_figure *against = goal->against ? find(report, goal->against) : NULL;
	double values[WAKE_ROUNDS_MAX];

	if (!figure || (goal->against && !against)) {
		return false;
	}
	for (unsigned i = 0; i < report->rounds; i++) {
		values[i] = value_in_round(goal, figure, against, i);
	}
	*value = median(values, report->rounds);
	return true;
}

static void print_figure(struct wake_figure *figure, unsigned rounds)
{
	printf("%-12s %8.2f %8.2f %8.2f %9.2f %6.2f%% %7zu  %s\n", figure->which->name,
	        median(figure->p50_ns, rounds) / 1e3, median(figure->p90_ns, rounds) / 1e3,
	        median(figure->p99_ns, rounds) / 1e3, percentile(&figure->all, 1000) / 1e3,
	        median(figure->core, rounds) * 100, figure->all.count, figure->which->what);
}

static void print_bell(const struct wake_figure *figure)
{
	const struct wakeup_counts *counts = &figure->counts;

	printf("%s: %llu rings for %llu sleeps, %llu spurious, %llu lost; %llu frames were not "
	       "slept for\n",
	        figure->which->name, (unsigned long long)figure->rings,
	        (unsigned long long)counts->sleeps, (unsigned long long)counts->spurious,
	        (unsigned long long)counts->lost, (unsigned long long)figure->missed);
}

void wake_report_print(struct wake_report *report)
{
	double load = -1;

	printf("%-12s %8s %8s %8s %9s %7s %7s  from -> to\n", "us", "p50", "p90", "p99", "max",
	        "core", "samples");
	for (unsigned i = 0; i < report->count; i++) {
		print_figure(&report->figures[i], report->rounds);
	}
	for (unsigned i = 0; i < report->count; i++) {
		if (report->figures[i].which->has_doorbell) {
			print_bell(&report->figures[i]);
		}
	}
	for (unsigned i = 0; i < GOALS; i++) {
		double value;

		if (value_of(report, &goals[i], &value)) {
			printf("goal: %s: %.3g, at most %g: %s\n", goals[i].name, value,
			        goals[i].limit, value <= goals[i].limit ? "holds" : "missed");
		}
	}
	(void)getloadavg(&load, 1);
	printf("medians of %u rounds, load %.1f\n", report->rounds, load);
}

static json_t *list(const double *values, unsigned count)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < count; i++) {
		json_array_append_new(array, values[i] < 0 ? json_null() : json_real(values[i]));
	}
	return array;
}

static json_t *describe_figure(struct wake_figure *figure, unsigned rounds)
{
	const struct wakeup_counts *counts = &figure->counts;

	return json_pack("{ss so so so so so sI sI s{sI sI sI sI sI sI sI}}", "what",
	        figure->which->what, "all_ns", summary_percentiles(&figure->all), "p50_ns",
	        list(figure->p50_ns, rounds), "p90_ns", list(figure->p90_ns, rounds), "p99_ns",
	        list(figure->p99_ns, rounds), "core", list(figure->core, rounds), "not_counted",
	        (json_int_t)figure->missed, "rings_sent", (json_int_t)figure->rings, "wakeup",
	        "waits", (json_int_t)counts->waits, "sleeps", (json_int_t)counts->sleeps, "rung",
	        (json_int_t)counts->rung, "spurious", (json_int_t)counts->spurious, "timeouts",
	        (json_int_t)counts->timeouts, "lost", (json_int_t)counts->lost, "masks",
	        (json_int_t)counts->masks);
}

int wake_report_write(struct wake_report *report, const char *path, struct complaint *why)
{
	json_t *figures = json_object();
	json_t *judged = json_array();
	json_t *summary;
	int error;

	for (unsigned i = 0; i < report->count; i++) {
		json_object_set_new(figures, report->figures[i].which->name,
		        describe_figure(&report->figures[i], report->rounds));
	}
	for (unsigned i = 0; i < GOALS; i++) {
		double value;

		if (value_of(report, &goals[i], &value)) {
			json_array_append_new(judged,
			        json_pack("{ss sf sf sb}", "goal", goals[i].name, "value", value,
			                "limit", goals[i].limit, "holds", value <= goals[i].limit));
		}
	}
	summary = json_pack("{si ss ss so si so so}", "schema_version", 1, "program",
	        "wake-latency", "commit", ORIEL_COMMIT, "machine", machine_describe(), "rounds",
	        (int)report->rounds, "figures", figures, "goals", judged);
	error = summary_write(summary, path, why);
	json_decref(summary);
	return error;
}

void wake_report_finish(struct wake_report *report)
{
	for (unsigned i = 0; i < report->count; i++) {
		samples_finish(&report->figures[i].all);
	}
}
