/* SPDX-License-Identifier: MIT */
/*
 * A whole frame copied and digested as the ring does it: strip by strip, each cut into tiles. For
 * what measures that alone.
 */
#ifndef ORIEL_BENCH_STRIP_COPY_H
#define ORIEL_BENCH_STRIP_COPY_H

#include "copy_digest.h"
#include "frame_grid.h"

/* words: that the digests of a slot may be, of the ring's geometry */
static inline void strip_copy(struct copier *copier, enum digest_algorithm algorithm,
        const struct frame_info *info, uint32_t words, uint8_t *to, const uint8_t *from)
{
	const struct frame_grid grid = frame_grid_choose(info, algorithm, words);
	uint64_t digests[COPY_TILES_MAX * DIGEST_WORDS_MAX];

	for (uint32_t i = 0; i < grid.strips; i++) {
		size_t at;
		const struct copy_band band = frame_grid_band(&grid, info, i, 0, grid.columns, &at);

		copier_copy_band(copier, algorithm, to + at, from + at, &band, digests);
		copier_fence(copier);
	}
}

#endif
