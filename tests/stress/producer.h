/* SPDX-License-Identifier: MIT */
/*
 * A producer to be killed: the writer's half of guest-capture, without a source, with counters.
 */
#ifndef ORIEL_STRESS_PRODUCER_H
#define ORIEL_STRESS_PRODUCER_H

#include "copy_digest.h"
#include "naps.h"
#include "picture.h"
#include "stats.h"

#include <stdbool.h>
#include <stdint.h>

struct producer_plan {
	unsigned index; /* of its statistics */
	uint64_t seed;
	const char *path;
	uint64_t region_size; /* 0: all of it; else only the file's first bytes, as QEMU does */
	struct picture_plan pictures;
	enum digest_algorithm digest;
	uint32_t slots;
	bool lossless;
	bool takeover;
	uint64_t frames;      /* then says that it ended; 0: never */
	uint64_t busy_frames; /* then publishes nothing more, but stays; 0: never */
	uint64_t interval_ns; /* between frames; 0: as fast as it can */
	uint64_t start_ns;    /* at most so long between occupying and opening */
	uint64_t goodbye_ns;  /* the heartbeat goes on so long after the end */
	struct nap_plan naps;
};

enum producer_end {
	PRODUCER_ENDED,
	PRODUCER_FAILED,
	PRODUCER_BUSY,    /* somebody else produces there */
	PRODUCER_FOREIGN, /* something else lies there */
	PRODUCER_DEPOSED,
};

/* Runs until it is at its end; returns an enum producer_end, the child's exit code. */
int producer_run(const void *plan, struct stats *stats);

#endif
