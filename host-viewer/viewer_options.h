/* SPDX-License-Identifier: MIT */
/*
 * host-viewer's command line, parsed once into a struct that is passed down as const.
 */
#ifndef ORIEL_VIEWER_OPTIONS_H
#define ORIEL_VIEWER_OPTIONS_H

#include "link.h"
#include "ring_reader.h"
#include "wakeup.h"

#include <stdbool.h>
#include <stdint.h>

struct viewer_options {
	const char *region;
	bool create;
	uint64_t create_size; /* bytes */
	const char *sink;     /* a name of sink.h */
	const char *screenshot;
	const char *renderer;
	enum reader_mode mode;
	const char *mode_name;
	int block;            /* LINK_BLOCK_ANY, or which */
	uint64_t frames;      /* verified; 0 = no limit */
	uint64_t duration_ns; /* from the first frame; 0 = no limit */
	const char *csv;
	const char *summary;
	bool wait;
	uint64_t wait_ns;
	enum wakeup_way wakeup;
	bool quiet;
	int argument_count; /* as given, for the summary */
	char **arguments;
};

/* Parses; ends the program with EXIT_USAGE and one line where that cannot be done. */
void viewer_options_parse(struct viewer_options *options, int argc, char **argv);

#endif
