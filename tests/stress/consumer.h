/* SPDX-License-Identifier: MIT */
/*
 * A consumer to be killed: the viewer's link, a reader that trusts nothing, and counters. Each
 * frame that the reader accepted is computed again and compared, byte for byte.
 */
#ifndef ORIEL_STRESS_CONSUMER_H
#define ORIEL_STRESS_CONSUMER_H

#include "naps.h"
#include "picture.h"
#include "ring_reader.h"
#include "stats.h"

#include <stdbool.h>
#include <stdint.h>

struct consumer_plan {
	unsigned index; /* of its statistics */
	uint64_t seed;
	const char *path;
	struct picture_plan pictures;
	enum reader_mode mode;
	int block;
	bool until_end;    /* ends when the stream ended and all of it was seen; else never */
	uint64_t leave_ns; /* leaves politely after so long; 0: never */
	uint64_t slow_ns;  /* now and then it sleeps so long at most, the slot leased */
	unsigned slow_in;  /* one frame in so many; 0: SLOW_IN */
	struct nap_plan naps;
};

enum consumer_end {
	CONSUMER_ENDED,
	CONSUMER_FAILED,
};

/* Returns an enum consumer_end, the child's exit code. */
int consumer_run(const void *plan, struct stats *stats);

#endif
