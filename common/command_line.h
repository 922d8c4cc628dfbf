/* SPDX-License-Identifier: MIT */
/*
 * What the two command lines have in common: glibc's argp, strict numbers, and one way to refuse.
 */
#ifndef ORIEL_COMMAND_LINE_H
#define ORIEL_COMMAND_LINE_H

#include "wakeup.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* What --wakeup says of itself, in either program. */
#define COMMAND_LINE_WAKEUP_HELP \
	"How to wait for the other side: auto (default): be rung where there is a doorbell, else " \
	"poll; doorbell: or fail; poll: sleep until just before something is expected; spin: never " \
	"sleep, costs a whole core"

/* argp_parse() with EXIT_USAGE for whatever it refuses, and --version. */
void command_line_parse(const struct argp *argp, int argc, char **argv, void *input);

/*
 * The words are parsed twice (see command_line.c); what only makes sense together is judged the
 * second time, when --help has had its turn.
 */
bool command_line_is_checked(const struct argp_state *state);

/* One line on standard error that names option, value and cure; ends with EXIT_USAGE. */
void command_line_refuse(const struct argp_state *state, const char *format, ...)
        __attribute__((format(printf, 2, 3), noreturn));

/* The same for the word that argp stopped at: what a parser does on ARGP_KEY_ERROR. */
void command_line_refuse_word(const struct argp_state *state) __attribute__((noreturn));

/* Each parses the whole text, or refuses it under the option's name and says what is accepted. */
uint64_t command_line_count(const struct argp_state *state, const char *option, const char *text,
        uint64_t least, uint64_t most);
/* "0.5", "10": seconds, above 0 and up to a year, as ns */
uint64_t command_line_seconds(const struct argp_state *state, const char *option, const char *text);
/* "59.94", "0": frames a second, 0 to 100000 */
double command_line_rate(const struct argp_state *state, const char *option, const char *text);
/* "12.5": percent, least * 100 to 100, as a share */
double command_line_share(
        const struct argp_state *state, const char *option, const char *text, double least);
/* "auto", "doorbell", "poll", "spin" */
enum wakeup_way command_line_wakeup(
        const struct argp_state *state, const char *option, const char *text);
/* "128M": a region's size in bytes */
uint64_t command_line_size(const struct argp_state *state, const char *option, const char *text);

#endif
