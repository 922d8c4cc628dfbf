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

const char *digest_name(enum digest_algorithm algorithm); /* "xxh3" ..., "unknown" */
/* returns: 0 or -EINVAL; "auto" is not an algorithm */
int digest_by_name(const char *name, enum digest_algorithm *algorithm);
bool digest_is_known(uint32_t untrusted_algorithm);
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

/* Copies and digests in one pass: each byte is loaded once. No fences. */
struct copy_pass {
	const char *name;
	enum copy_direction direction;
	enum digest_algorithm algorithm;
	bool (*is_supported)(void);
	/*
	 * Digests the private side.
	 * to, from: copy_pass_fits()
	 * returns:  the digest's value
	 */
	uint64_t (*run)(void *to, const void *from, size_t size);
};

/* The i-th of the table, NULL after the last: for the choice, tests and the benchmark. */
const struct copy_kernel *copy_kernel_at(size_t index);
const struct copy_pass *copy_pass_at(size_t index);

/* What vectors are stored to, and streamed from, has to begin with a cache line. */
bool copy_pass_fits(const struct copy_pass *pass, const void *to, const void *from);

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
 * Copies size bytes and digests the private side: in one pass where there is one, otherwise block
 * by block while it is in cache. Fenced as by copier_fence(), before and behind.
 *
 * to, from: any alignment, not overlapping
 * digest:   of all size bytes; not touched when algorithm is DIGEST_NONE
 */
void copier_copy(struct copier *copier, enum digest_algorithm algorithm, void *to, const void *from,
        size_t size, struct digest *digest);

/*
 * A rectangle of a frame, its rows' padding with it where it is as wide as the frame: copies only.
 * copier_fence() comes before the first and behind the last one.
 *
 * to, from: whole frames of this geometry, in which the rectangle lies
 */
void copier_patch(struct copier *copier, uint8_t *to, const uint8_t *from,
        const struct frame_info *info, const struct frame_rect *rect);

/*
 * What a write-combining mapping, and stores past the cache, need: what is copied behind it comes
 * after what was loaded and stored before it, and the other way round.
 */
void copier_fence(const struct copier *copier);

/* The digest of private bytes; not touched when algorithm is DIGEST_NONE. */
void copier_digest(struct copier *copier, enum digest_algorithm algorithm, const void *bytes,
        size_t size, struct digest *digest);

#endif
