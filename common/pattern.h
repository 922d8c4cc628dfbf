/* SPDX-License-Identifier: MIT */
/*
 * Test pictures. Each frame is a function of its pattern, geometry, epoch and sequence, so that any
 * accepted frame can be computed again, elsewhere and later, and compared byte for byte.
 *
 * Padding between the end of a row and its stride is part of that function too: noise in RANDOM, 0
 * elsewhere. Only RANDOM looks at the epoch; a picture for people is the same in every session. Its
 * frames begin with sequence and epoch, 64 bits each, little-endian, cut where they do not fit.
 *
 * Nothing here is shared: two threads need two patterns.
 */
#ifndef ORIEL_PATTERN_H
#define ORIEL_PATTERN_H

#include "frame.h"

#include <stddef.h>

enum pattern_kind {
	PATTERN_RANDOM,   /* noise nobody can compress or predict; costs next to nothing to make */
	PATTERN_BARS,     /* colour bars with a mark that moves */
	PATTERN_GRADIENT, /* gradients that wander */
	PATTERN_MOTION,   /* boxes that move over a grid */
	PATTERN_COUNTER,  /* the sequence in large digits, and in a row of cells for machines */
};

struct pattern;

/* -1 when there is none of this name; names: "random", "bars", "gradient", "motion", "counter" */
int pattern_kind_by_name(const char *name);
const char *pattern_names(void); /* comma separated, for messages */

/*
 * Makes a drawing board for frames up to the geometry that pattern_draw() is asked for; it grows
 * when a larger one is asked for. NULL: out of memory.
 */
struct pattern *pattern_create(enum pattern_kind kind);
void pattern_destroy(struct pattern *pattern);

/*
 * The frame of (epoch, sequence) with this geometry.
 *
 * info:    a format of pixel_format.h, sides of 1 to FRAME_SIDE_MAX, a stride that holds a row;
 *          anything else is a bug of the caller
 * returns: pixels, stride * height bytes, owned by the pattern and valid until the next call;
 *          NULL when out of memory
 */
const void *pattern_draw(
        struct pattern *pattern, const struct frame_info *info, uint64_t epoch, uint64_t sequence);

/*
 * Reads the number back out of a PATTERN_COUNTER frame. It is written twice, at the top and at the
 * bottom, where the frame has room for two blocks of cells; so a torn frame has no number.
 *
 * info:    anything; one that pattern_draw() would refuse has no number
 * returns: false when the cells do not hold one number (another pattern, a damaged or torn frame)
 *          or the frame is too small for them: under 128 pixels, and some shapes just above
 */
bool pattern_read_counter(const struct frame_info *info, const void *pixels, uint64_t *sequence);

#endif
