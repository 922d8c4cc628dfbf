/* SPDX-License-Identifier: MIT */
/*
 * How a frame is cut. Strips of rows are written, and read, one after the other; tiles are the
 * parts of a strip that lie side by side, and each has a digest of its own. So a change is copied
 * and digested alone, and a fault is located.
 *
 * Tiles are numbered strip by strip, from the left to the right.
 */
#ifndef ORIEL_FRAME_GRID_H
#define ORIEL_FRAME_GRID_H

#include "copy_digest.h"
#include "frame.h"
#include "layout.h"

#include <stdbool.h>
#include <stdint.h>

struct frame_grid {
	uint32_t strip_rows; /* the last strip may have fewer */
	uint32_t strips;
	uint32_t tile_width; /* pixels; the last tile of a strip may have fewer */
	uint32_t columns;    /* tiles side by side */
};

/*
 * Tiles of 16 KiB, or as large as they must be for all their digests to be no more than so many
 * words. A frame whose rows are not whole lines is cut into strips only, as wide as it is.
 */
struct frame_grid frame_grid_choose(
        const struct frame_info *info, enum digest_algorithm algorithm, uint32_t words);

/* Counts what such a frame is cut into. strip_rows, tile_width: at least 1 */
struct frame_grid frame_grid_of(
        const struct frame_info *info, uint32_t strip_rows, uint32_t tile_width);

/* Are there at most so many strips and columns as there may be, and so many words of digests? */
bool frame_grid_fits(
        const struct frame_grid *grid, enum digest_algorithm algorithm, uint32_t words);

bool frame_grid_equal(const struct frame_grid *a, const struct frame_grid *b);

static inline uint32_t frame_grid_tiles(const struct frame_grid *grid)
{
	return grid->strips * grid->columns;
}

/* How many words their digests are, and with which one a tile's begins. */
static inline uint32_t frame_grid_words(
        const struct frame_grid *grid, enum digest_algorithm algorithm)
{
	return frame_grid_tiles(grid) * digest_words(algorithm);
}

static inline uint32_t frame_grid_word(const struct frame_grid *grid,
        enum digest_algorithm algorithm, uint32_t strip, uint32_t column)
{
	return (strip * grid->columns + column) * digest_words(algorithm);
}

/*
 * Tiles of a strip, from one column to before another.
 * offset: set to where they begin, bytes from the frame's first
 */
struct copy_band frame_grid_band(const struct frame_grid *grid, const struct frame_info *info,
        uint32_t strip, uint32_t first, uint32_t end, size_t *offset);

/* A set of tiles of one grid. All zero: none */
struct tile_marks {
	uint64_t words[RING_TILES_MAX / 64];
};

/* Every tile that the rectangle touches. What of it lies outside of the frame does not matter. */
void tile_marks_add(
        struct tile_marks *marks, const struct frame_grid *grid, const struct frame_rect *rect);

void tile_marks_join(struct tile_marks *marks, const struct tile_marks *more);
void tile_marks_remove(struct tile_marks *marks, const struct tile_marks *these);

/*
 * The next run of marked tiles in a strip.
 *
 * from:    the column where to begin to look
 * end:     set to the column behind the run
 * returns: the run's first column; grid->columns when there is none
 */
uint32_t tile_marks_next_run(const struct tile_marks *marks, const struct frame_grid *grid,
        uint32_t strip, uint32_t from, uint32_t *end);

#endif
