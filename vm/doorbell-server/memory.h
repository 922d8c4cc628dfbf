/* SPDX-License-Identifier: MIT */
/*
 * The memory that all peers share: made here, or a file that is given. Called by main.c.
 */
#ifndef ORIEL_DOORBELL_MEMORY_H
#define ORIEL_DOORBELL_MEMORY_H

#include "complaint.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_DEFAULT_BYTES (UINT64_C(128) << 20)

struct memory {
	int fd; /* -1: none */
	uint64_t bytes;
	const char *file; /* NULL: a memfd; borrowed */
	bool sealed;      /* nobody can give it another size */
};

/*
 * A memfd of so many bytes (a power of two), all of them taken now, sealed against every other size
 * and against further seals, which would let one peer make it read-only for all.
 * returns: 0, or -errno with the complaint filled: -ENOSPC, -ENOMEM there is not so much
 */
int memory_make(struct memory *memory, uint64_t bytes, struct complaint *why);

/*
 * A file, made with mode 0600 if it is not there. No file can be sealed: whoever may write it may
 * truncate it.
 *
 * bytes:   0 for the size that the file has, or the default for a new one
 * returns: as region_create() and region_open()
 */
int memory_open(struct memory *memory, const char *file, uint64_t bytes, struct complaint *why);

void memory_close(struct memory *memory);

#endif
