/* SPDX-License-Identifier: MIT */
/*
 * Copying and digesting one piece, for tests to which tiles do not matter.
 */
#ifndef ORIEL_TEST_COPY_PIECE_H
#define ORIEL_TEST_COPY_PIECE_H

#include "copy_digest.h"

#include <string.h>

/* One piece is a band of one tile. */
static inline void copy_piece(struct copier *copier, enum digest_algorithm algorithm, void *to,
        const void *from, size_t size, struct digest *digest)
{
	const struct copy_band band = { size, 1, size, size, 1 };
	uint64_t words[DIGEST_WORDS_MAX] = { 0 };

	copier_copy_band(copier, algorithm, to, from, &band, words);
	if (algorithm != DIGEST_NONE) {
		memset(digest, 0, sizeof(*digest));
		memcpy(digest, words, digest_words(algorithm) * sizeof(words[0]));
	}
}

#endif
