/* SPDX-License-Identifier: MIT */
#include "capture_options.h"

#include "clock.h"
#include "layout.h"
#include "command_line.h"
#include "exit_code.h"
#include "kms_card.h"
#include "pattern.h"
#include "pattern_patch.h"
#include "region.h"
#include "source.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_RES = 'r',
	KEY_PATTERN = 'p',
	KEY_INPUT = 'i',
	KEY_FORMAT = 'f',
	KEY_REGION = 'R',
	KEY_QUIET = 'q',
	KEY_FPS = 0x100,
	KEY_FRAMES,
	KEY_DURATION,
	KEY_SLOTS,
	KEY_MODE,
	KEY_HASH,
	KEY_CREATE,
	KEY_CSV,
	KEY_SUMMARY,
	KEY_WAIT,
	KEY_TAKEOVER,
	KEY_WAKEUP,
	KEY_SOURCE,
	KEY_LIST_SOURCES,
	KEY_CURSOR,
	KEY_DAMAGE,
};

static const struct argp_option options_table[] = {
	{ NULL, 0, NULL, 0, "What to capture:", 1 },
	{ "pattern", KEY_PATTERN, "NAME", 0,
	        "A test picture: random, bars, gradient, motion (default) or counter", 1 },
	{ "source", KEY_SOURCE, "NAME[:ARG]", 0,
	        "kms[:/dev/dri/card0][,crtc=N]: what a screen of this machine shows, as root; "
	        "pattern:NAME and raw:FILE are --pattern and --input",
	        1 },
	{ "cursor", KEY_CURSOR, "channel|composed|none", 0,
	        "With --source kms: the mouse pointer, where it is a plane of its own, goes beside "
	        "the frames for the viewer to draw (default), is drawn into them, or left out",
	        1 },
	{ "damage", KEY_DAMAGE, "PERCENT", 0,
	        "With --pattern random: only so much of each frame changes, 0.1 to 100 (default), in "
	        "one place, and is given as its damage",
	        1 },
	{ "list-sources", KEY_LIST_SOURCES, NULL, 0, "List screens and patterns, and end", 1 },
	{ "input", KEY_INPUT, "FILE|-", 0,
	        "Raw frames of --res and --format, back to back, as ffmpeg -f rawvideo writes them",
	        1 },
	{ "res", KEY_RES, "SIZE[,SIZE...]", 0,
	        "720p, 1080p (default), 1440p, 4k or WxH; a list is stepped through, a second each "
	        "unless --frames or --duration say how long",
	        1 },
	{ "format", KEY_FORMAT, "NAME", 0,
	        "Pixel format under libdrm's name: xrgb8888 (default), argb8888, xbgr8888, abgr8888, "
	        "rgb888, bgr888, rgb565, xrgb2101010",
	        1 },
	{ NULL, 0, NULL, 0, "How fast and how long:", 2 },
	{ "fps", KEY_FPS, "N", 0, "Frames per second (default 60); 0 = as fast as it goes", 2 },
	{ "frames", KEY_FRAMES, "N", 0, "Stop after so many frames of each size", 2 },
	{ "duration", KEY_DURATION, "S", 0, "Stop after so many seconds of each size", 2 },
	{ "mode", KEY_MODE, "latest|lossless", 0,
	        "latest (default): never wait, a slow viewer skips; lossless: wait for every viewer "
	        "that asks for it",
	        2 },
	{ "hash", KEY_HASH, "NAME", 0,
	        "Digest of each frame: auto (default, the faster one here), xxh3, xxh64, sha256 or "
	        "none",
	        2 },
	{ NULL, 0, NULL, 0, "Where to:", 3 },
	{ "region", KEY_REGION, "ADDR", 0,
	        "pci:auto (default), pci:0000:00:10.0, a file such as " REGION_DEFAULT
	        ", or server:PATH, a doorbell-server's socket",
	        3 },
	{ "create", KEY_CREATE, "SIZE", OPTION_ARG_OPTIONAL,
	        "Make the region's file if it is not there (default size: what --res and --slots "
	        "need); --region is " REGION_DEFAULT " then unless it is given",
	        3 },
	{ "slots", KEY_SLOTS, "N", 0, "Frames the ring holds, 3 to 32 (default 4)", 3 },
	{ "wait", KEY_WAIT, "S", 0,
	        "Wait so many seconds for a viewer before the first frame; none came: exit code 4",
	        3 },
	{ "takeover", KEY_TAKEOVER, NULL, 0,
	        "Depose a producer that is alive, format memory that holds something else", 3 },
	{ "wakeup", KEY_WAKEUP, "WAY", 0, COMMAND_LINE_WAKEUP_HELP, 3 },
	{ NULL, 0, NULL, 0, "What to leave behind:", 4 },
	{ "csv", KEY_CSV, "FILE", 0, "A row for each frame", 4 },
	{ "summary", KEY_SUMMARY, "FILE", 0, "Counts, rates and percentiles as JSON", 4 },
	{ "quiet", KEY_QUIET, NULL, 0, "Say nothing but warnings and errors", 4 },
	{ 0 },
};

static void list_sources(void)
{
	if (kms_card_list(stdout) == 0) {
		printf("no screen: there is no " KMS_CARD_ROOT "/card*\n");
	}
	printf("pattern:NAME  %s\nraw:FILE|-\n", pattern_names());
	exit(EXIT_GOOD);
}

static void set_pattern(const char *name, struct argp_state *state, struct capture_options *options)
{
	if (pattern_kind_by_name(name) < 0) {
		command_line_refuse(
		        state, "--pattern: '%.60s' is none; use one of %s", name, pattern_names());
	}
	options->source = "pattern";
	options->source_argument = name;
}

/* "kms", "kms:/dev/dri/card0,crtc=41", "pattern:bars" */
static void set_source(
        const char *argument, struct argp_state *state, struct capture_options *options)
{
	const char *colon = strchr(argument, ':');
	size_t length = colon ? (size_t)(colon - argument) : strlen(argument);
	char name[16] = "";

	if (length < sizeof(name)) {
		memcpy(name, argument, length);
	}
	if (strcmp(name, "pattern") == 0 && colon) {
		set_pattern(colon + 1, state, options);
		return;
	}
	if (!source_by_name(name) || (strcmp(name, "raw") == 0 && !colon)) {
		command_line_refuse(state,
		        "--source: '%.60s' is none; use kms, pattern:NAME or raw:FILE", argument);
	}
	options->source = source_by_name(name)->name;
	options->source_argument = colon ? colon + 1 : NULL;
}

static void set_cursor(
        const char *argument, struct argp_state *state, struct capture_options *options)
{
	static const char *const ways[] = {
		[CURSOR_NONE] = "none",
		[CURSOR_COMPOSED] = "composed",
		[CURSOR_CHANNEL] = "channel",
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argument, ways[i]) == 0) {
			options->cursor = (enum cursor_way)i;
			return;
		}
	}
	command_line_refuse(
	        state, "--cursor: '%.60s' is none; use channel, composed or none", argument);
}

static error_t parse_source(
        int key, char *argument, struct argp_state *state, struct capture_options *options)
{
	struct complaint why;
	int count;

	switch (key) {
	case KEY_PATTERN:
		set_pattern(argument, state, options);
		return 0;
	case KEY_SOURCE:
		set_source(argument, state, options);
		return 0;
	case KEY_CURSOR:
		set_cursor(argument, state, options);
		return 0;
	case KEY_DAMAGE:
		options->damage_share =
		        command_line_share(state, "--damage", argument, PATTERN_PATCH_LEAST);
		return 0;
	case KEY_LIST_SOURCES:
		if (command_line_is_checked(state)) {
			list_sources();
		}
		return 0;
	case KEY_INPUT:
		options->source = "raw";
		options->source_argument = argument;
		return 0;
	case KEY_RES:
		count = resolution_parse_list(argument, options->sizes, &why);
		if (count < 0) {
			command_line_refuse(state, "--res: %s", why.text);
		}
		options->size_count = count;
		return 0;
	case KEY_FORMAT:
		options->format = pixel_format_by_name(argument);
		if (!options->format) {
			command_line_refuse(state, "--format: '%.60s' is none; use one of %s",
			        argument, pixel_format_names());
		}
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void parse_hash(
        const char *argument, struct argp_state *state, struct capture_options *options)
{
	options->digest_auto = strcmp(argument, "auto") == 0;
	if (!options->digest_auto && digest_by_name(argument, &options->digest) < 0) {
		command_line_refuse(state,
		        "--hash: '%.60s' is none; use auto, xxh3, xxh64, sha256 or none", argument);
	}
}

static error_t parse_pace(
        int key, char *argument, struct argp_state *state, struct capture_options *options)
{
	switch (key) {
	case KEY_FPS:
		options->frames_per_second = command_line_rate(state, "--fps", argument);
		return 0;
	case KEY_FRAMES:
		options->frames =
		        command_line_count(state, "--frames", argument, 1, RING_SEQUENCE_MAX);
		return 0;
	case KEY_DURATION:
		options->duration_ns = command_line_seconds(state, "--duration", argument);
		return 0;
	case KEY_MODE:
		options->lossless = strcmp(argument, "lossless") == 0;
		if (!options->lossless && strcmp(argument, "latest") != 0) {
			command_line_refuse(
			        state, "--mode: '%.60s' is none; use latest or lossless", argument);
		}
		return 0;
	case KEY_HASH:
		parse_hash(argument, state, options);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_place(
        int key, char *argument, struct argp_state *state, struct capture_options *options)
{
	switch (key) {
	case KEY_REGION:
		options->region = argument;
		return 0;
	case KEY_CREATE:
		options->create = true;
		options->create_size =
		        argument ? command_line_size(state, "--create", argument) : 0;
		return 0;
	case KEY_SLOTS:
		options->slots = (uint32_t)command_line_count(
		        state, "--slots", argument, RING_SLOTS_MIN, RING_SLOTS_MAX);
		return 0;
	case KEY_WAIT:
		options->wait = true;
		options->wait_ns = command_line_seconds(state, "--wait", argument);
		return 0;
	case KEY_TAKEOVER:
		options->takeover = true;
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
static void check_together(struct argp_state *state, struct capture_options *options)
{
	if (!options->region) {
		options->region = options->create ? REGION_DEFAULT : "pci:auto";
	}
	if (strcmp(options->source, "kms") == 0) {
		/* What --create makes room for; the screen has its own size. */
		options->sizes[0] = (struct resolution) { 3840, 2160 };
		options->size_count = 1;
	}
	if (options->damage_share < 1 && (strcmp(options->source, "pattern") != 0 ||
	                                         strcmp(options->source_argument, "random") != 0)) {
		command_line_refuse(
		        state, "--damage: only --pattern random can change by a share; give both");
	}
	if (strcmp(options->source, "raw") == 0 && options->size_count > 1) {
		command_line_refuse(
		        state, "--input: frames of a file have one size; give --res only one");
	}
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct capture_options *options = state->input;
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
	result = parse_source(key, argument, state, options);
	if (result == ARGP_ERR_UNKNOWN) {
		result = parse_pace(key, argument, state, options);
	}
	return result == ARGP_ERR_UNKNOWN ? parse_place(key, argument, state, options) : result;
}

void capture_options_parse(struct capture_options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.doc = "Publishes frames into shared memory that the host of this guest reads."
		       "\vExit codes: 0 good, 1 other failure, 2 usage, 3 region missing or unusable, "
		       "4 no viewer within --wait, 5 not used here, 6 a producer of another version is "
		       "alive there.",
	};

	*options = (struct capture_options) {
		.source = "pattern",
		.source_argument = "motion",
		.damage_share = 1,
		.cursor = CURSOR_CHANNEL,
		.sizes = { { 1920, 1080 } },
		.size_count = 1,
		.format = pixel_format_by_name("xrgb8888"),
		.frames_per_second = 60,
		.slots = 4,
		.digest_auto = true,
		.argument_count = argc,
		.arguments = argv,
	};
	command_line_parse(&argp, argc, argv, options);
}
