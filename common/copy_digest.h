/* SPDX-License-Identifier: MIT */
/*
 * Moves pixels between private memory and shared memory, and digests them on the way.
 *
 * Shared memory may be a PCI BAR: written once, in order, and never read back; read once, in order.
 * So the digest is always taken of the private side: of the source when copying in, of the copy
 * when copying out. Kernels for both directions and the digest algorithm are chosen at start by
 * measuring, for a vector kernel that is best on bare metal may be the worst under emulation.
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

#define DIGEST_SIZE_MAX 32u

/* The digest's bytes in order (XXH*: the value in little-endian), the rest zero. */
struct digest {
	uint8_t bytes[DIGEST_SIZE_MAX];
};

const char *digest_name(enum digest_algorithm algorithm); /* "xxh3" ..., "unknown" */
/* returns: 0 or -EINVAL; "auto" is not an algorithm */
int digest_by_name(const char *name, enum digest_algorithm *algorithm);
bool digest_is_known(uint32_t untrusted_algorithm);
bool digest_equal(const struct digest *a, const struct digest *b);

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
	COPY_IN,  /* private -> shared; ends with a store fence where the kernel needs one */
	COPY_OUT, /* shared -> private */
};

struct copy_kernel {
	const char *name;
	enum copy_direction direction;
	bool (*is_supported)(void); /* by this CPU, at run time */
	void (*copy)(void *to, const void *from, size_t size);
};

/* The i-th kernel of the table, NULL after the last: for tests and the benchmark. */
const struct copy_kernel *copy_kernel_at(size_t index);

/* Everything one side needs to move frames; borrowed by the ring, owned by main. */
struct copier {
	const struct copy_kernel *kernel;
	enum digest_algorithm algorithm; /* for COPY_IN; COPY_OUT takes the frame's */
	struct digester *digester;
	uint64_t kernel_bytes_per_second; /* as measured on the real mapping, 0 = not measured */
};

/* Plain memcpy and XXH64 until something better is chosen. 0 or -ENOMEM. */
int copier_init(struct copier *copier, enum copy_direction direction);
void copier_finish(struct copier *copier);

/*
 * Chooses the fastest kernel by copying to or from this piece of the real mapping for about
 * budget_ns in all (at most 50 ms is asked for), rotating over the piece so that no cache helps.
 * COPY_IN overwrites the piece. shared == NULL measures on private memory.
 */
void copier_choose_kernel(struct copier *copier, uint8_t *shared, size_t size, uint64_t budget_ns);

/* Chooses the faster of XXH3 and XXH64 on private memory. */
void copier_choose_digest(struct copier *copier);

/*
 * Copies size bytes and digests the private side, block by block while it is in cache. Ends with
 * the fence that a write-combining mapping needs: stores of the copy come before what is stored
 * next, loads of the copy before what is loaded next.
 *
 * to, from: any alignment, not overlapping
 * digest:   of all size bytes; not touched when algorithm is DIGEST_NONE
 */
void copier_copy(struct copier *copier, enum digest_algorithm algorithm, void *to, const void *from,
        size_t size, struct digest *digest);

/*
 * A rectangle of a frame, its rows' padding with it where it is as wide as the frame: copies only.
 * copier_fence() comes behind the last one.
 *
 * to, from: whole frames of this geometry, in which the rectangle lies
 */
void copier_patch(struct copier *copier, uint8_t *to, const uint8_t *from,
        const struct frame_info *info, const struct frame_rect *rect);
void copier_fence(const struct copier *copier);

/* The digest of private bytes; not touched when algorithm is DIGEST_NONE. */
void copier_digest(struct copier *copier, enum digest_algorithm algorithm, const void *bytes,
        size_t size, struct digest *digest);

#endif
