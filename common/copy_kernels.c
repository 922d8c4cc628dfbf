/* SPDX-License-Identifier: MIT */
/*
 * The loops that move pixels.
 *
 * Shared memory may be a write-combining PCI BAR. Into it each byte is stored once and in order, so
 * that whole lines leave the combining buffers; out of it each line is fetched by one streaming
 * load instead of one slow bus read per word. Only loads and stores inside [p, p + size) happen.
 */
#include "copy_digest.h"

#include <string.h>

#define KERNEL_LINE 64u /* bytes: a cache line, a combining buffer */

static bool always(void)
{
	return true;
}

static void copy_memcpy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

#if defined(__x86_64__)

#include <immintrin.h>

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

/* Less than a line, each byte once: memcpy() would store some of them twice. */
static inline void copy_small(struct stretch *left, size_t small)
{
	left->size -= small;
	COPY_PIECE(left, small, 32);
	COPY_PIECE(left, small, 16);
	COPY_PIECE(left, small, 8);
	COPY_PIECE(left, small, 4);
	COPY_PIECE(left, small, 2);
	COPY_PIECE(left, small, 1);
}

/* Up to the first line border of the side that the vector instructions want aligned. */
static inline void copy_head(struct stretch *left, const void *aligned_side)
{
	size_t gap = -(uintptr_t)aligned_side % KERNEL_LINE;

	copy_small(left, gap < left->size ? gap : left->size);
}

static inline void stretch_advance(struct stretch *left, size_t bytes)
{
	left->to += bytes;
	left->from += bytes;
	left->size -= bytes;
}

static bool has_sse2(void)
{
	return __builtin_cpu_supports("sse2");
}

static bool has_sse41(void)
{
	return __builtin_cpu_supports("sse4.1");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

static void copy_rep_movsq(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };
	size_t words = size / 8;

	__asm__ volatile("rep movsq" : "+D"(left.to), "+S"(left.from), "+c"(words) : : "memory");
	copy_small(&left, size % 8);
}

/* Into shared memory: stores that go past the cache, as whole lines. */

static void __attribute__((target("sse2"))) copy_in_sse2(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.to);
	for (; left.size >= KERNEL_LINE; stretch_advance(&left, KERNEL_LINE)) {
		const __m128i *line = (const void *)left.from;
		__m128i a = _mm_loadu_si128(line);
		__m128i b = _mm_loadu_si128(line + 1);
		__m128i c = _mm_loadu_si128(line + 2);
		__m128i d = _mm_loadu_si128(line + 3);

		_mm_stream_si128((__m128i *)(void *)left.to, a);
		_mm_stream_si128((__m128i *)(void *)left.to + 1, b);
		_mm_stream_si128((__m128i *)(void *)left.to + 2, c);
		_mm_stream_si128((__m128i *)(void *)left.to + 3, d);
	}
	copy_small(&left, left.size);
	_mm_sfence();
}

static void __attribute__((target("avx2"))) copy_in_avx2(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.to);
	for (; left.size >= KERNEL_LINE; stretch_advance(&left, KERNEL_LINE)) {
		const __m256i *line = (const void *)left.from;
		__m256i a = _mm256_loadu_si256(line);
		__m256i b = _mm256_loadu_si256(line + 1);

		_mm256_stream_si256((__m256i *)(void *)left.to, a);
		_mm256_stream_si256((__m256i *)(void *)left.to + 1, b);
	}
	copy_small(&left, left.size);
	_mm_sfence();
}

static void __attribute__((target("avx512f")))
copy_in_avx512(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.to);
	for (; left.size >= KERNEL_LINE; stretch_advance(&left, KERNEL_LINE)) {
		_mm512_stream_si512((__m512i *)(void *)left.to, _mm512_loadu_si512(left.from));
	}
	copy_small(&left, left.size);
	_mm_sfence();
}

/*
 * Out of shared memory: loads that fetch a write-combining line as a whole. They may be answered
 * from a buffer that was filled earlier, hence the fence in front, and may be overtaken by loads
 * that follow, hence the one behind. Ordinary stores: the copy is digested while it is in cache.
 */

static void __attribute__((target("sse4.1")))
copy_out_sse41(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	_mm_mfence();
	copy_head(&left, left.from);
	for (; left.size >= KERNEL_LINE; stretch_advance(&left, KERNEL_LINE)) {
		/* Reads only; the intrinsic's parameter lacks the const. */
		__m128i *line = (void *)(uintptr_t)left.from;
		__m128i a = _mm_stream_load_si128(line);
		__m128i b = _mm_stream_load_si128(line + 1);
		__m128i c = _mm_stream_load_si128(line + 2);
		__m128i d = _mm_stream_load_si128(line + 3);

		_mm_storeu_si128((__m128i *)(void *)left.to, a);
		_mm_storeu_si128((__m128i *)(void *)left.to + 1, b);
		_mm_storeu_si128((__m128i *)(void *)left.to + 2, c);
		_mm_storeu_si128((__m128i *)(void *)left.to + 3, d);
	}
	copy_small(&left, left.size);
	_mm_lfence();
}

static void __attribute__((target("avx2"))) copy_out_avx2(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	_mm_mfence();
	copy_head(&left, left.from);
	for (; left.size >= KERNEL_LINE; stretch_advance(&left, KERNEL_LINE)) {
		const __m256i *line = (const void *)left.from;
		__m256i a = _mm256_stream_load_si256(line);
		__m256i b = _mm256_stream_load_si256(line + 1);

		_mm256_storeu_si256((__m256i *)(void *)left.to, a);
		_mm256_storeu_si256((__m256i *)(void *)left.to + 1, b);
	}
	copy_small(&left, left.size);
	_mm_lfence();
}

static void __attribute__((target("avx512f")))
copy_out_avx512(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	_mm_mfence();
	copy_head(&left, left.from);
	for (; left.size >= KERNEL_LINE; stretch_advance(&left, KERNEL_LINE)) {
		void *line = (void *)(uintptr_t)left.from;

		_mm512_storeu_si512(left.to, _mm512_stream_load_si512(line));
	}
	copy_small(&left, left.size);
	_mm_lfence();
}

#endif

static const struct copy_kernel kernels[] = {
	{ "memcpy", COPY_IN, always, copy_memcpy },
	{ "memcpy", COPY_OUT, always, copy_memcpy },
#if defined(__x86_64__)
	{ "nt-avx512", COPY_IN, has_avx512, copy_in_avx512 },
	{ "nt-avx2", COPY_IN, has_avx2, copy_in_avx2 },
	{ "nt-sse2", COPY_IN, has_sse2, copy_in_sse2 },
	{ "rep-movsq", COPY_IN, always, copy_rep_movsq },
	{ "stream-avx512", COPY_OUT, has_avx512, copy_out_avx512 },
	{ "stream-avx2", COPY_OUT, has_avx2, copy_out_avx2 },
	{ "stream-sse41", COPY_OUT, has_sse41, copy_out_sse41 },
	{ "rep-movsq", COPY_OUT, always, copy_rep_movsq },
#endif
};

const struct copy_kernel *copy_kernel_at(size_t index)
{
	return index < sizeof(kernels) / sizeof(kernels[0]) ? &kernels[index] : NULL;
}
