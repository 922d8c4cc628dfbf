/* SPDX-License-Identifier: MIT */
/*
 * Moves pixels between private memory and shared memory, and digests them on the way.
 *
 * Shared memory may be a PCI BAR: written once, in order, and never read back; read once, in order.
 * So the digest is always taken of the private side: of the source when copying in, of the copy
 * when copying out. What copies and digests, and which digest is taken, is chosen at start by
 * measuring, for what is best on bare metal may be the worst under emulation.
 *
 * copy_kernels.c copies, copy_passes.c copies and digests at once, digest.c digests, copy_choice.c
 * chooses.
 */
#ifndef ORIEL_COPY_DIGEST_H
#define ORIEL_COPY_DIGEST_H

#include "complaint.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers stand in shared memory; they never change. */
enum digest_algorithm {
	DIGEST_NONE = 0,
	DIGEST_XXH3 = 1,  /* XXH3_64bits, seed 0 */
	DIGEST_XXH64 = 2, /* seed 0 */
	DIGEST_SHA256 = 3,
};

#define DIGEST_ALGORITHMS 4u
#define DIGEST_SIZE_MAX   32u

/* The digest's bytes in order (XXH*: the value in little-endian), the rest zero. */
struct digest {
	uint8_t bytes[DIGEST_SIZE_MAX];
};

#define DIGEST_WORDS_MAX (DIGEST_SIZE_MAX / 8)

const char *digest_name(enum digest_algorithm algorithm); /* "xxh3" ..., "unknown" */
/* returns: 0 or -EINVAL; "auto" is not an algorithm */
int digest_by_name(const char *name, enum digest_algorithm *algorithm);
bool digest_is_known(uint32_t untrusted_algorithm);
/* Of 8 bytes, that a digest takes up in a table: 4 for SHA-256, else 1. */
uint32_t digest_words(enum digest_algorithm algorithm);
bool digest_equal(const struct digest *a, const struct digest *b);
void digest_set_value(struct digest *digest, uint64_t value); /* of an XXH* */

/*
 * A digest in the making. One thread; no allocation after digester_create(), except for what
 * OpenSSL 3.0 takes at the begin of a SHA-256.
 */
struct digester;
struct digester *digester_create(void); /* NULL: out of memory */
void digester_destroy(struct digester *digester);
void digester_begin(struct digester *digester, enum digest_algorithm algorithm);
void digester_add(struct digester *digester, const void *bytes, size_t size);
void digester_end(struct digester *digester, struct digest *digest);
/* All three, of one piece. */
void digester_run(struct digester *digester, enum digest_algorithm algorithm, const void *bytes,
        size_t size, struct digest *digest);

enum copy_direction {
	COPY_IN,  /* private -> shared */
	COPY_OUT, /* shared -> private */
};

/* Copies. Any alignment, no fences. */
struct copy_kernel {
	const char *name;
	enum copy_direction direction;
	bool (*is_supported)(void); /* by this CPU, at run time */
	void (*copy)(void *to, const void *from, size_t size);
};

#define COPY_TILES_MAX 64u /* side by side */

/*
 * Rows of a frame, or a part of each of them, cut into tiles that lie side by side:
 *
 *     |<------------ row_bytes ------------>|
 *     |<- tile_bytes ->|                    |
 *     +----------------+--------------------+ ...
 *     |       0        |         1          |      rows
 *     +----------------+--------------------+ ...
 *     |<--------------------- pitch -------------------->|
 *
 * Each tile has its digest, of its bytes row by row. The last one has what the others leave of a
 * row, more or less. All fields are at least 1.
 */
struct copy_band {
	size_t pitch; /* of both sides */
	size_t rows;
	size_t row_bytes;  /* at most the pitch */
	size_t tile_bytes; /* of each tile but the last */
	size_t tiles;      /* at most COPY_TILES_MAX */
};

/* Of a row, the i-th tile. */
static inline size_t copy_band_tile_bytes(const struct copy_band *band, size_t i)
{
	return i + 1 < band->tiles ? band->tile_bytes
	                           : band->row_bytes - (band->tiles - 1) * band->tile_bytes;
}

/* Copies and digests in one pass: each byte is loaded once. Digests the private side. No fences. */
struct copy_pass {
	const char *name;
	enum copy_direction direction;
	enum digest_algorithm algorithm;
	bool (*is_supported)(void);
	/*
	 * One piece.
	 * to, from: copy_pass_fits()
	 * returns:  the digest's value
	 */
	uint64_t (*run)(void *to, const void *from, size_t size);
	/*
	 * Tiles, in the order of the rows.
	 * to, from, band: copy_pass_fits_band()
	 * values:         one a tile
	 */
	void (*run_band)(
	        void *to, const void *from, const struct copy_band *band, uint64_t *values);
};

/* The i-th of the table, NULL after the last: for the choice, tests and the benchmark. */
const struct copy_kernel *copy_kernel_at(size_t index);
const struct copy_pass *copy_pass_at(size_t index);

/* What vectors are stored to, and streamed from, has to begin with a cache line. */
bool copy_pass_fits(const struct copy_pass *pass, const void *to, const void *from);
/* And so has each tile's part of a row, of whole lines, and more than a few of them. */
bool copy_pass_fits_band(const struct copy_pass *pass, const void *to, const void *from,
        const struct copy_band *band);

/*
 * Everything one side needs to move frames; borrowed by the ring, owned by main. Speeds are as
 * measured on the real mapping, 0 = not measured.
 */
struct copier {
	const struct copy_kernel *kernel;
	uint64_t kernel_bytes_per_second;
	/* By algorithm; NULL: nothing is faster than to copy a block and digest it then. */
	const struct copy_pass *passes[DIGEST_ALGORITHMS];
	uint64_t digest_bytes_per_second[DIGEST_ALGORITHMS]; /* copied and digested */
	enum digest_algorithm algorithm; /* for COPY_IN; COPY_OUT takes the frame's */
	struct digester *digester;
};

/* Plain memcpy, no pass, and XXH64 until something better is chosen. 0 or -ENOMEM. */
int copier_init(struct copier *copier, enum copy_direction direction);
void copier_finish(struct copier *copier);

/*
 * Chooses the fastest kernel, and for XXH3 and XXH64 the fastest way to copy and digest, by doing
 * it to or from this piece of the real mapping for about budget_ns in all, rotating over the piece
 * so that no cache helps. COPY_IN overwrites the piece. shared == NULL measures on private memory.
 */
void copier_choose(struct copier *copier, uint8_t *shared, size_t size, uint64_t budget_ns);

/* XXH3 or XXH64: what copier_choose() found faster. */
void copier_choose_digest(struct copier *copier);

/*
 * Copies tiles and digests the private side of each: in one pass where there is one, otherwise
 * block by block while it is in cache. copier_fence() comes before the first and behind the last.
 *
 * to, from: where the first tile begins; any alignment, not overlapping
 * words:    digest_words() a tile; not touched when algorithm is DIGEST_NONE
 */
void copier_copy_band(struct copier *copier, enum digest_algorithm algorithm, void *to,
        const void *from, const struct copy_band *band, uint64_t *words);

/*
 * What a write-combining mapping, and stores past the cache, need: what is copied behind it comes
 * after what was loaded and stored before it, and the other way round.
 */
void copier_fence(const struct copier *copier);

#endif
