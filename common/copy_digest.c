/* SPDX-License-Identifier: MIT */
#include "copy_digest.h"
#include "copy_stretch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * Without a pass, this much is copied and then digested. So little that a CPU runs ahead: it loads
 * the next block while the digest of this one keeps it busy. A 4K frame with SHA-256 took 1.13 x
 * the time of SHA-256 alone in blocks of 128 KiB, 1.10 in blocks of 4 KiB, 1.01 in blocks of 1 KiB
 * (Sapphire Rapids).
 */
#define COPY_BLOCK_BYTES ((size_t)1024)

/* For a pass over tiles: of 240 bytes at most, XXH3 is something else than stripes and lanes. */
#define COPY_TILE_LEAST 256u

int copier_init(struct copier *copier, enum copy_direction direction)
{
	const struct copy_kernel *kernel = NULL;

	for (size_t i = 0; (kernel = copy_kernel_at(i)); i++) {
		if (kernel->direction == direction && strcmp(kernel->name, "memcpy") == 0) {
			break;
		}
	}
	assert(kernel);
	*copier = (struct copier) {
		.kernel = kernel,
		.algorithm = DIGEST_XXH64,
		.digester = digester_create(),
	};
	return copier->digester ? 0 : -ENOMEM;
}

void copier_finish(struct copier *copier)
{
	if (!copier) {
		return;
	}
	digester_destroy(copier->digester);
	*copier = (struct copier) { 0 };
}

bool copy_pass_fits(const struct copy_pass *pass, const void *to, const void *from)
{
	uintptr_t bits = (uintptr_t)to;

	if (pass->direction == COPY_OUT) {
		bits |= (uintptr_t)from;
	}
	return bits % COPY_LINE_BYTES == 0;
}

bool copy_pass_fits_band(const struct copy_pass *pass, const void *to, const void *from,
        const struct copy_band *band)
{
	size_t first = copy_band_tile_bytes(band, 0);
	size_t last = copy_band_tile_bytes(band, band->tiles - 1);

	return copy_pass_fits(pass, to, from) &&
	       (band->pitch | first | last) % COPY_LINE_BYTES == 0 &&
	       (first < last ? first : last) * band->rows >= COPY_TILE_LEAST;
}

/*
 * The fences of C do not do on x86: they know only cached memory. On a write-combining mapping even
 * ordinary loads and stores pass each other, and a streaming load may be answered from a buffer
 * that was filled earlier.
 */
void copier_fence(const struct copier *copier)
{
#if defined(__x86_64__)
	if (copier->kernel->direction == COPY_IN) {
		__builtin_ia32_sfence();
	} else {
		__builtin_ia32_mfence();
	}
#else
	(void)copier;
#endif
}

/*
 * Of what is digested then, more may follow. A slow digest leaves time to fetch what is so many
 * bytes ahead; 0 = nothing is.
 */
static void copy_in_blocks(
        struct copier *copier, uint8_t *to, const uint8_t *from, size_t size, size_t ahead)
{
	const struct copy_kernel *kernel = copier->kernel;
	const uint8_t *private_side = kernel->direction == COPY_IN ? from : to;

	for (size_t done = 0; done < size;) {
		size_t left = size - done;
		size_t block = left < COPY_BLOCK_BYTES ? left : COPY_BLOCK_BYTES;

		for (size_t i = 0; ahead && i < block; i += COPY_LINE_BYTES) {
			__builtin_prefetch(from + done + ahead + i);
		}
		kernel->copy(to + done, from + done, block);
		digester_add(copier->digester, private_side + done, block);
		done += block;
	}
}

/* One piece. */
static void copy_piece(struct copier *copier, enum digest_algorithm algorithm, void *to,
        const void *from, size_t size, struct digest *digest)
{
	const struct copy_pass *pass = copier->passes[algorithm];

	if (algorithm == DIGEST_NONE) {
		copier->kernel->copy(to, from, size);
	} else if (pass && copy_pass_fits(pass, to, from)) {
		digest_set_value(digest, pass->run(to, from, size));
	} else {
		digester_begin(copier->digester, algorithm);
		copy_in_blocks(
		        copier, to, from, size, size > COPY_AHEAD_BYTES ? COPY_AHEAD_BYTES : 0);
		digester_end(copier->digester, digest);
	}
}

static void put_words(uint64_t *words, const struct digest *digest, uint32_t count)
{
	memcpy(words, digest->bytes, count * sizeof(*words));
}

static void copy_rows(
        const struct copier *copier, uint8_t *to, const uint8_t *from, const struct copy_band *band)
{
	for (size_t row = 0; row < band->rows; row++) {
		copier->kernel->copy(
		        to + row * band->pitch, from + row * band->pitch, band->row_bytes);
	}
}

/* Tile by tile, each row by row. */
static void copy_tiles(struct copier *copier, enum digest_algorithm algorithm, uint8_t *to,
        const uint8_t *from, const struct copy_band *band, uint64_t *words)
{
	const uint32_t each = digest_words(algorithm);

	for (size_t i = 0; i < band->tiles; i++, words += each) {
		const size_t at = i * band->tile_bytes;
		const size_t bytes = copy_band_tile_bytes(band, i);
		struct digest digest;

		digester_begin(copier->digester, algorithm);
		for (size_t row = 0; row < band->rows; row++) {
			copy_in_blocks(copier, to + row * band->pitch + at,
			        from + row * band->pitch + at, bytes,
			        row + 1 < band->rows ? band->pitch : 0);
		}
		digester_end(copier->digester, &digest);
		put_words(words, &digest, each);
	}
}

void copier_copy_band(struct copier *copier, enum digest_algorithm algorithm, void *to,
        const void *from, const struct copy_band *band, uint64_t *words)
{
	const struct copy_pass *pass = copier->passes[algorithm];
	bool is_one_piece = band->row_bytes == band->pitch || band->rows == 1;

	if (is_one_piece && (algorithm == DIGEST_NONE || band->tiles == 1)) {
		struct digest digest;

		copy_piece(copier, algorithm, to, from, band->rows * band->row_bytes, &digest);
		if (algorithm != DIGEST_NONE) {
			put_words(words, &digest, digest_words(algorithm));
		}
	} else if (algorithm == DIGEST_NONE) {
		copy_rows(copier, to, from, band);
	} else if (pass && copy_pass_fits_band(pass, to, from, band)) {
		pass->run_band(to, from, band, words);
	} else {
		copy_tiles(copier, algorithm, to, from, band, words);
	}
}
