/* SPDX-License-Identifier: MIT */
/*
 * How fast a consumer notices a frame, beside how fast this machine can wake anybody at all. Rounds
 * of all cases in turn; a ratio is taken within a round, and the median of the rounds is told.
 * docs/measuring.md, "Waking", says what each case is.
 */
#include "command_line.h"
#include "exit_code.h"
#include "log.h"
#include "stop.h"
#include "wake_pair.h"
#include "wake_report.h"
#include "whole_file.h"

#include <string.h>

#define ROUNDS_MAX WAKE_ROUNDS_MAX

static const struct wake_case *const cases[] = { &wake_eventfd, &wake_futex, &wake_line,
	&wake_ring_rung, &wake_ring_spin, &wake_ring_steady, &wake_ring_jittered,
	&wake_ring_frames };

#define CASES (sizeof(cases) / sizeof(cases[0]))

struct options {
	struct wake_plan plan;
	unsigned rounds;
	const struct wake_case *cases[CASES];
	unsigned case_count;
	const char *json;
};

enum { KEY_ONLY = 1, KEY_ROUNDS, KEY_SAMPLES, KEY_STEADY, KEY_FPS, KEY_JITTER, KEY_FREE, KEY_JSON };

static const struct argp_option words[] = {
	{ "only", KEY_ONLY, "NAME", 0, "Only this row of the table, and others that are named so",
	        0 },
	{ "rounds", KEY_ROUNDS, "N", 0, "Rounds of all cases (default 5)", 0 },
	{ "samples", KEY_SAMPLES, "N", 0, "Wake-ups a round of a random pace (default 300)", 0 },
	{ "steady", KEY_STEADY, "SECONDS", 0, "A round of a fixed rate (default 3)", 0 },
	{ "fps", KEY_FPS, "N", 0, "The fixed rate (default 60)", 0 },
	{ "jitter", KEY_JITTER, "US", 0, "Either way, of the jittering producer (default 2000)",
	        0 },
	{ "free", KEY_FREE, NULL, 0, "Let the scheduler choose the cores", 0 },
	{ "json", KEY_JSON, "FILE", 0, "Write all figures there", 0 },
	{ 0 },
};

static void choose(const struct argp_state *state, struct options *options, const char *name)
{
	/* The words are parsed twice. */
	for (unsigned i = 0; i < options->case_count; i++) {
		if (strcmp(options->cases[i]->name, name) == 0) {
			return;
		}
	}
	for (unsigned i = 0; i < CASES; i++) {
		if (strcmp(cases[i]->name, name) == 0) {
			options->cases[options->case_count++] = cases[i];
			return;
		}
	}
	command_line_refuse(state, "--only: %s: is no row of the table", name);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_ONLY:
		choose(state, options, text);
		return 0;
	case KEY_ROUNDS:
		options->rounds =
		        (unsigned)command_line_count(state, "--rounds", text, 1, ROUNDS_MAX);
		return 0;
	case KEY_SAMPLES:
		options->plan.samples =
		        (unsigned)command_line_count(state, "--samples", text, 1, WAKE_SAMPLES_MAX);
		return 0;
	case KEY_STEADY:
		options->plan.steady_ns = command_line_seconds(state, "--steady", text);
		return 0;
	case KEY_FPS:
		options->plan.period_ns =
		        NS_PER_S / command_line_count(state, "--fps", text, 1, 1000);
		return 0;
	case KEY_JITTER:
		options->plan.jitter_ns =
		        command_line_count(state, "--jitter", text, 0, 100000) * NS_PER_US;
		return 0;
	case KEY_FREE:
		options->plan.is_free = true;
		return 0;
	case KEY_JSON:
		options->json = text;
		return 0;
	case ARGP_KEY_ERROR:
		command_line_refuse_word(state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = words,
	.parser = parse,
	.doc = "Measures how fast a sleeping, a polling and a spinning consumer notice a frame, and "
	       "what this machine needs for any wake-up.",
};

static bool run_round(const struct options *options, struct wake_report *report, unsigned round)
{
	struct complaint why;
	bool has_any;

	for (unsigned i = 0; i < options->case_count && !stop_requested(); i++) {
		struct wake_page *page;

		if (!wake_pair_run(options->cases[i], &options->plan, &page, &why)) {
			log_error("%s: %s", options->cases[i]->name, why.text);
			return false;
		}
		wake_report_add(report, round, i, page);
		has_any = page->count > 0;
		wake_pair_free(page);
		if (!has_any) {
			log_error("%s: not one wake-up came through", options->cases[i]->name);
			return false;
		}
	}
	return !stop_requested();
}

int main(int argc, char **argv)
{
	static struct wake_report report;
	struct options options = {
		.rounds = 5,
		.plan = {
			.samples = 300,
			.least_ns = NS_PER_MS,
			.most_ns = 5 * NS_PER_MS,
			.busy_least_ns = 100 * NS_PER_US,
			.busy_most_ns = 300 * NS_PER_US,
			.period_ns = NS_PER_S / 60,
			.jitter_ns = 2 * NS_PER_MS,
			.steady_ns = 3 * NS_PER_S,
		},
	};
	struct complaint why;
	bool good = true;

	log_init("wake-latency", LOG_LEVEL_INFO);
	command_line_parse(&argp, argc, argv, &options);
	if (options.json && whole_file_check(options.json, &why) < 0) {
		log_error("--json: %s", why.text);
		return EXIT_OTHER;
	}
	stop_on_signals();
	if (options.case_count == 0) {
		memcpy(options.cases, cases, sizeof(cases));
		options.case_count = CASES;
	}
	wake_report_init(&report, options.cases, options.case_count);
	for (unsigned round = 0; round < options.rounds && good; round++) {
		good = run_round(&options, &report, round);
	}
	if (good) {
		wake_report_print(&report);
	}
	if (good && options.json && wake_report_write(&report, options.json, &why) < 0) {
		log_error("--json: %s", why.text);
		good = false;
	}
	wake_report_finish(&report);
	return good ? EXIT_GOOD : EXIT_OTHER;
}
