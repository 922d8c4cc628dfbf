/* SPDX-License-Identifier: MIT */
/*
 * guest-capture's command line, parsed once into a struct that is passed down as const.
 */
#ifndef ORIEL_CAPTURE_OPTIONS_H
#define ORIEL_CAPTURE_OPTIONS_H

#include "copy_digest.h"
#include "pixel_format.h"
#include "resolution.h"
#include "source.h"
#include "wakeup.h"

#include <stdbool.h>
#include <stdint.h>

struct capture_options {
	const char *region;
	bool create;
	uint64_t create_size; /* bytes; 0 = what the sizes need */
	const char *source;   /* a name of source.h */
	const char *source_argument;
	double damage_share; /* of each frame that changes; 1 = all */
	struct resolution sizes[RESOLUTION_LIST_MAX];
	int size_count;
	const struct pixel_format *format;
	double frames_per_second; /* 0 = as fast as it goes */
	uint64_t frames;          /* of each size; 0 = no limit */
	uint64_t duration_ns;     /* of each size; 0 = no limit */
	uint32_t slots;
	bool lossless;
	bool digest_auto;
	enum digest_algorithm digest;
	const char *csv;
	const char *summary;
	bool wait;
	uint64_t wait_ns;
	bool takeover;
	enum wakeup_way wakeup;
	enum cursor_way cursor;
	bool quiet;
	int argument_count; /* as given, for the summary */
	char **arguments;
};

/* Parses; ends the program with EXIT_USAGE and one line where that cannot be done. */
void capture_options_parse(struct capture_options *options, int argc, char **argv);

#endif
