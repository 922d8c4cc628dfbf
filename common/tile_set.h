/* SPDX-License-Identifier: MIT */
/*
 * A set of tiles of a screen: which parts of it changed since the last look. A tile is
 * TILE_SIDE pixels wide and high; the last ones of a row or column may be cut off.
 *
 * All zero is the empty set. No call depends on a frame's size: tiles outside of it are harmless.
 */
#ifndef ORIEL_TILE_SET_H
#define ORIEL_TILE_SET_H

#include "frame.h"

#include <stdbool.h>
#include <stdint.h>

#define TILE_SIDE     64u
#define TILE_ROWS_MAX (FRAME_SIDE_MAX / TILE_SIDE)
#define TILE_WORDS    (TILE_ROWS_MAX / 64u)

struct tile_set {
	uint64_t rows[TILE_ROWS_MAX][TILE_WORDS];
};

void tile_set_clear(struct tile_set *set);

/* Every tile that the rectangle touches. It lies inside of FRAME_SIDE_MAX. */
void tile_set_add(struct tile_set *set, const struct frame_rect *rect);

/*
 * The next run of tiles that lie side by side in one row of tiles.
 *
 * row:     of tiles
 * columns: how many the frame has
 * from:    where to begin to look
 * end:     set to the column behind the run
 * returns: the run's first column; columns when there is none
 */
uint32_t tile_set_next_run(
        const struct tile_set *set, uint32_t row, uint32_t columns, uint32_t from, uint32_t *end);

/*
 * The set as at most FRAME_DAMAGE_MAX rectangles that cover it, inside of width x height pixels:
 * exact where that many do, else one for each row of tiles, else one in all. Leaves base_sequence.
 */
void tile_set_damage(
        const struct tile_set *set, uint32_t width, uint32_t height, struct frame_damage *damage);

#endif
