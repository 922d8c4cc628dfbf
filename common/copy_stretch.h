/* SPDX-License-Identifier: MIT */
/*
 * What the loops of copy_kernels.c and copy_passes.c have in common. Only loads and stores inside
 * [p, p + size) happen.
 */
#ifndef ORIEL_COPY_STRETCH_H
#define ORIEL_COPY_STRETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COPY_LINE_BYTES 64u /* a cache line, a combining buffer */

/*
 * How far ahead the source is fetched. The prefetcher of a CPU stops at the end of a page, so this
 * is the next page's same line.
 */
#define COPY_AHEAD_BYTES 4096u

/* The state of a copy: what is left of it. */
struct stretch {
	uint8_t *to;
	const uint8_t *from;
	size_t size;
};

#define COPY_PIECE(stretch, small, bytes) \
	do { \
		if ((small) & (bytes)) { \
			memcpy((stretch)->to, (stretch)->from, (bytes)); \
			(stretch)->to += (bytes); \
			(stretch)->from += (bytes); \
		} \
	} while (0)

/* Up to 255 bytes, each once: memcpy() would store some of them twice. */
static inline void copy_small(struct stretch *left, size_t small)
{
	left->size -= small;
	COPY_PIECE(left, small, 128);
	COPY_PIECE(left, small, 64);
	COPY_PIECE(left, small, 32);
	COPY_PIECE(left, small, 16);
	COPY_PIECE(left, small, 8);
	COPY_PIECE(left, small, 4);
	COPY_PIECE(left, small, 2);
	COPY_PIECE(left, small, 1);
}

static inline void stretch_advance(struct stretch *left, size_t bytes)
{
	left->to += bytes;
	left->from += bytes;
	left->size -= bytes;
}

/* What is behind the end is not fetched: behind a part of a row lies what nobody wants. */
static inline void stretch_fetch_ahead(const struct stretch *left)
{
	if (left->size > COPY_AHEAD_BYTES) {
		__builtin_prefetch(left->from + COPY_AHEAD_BYTES);
	}
}

/* What this CPU can do. */

static inline bool cpu_is_any(void)
{
	return true;
}

#if defined(__x86_64__)

static inline bool cpu_has_sse2(void)
{
	return __builtin_cpu_supports("sse2");
}

static inline bool cpu_has_sse41(void)
{
	return __builtin_cpu_supports("sse4.1");
}

static inline bool cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static inline bool cpu_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

#endif

#endif
