/* SPDX-License-Identifier: MIT */
/*
 * Memory with a page on either side that nobody may touch: a write or a read outside ends the
 * test, whoever compiled the code that did it.
 */
#ifndef ORIEL_TEST_GUARDED_H
#define ORIEL_TEST_GUARDED_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define GUARD_BYTES ((size_t)4096)

enum guarded_side {
	GUARDED_BEFORE, /* the first byte follows the guard */
	GUARDED_BEHIND, /* the last byte is followed by the guard */
};

struct guarded {
	uint8_t *bytes; /* zeros */
	uint8_t *map;
	size_t map_bytes;
};

static inline struct guarded guarded_map(size_t size, enum guarded_side side)
{
	size_t inside = (size + GUARD_BYTES - 1) / GUARD_BYTES * GUARD_BYTES;
	struct guarded made = { .map_bytes = inside + 2 * GUARD_BYTES };

	made.map = mmap(NULL, made.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(made.map != MAP_FAILED);
	assert(mprotect(made.map + GUARD_BYTES, inside, PROT_READ | PROT_WRITE) == 0);
	made.bytes = made.map + GUARD_BYTES + (side == GUARDED_BEHIND ? inside - size : 0);
	return made;
}

static inline void guarded_unmap(struct guarded *guarded)
{
	munmap(guarded->map, guarded->map_bytes);
}

#endif
