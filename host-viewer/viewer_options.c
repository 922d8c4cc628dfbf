/* SPDX-License-Identifier: MIT */
#include "viewer_options.h"

#include "clock.h"
#include "layout.h"
#include "command_line.h"
#include "region.h"
#include "sink.h"

#include <argp.h>
#include <string.h>

#define DEFAULT_WAIT_NS (10 * NS_PER_S)
#define DEFAULT_CREATE  (UINT64_C(128) << 20)

enum {
	KEY_REGION = 'R',
	KEY_QUIET = 'q',
	KEY_BENCH = 0x100,
	KEY_SCREENSHOT,
	KEY_RENDERER,
	KEY_MODE,
	KEY_BLOCK,
	KEY_FRAMES,
	KEY_DURATION,
	KEY_CREATE,
	KEY_WAIT,
	KEY_WAKEUP,
	KEY_CSV,
	KEY_SUMMARY,
};

static const struct argp_option options_table[] = {
	{ NULL, 0, NULL, 0, "What to do with the frames (default: show them in a window):", 1 },
	{ "bench", KEY_BENCH, NULL, 0, "Verify and count them; needs no display", 1 },
	{ "screenshot", KEY_SCREENSHOT, "FILE", 0,
	        "Write the first good one as a PNG and end; needs no display", 1 },
	{ "renderer", KEY_RENDERER, "NAME", 0, "SDL's renderer for the window, e.g. software", 1 },
	{ NULL, 0, NULL, 0, "Where from:", 2 },
	{ "region", KEY_REGION, "ADDR", 0,
	        "A file (default " REGION_DEFAULT
	        "), or server:PATH, a doorbell-server's socket; inside "
	        "a guest pci:auto or pci:0000:00:10.0",
	        2 },
	{ "create", KEY_CREATE, "SIZE", OPTION_ARG_OPTIONAL,
	        "Make the region's file if it is not there (default size: 128M)", 2 },
	{ "mode", KEY_MODE, "latest|lossless|observe", 0,
	        "latest (default): the newest frame; lossless: every frame, if the producer does the "
	        "same; observe: read only, leave no trace",
	        2 },
	{ "block", KEY_BLOCK, "N", 0,
	        "Use consumer block N, 0 to 7 (default: the first free one of 0 to 6; inside a guest "
	        "7)",
	        2 },
	{ "wait", KEY_WAIT, "S", 0,
	        "Wait so many seconds for a producer (default: a window for ever, others 10; none "
	        "came: exit code 4), and for a region that is not there (default: not at all; exit "
	        "code 3)",
	        2 },
	{ "wakeup", KEY_WAKEUP, "WAY", 0, COMMAND_LINE_WAKEUP_HELP, 2 },
	{ NULL, 0, NULL, 0, "How long:", 3 },
	{ "frames", KEY_FRAMES, "N", 0, "Stop after so many verified frames", 3 },
	{ "duration", KEY_DURATION, "S", 0, "Stop so many seconds after the first frame", 3 },
	{ NULL, 0, NULL, 0, "What to leave behind:", 4 },
	{ "csv", KEY_CSV, "FILE", 0, "A row for each frame", 4 },
	{ "summary", KEY_SUMMARY, "FILE", 0, "Counts, rates and percentiles as JSON", 4 },
	{ "quiet", KEY_QUIET, NULL, 0, "Say nothing but warnings and errors", 4 },
	{ 0 },
};

static void parse_mode(
        const char *argument, struct argp_state *state, struct viewer_options *options)
{
	static const char *const names[] = {
		[READER_LATEST] = "latest",
		[READER_LOSSLESS] = "lossless",
		[READER_OBSERVE] = "observe",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(argument, names[i]) == 0) {
			options->mode = (enum reader_mode)i;
			options->mode_name = names[i];
			return;
		}
	}
	command_line_refuse(
	        state, "--mode: '%.60s' is none; use latest, lossless or observe", argument);
}

static error_t parse_frames(
        int key, char *argument, struct argp_state *state, struct viewer_options *options)
{
	switch (key) {
	case KEY_BENCH:
		options->sink = "bench";
		return 0;
	case KEY_SCREENSHOT:
		options->screenshot = argument;
		return 0;
	case KEY_RENDERER:
		options->renderer = argument;
		return 0;
	case KEY_MODE:
		parse_mode(argument, state, options);
		return 0;
	case KEY_FRAMES:
		options->frames =
		        command_line_count(state, "--frames", argument, 1, RING_SEQUENCE_MAX);
		return 0;
	case KEY_DURATION:
		options->duration_ns = command_line_seconds(state, "--duration", argument);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_place(
        int key, char *argument, struct argp_state *state, struct viewer_options *options)
{
	switch (key) {
	case KEY_REGION:
		options->region = argument;
		return 0;
	case KEY_BLOCK:
		options->block = (int)command_line_count(
		        state, "--block", argument, 0, RING_CONSUMERS_MAX - 1);
		return 0;
	case KEY_CREATE:
		options->create = true;
		options->create_size =
		        argument ? command_line_size(state, "--create", argument) : DEFAULT_CREATE;
		return 0;
	case KEY_WAIT:
		options->wait = true;
		options->wait_ns = command_line_seconds(state, "--wait", argument);
		return 0;
	case KEY_WAKEUP:
		options->wakeup = command_line_wakeup(state, "--wakeup", argument);
		return 0;
	case KEY_CSV:
		options->csv = argument;
		return 0;
	case KEY_SUMMARY:
		options->summary = argument;
		return 0;
	case KEY_QUIET:
		options->quiet = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* What only makes sense together. */
static void check_together(struct argp_state *state, struct viewer_options *options)
{
	if (options->screenshot && strcmp(options->sink, "bench") == 0) {
		command_line_refuse(state, "--bench and --screenshot: give one of them");
	}
	if (options->screenshot) {
		options->sink = "screenshot";
	}
	if (!sink_by_name(options->sink)) {
		command_line_refuse(state,
		        "built without the window: give --bench or --screenshot FILE, or build with "
		        "-Dwindow=enabled");
	}
	if (options->renderer && strcmp(options->sink, "window") != 0) {
		command_line_refuse(state, "--renderer: only the window has one");
	}
	if (options->mode == READER_OBSERVE && options->wakeup == WAKEUP_DOORBELL) {
		command_line_refuse(state,
		        "--wakeup doorbell: who only observes leaves no word to be rung by; use poll, "
		        "or --mode latest");
	}
	if (options->block == LINK_BLOCK_ANY && strncmp(options->region, "pci:", 4) == 0) {
		options->block = RING_CONSUMERS_MAX - 1;
	}
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct viewer_options *options = state->input;
	error_t result;

	switch (key) {
	case ARGP_KEY_ARG:
		command_line_refuse(state,
		        "'%.60s': nothing is expected here; options begin with --", argument);
		return 0;
	case ARGP_KEY_END:
		if (command_line_is_checked(state)) {
			check_together(state, options);
		}
		return 0;
	case ARGP_KEY_ERROR:
		command_line_refuse_word(state);
	}
	result = parse_frames(key, argument, state, options);
	return result == ARGP_ERR_UNKNOWN ? parse_place(key, argument, state, options) : result;
}

void viewer_options_parse(struct viewer_options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.doc = "Shows the frames that guest-capture publishes, each one verified before it is "
		       "shown."
		       "\vIn the window: F fullscreen, O overlay, S screenshot, Q or Esc end."
		       "\n\nExit codes: 0 good, 1 other failure, 2 usage, 3 region missing or unusable, "
		       "4 no producer within --wait, 5 integrity (a bad frame, or counts that do not "
		       "reconcile), 6 other version.",
	};

	*options = (struct viewer_options) {
		.region = REGION_DEFAULT,
		.sink = "window",
		.mode = READER_LATEST,
		.mode_name = "latest",
		.block = LINK_BLOCK_ANY,
		.wait_ns = DEFAULT_WAIT_NS,
		.argument_count = argc,
		.arguments = argv,
	};
	command_line_parse(&argp, argc, argv, options);
}
