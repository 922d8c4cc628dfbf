/* SPDX-License-Identifier: MIT */
#include "command_line.h"

#include "clock.h"
#include "complaint.h"
#include "exit_code.h"
#include "options.h"
#include "region.h"
#include "version.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SECONDS_MAX UINT64_C(31536000) /* a year */
#define RATE_MAX    100000.0

const char *argp_program_version = "oriel " ORIEL_VERSION " (" ORIEL_COMMIT ")";

/*
 * What argp says of an option that it does not know takes two lines and names no cure. So the
 * first pass is silent, which makes --help silent too; that is the second one's. In the first, the
 * parser is told ARGP_KEY_ERROR and hands it on to command_line_refuse_word().
 */
void command_line_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(argp, argc, argv, ARGP_NO_ERRS, NULL, input);
	argp_parse(argp, argc, argv, 0, NULL, input);
}

bool command_line_is_checked(const struct argp_state *state)
{
	return !(state->flags & ARGP_NO_ERRS);
}

void command_line_refuse(const struct argp_state *state, const char *format, ...)
{
	struct complaint why;
	va_list arguments;

	va_start(arguments, format);
	complain_list(&why, format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s: %s\n", state->name, why.text);
	exit(EXIT_USAGE);
}

void command_line_refuse_word(const struct argp_state *state)
{
	/* One of several letters behind one '-' is not counted as taken yet. */
	int word = state->next > 1 ? state->next - 1 : 1;

	command_line_refuse(state,
	        "'%.60s' is no option as it stands (unknown, ambiguous, or its value is missing or "
	        "unwanted); see --help",
	        word < state->argc ? state->argv[word] : "");
}

uint64_t command_line_count(const struct argp_state *state, const char *option, const char *text,
        uint64_t least, uint64_t most)
{
	struct complaint why;
	uint64_t value;

	if (options_parse_number(text, least, most, &value, &why) < 0) {
		command_line_refuse(state, "%s: %s", option, why.text);
	}
	return value;
}

uint64_t command_line_seconds(const struct argp_state *state, const char *option, const char *text)
{
	struct complaint why;
	uint64_t value_ns;

	if (options_parse_seconds(text, &value_ns, &why) < 0) {
		command_line_refuse(state, "%s: %s", option, why.text);
	}
	if (value_ns == 0 || value_ns > SECONDS_MAX * NS_PER_S) {
		command_line_refuse(state,
		        "%s: '%.60s' is no time; use seconds such as 10 or 0.5, above 0 and up to %" PRIu64,
		        option, text, SECONDS_MAX);
	}
	return value_ns;
}

/* returns: -1 when the text is no plain decimal number up to most */
static double parse_decimal(const char *text, double most)
{
	char *end = NULL;
	double value;

	for (const char *at = text; *at; at++) {
		if (!isdigit((unsigned char)*at) && *at != '.') {
			return -1;
		}
	}
	value = strtod(text, &end);
	return end == text || *end || value > most ? -1 : value;
}

double command_line_rate(const struct argp_state *state, const char *option, const char *text)
{
	double rate = parse_decimal(text, RATE_MAX);

	if (rate < 0) {
		command_line_refuse(state,
		        "%s: '%.60s' is no rate; use frames a second from 0 (as fast as it goes) to "
		        "%.0f",
		        option, text, RATE_MAX);
	}
	return rate;
}

double command_line_share(
        const struct argp_state *state, const char *option, const char *text, double least)
{
	double percent = parse_decimal(text, 100);

	if (percent < 100 * least) {
		command_line_refuse(state, "%s: '%.60s' is no share; use percent from %g to 100",
		        option, text, 100 * least);
	}
	return percent / 100;
}

enum wakeup_way command_line_wakeup(
        const struct argp_state *state, const char *option, const char *text)
{
	enum wakeup_way way;

	if (!wakeup_parse_way(text, &way)) {
		command_line_refuse(state, "%s: '%.60s' is none; use auto, doorbell, poll or spin",
		        option, text);
	}
	return way;
}

uint64_t command_line_size(const struct argp_state *state, const char *option, const char *text)
{
	struct complaint why;
	uint64_t size;

	if (region_parse_size(text, &size, &why) < 0) {
		command_line_refuse(state, "%s: %s", option, why.text);
	}
	return size;
}
