/* SPDX-License-Identifier: MIT */
/*
 * The loops that move pixels.
 *
 * Shared memory may be a write-combining PCI BAR. Into it each byte is stored once and in order, so
 * that whole lines leave the combining buffers; out of it each line is fetched by one streaming
 * load instead of one slow bus read per word. The fences that such memory needs are the caller's:
 * copy_digest.c.
 */
#include "copy_digest.h"
#include "copy_stretch.h"

#include <string.h>

static void copy_memcpy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

#define WORD_BYTES  8u
#define WORDS_BYTES (16 * WORD_BYTES)

/*
 * For a processor that is emulated (TCG): there each access is a look into a table and at most a
 * word, so a vector costs its words and a store and a load of each in between, and each step of
 * "rep movsq" a jump. What is left is to have little beside the accesses: one jump in 16 words.
 * Emulated, a jump into another page goes the long way round, hence the alignment: the loop is
 * shorter, so it lies in one page.
 */
static void __attribute__((aligned(512))) copy_words(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	for (; left.size >= WORDS_BYTES; stretch_advance(&left, WORDS_BYTES)) {
#pragma GCC unroll 16
		for (size_t at = 0; at < WORDS_BYTES; at += WORD_BYTES) {
			uint64_t word;

			memcpy(&word, left.from + at, sizeof(word));
			/* Else the compiler makes vectors of it, or a call of memcpy(). */
			__asm__ volatile("" : "+r"(word));
			memcpy(left.to + at, &word, sizeof(word));
		}
	}
	copy_small(&left, left.size);
}

#if defined(__x86_64__)

#include <immintrin.h>

/* Up to the first line border of the side that the vector instructions want aligned. */
static inline void copy_head(struct stretch *left, const void *aligned_side)
{
	size_t gap = -(uintptr_t)aligned_side % COPY_LINE_BYTES;

	copy_small(left, gap < left->size ? gap : left->size);
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
	for (; left.size >= COPY_LINE_BYTES; stretch_advance(&left, COPY_LINE_BYTES)) {
		const __m128i *line = (const void *)left.from;
		__m128i a = _mm_loadu_si128(line);
		__m128i b = _mm_loadu_si128(line + 1);
		__m128i c = _mm_loadu_si128(line + 2);
		__m128i d = _mm_loadu_si128(line + 3);

		stretch_fetch_ahead(&left);
		_mm_stream_si128((__m128i *)(void *)left.to, a);
		_mm_stream_si128((__m128i *)(void *)left.to + 1, b);
		_mm_stream_si128((__m128i *)(void *)left.to + 2, c);
		_mm_stream_si128((__m128i *)(void *)left.to + 3, d);
	}
	copy_small(&left, left.size);
}

static void __attribute__((target("avx2"))) copy_in_avx2(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.to);
	for (; left.size >= COPY_LINE_BYTES; stretch_advance(&left, COPY_LINE_BYTES)) {
		const __m256i *line = (const void *)left.from;
		__m256i a = _mm256_loadu_si256(line);
		__m256i b = _mm256_loadu_si256(line + 1);

		stretch_fetch_ahead(&left);
		_mm256_stream_si256((__m256i *)(void *)left.to, a);
		_mm256_stream_si256((__m256i *)(void *)left.to + 1, b);
	}
	copy_small(&left, left.size);
}

static void __attribute__((target("avx512f")))
copy_in_avx512(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.to);
	for (; left.size >= COPY_LINE_BYTES; stretch_advance(&left, COPY_LINE_BYTES)) {
		stretch_fetch_ahead(&left);
		_mm512_stream_si512((__m512i *)(void *)left.to, _mm512_loadu_si512(left.from));
	}
	copy_small(&left, left.size);
}

/*
 * Out of shared memory: loads that fetch a write-combining line as a whole. Ordinary stores: the
 * copy is digested while it is in cache.
 */

static void __attribute__((target("sse4.1")))
copy_out_sse41(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.from);
	for (; left.size >= COPY_LINE_BYTES; stretch_advance(&left, COPY_LINE_BYTES)) {
		/* Reads only; the intrinsic's parameter lacks the const. */
		__m128i *line = (void *)(uintptr_t)left.from;
		__m128i a = _mm_stream_load_si128(line);
		__m128i b = _mm_stream_load_si128(line + 1);
		__m128i c = _mm_stream_load_si128(line + 2);
		__m128i d = _mm_stream_load_si128(line + 3);

		stretch_fetch_ahead(&left);
		_mm_storeu_si128((__m128i *)(void *)left.to, a);
		_mm_storeu_si128((__m128i *)(void *)left.to + 1, b);
		_mm_storeu_si128((__m128i *)(void *)left.to + 2, c);
		_mm_storeu_si128((__m128i *)(void *)left.to + 3, d);
	}
	copy_small(&left, left.size);
}

static void __attribute__((target("avx2"))) copy_out_avx2(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.from);
	for (; left.size >= COPY_LINE_BYTES; stretch_advance(&left, COPY_LINE_BYTES)) {
		const __m256i *line = (const void *)left.from;
		__m256i a = _mm256_stream_load_si256(line);
		__m256i b = _mm256_stream_load_si256(line + 1);

		stretch_fetch_ahead(&left);
		_mm256_storeu_si256((__m256i *)(void *)left.to, a);
		_mm256_storeu_si256((__m256i *)(void *)left.to + 1, b);
	}
	copy_small(&left, left.size);
}

static void __attribute__((target("avx512f")))
copy_out_avx512(void *to, const void *from, size_t size)
{
	struct stretch left = { to, from, size };

	copy_head(&left, left.from);
	for (; left.size >= COPY_LINE_BYTES; stretch_advance(&left, COPY_LINE_BYTES)) {
		void *line = (void *)(uintptr_t)left.from;

		stretch_fetch_ahead(&left);
		_mm512_storeu_si512(left.to, _mm512_stream_load_si512(line));
	}
	copy_small(&left, left.size);
}

#endif

static const struct copy_kernel kernels[] = {
	{ "memcpy", COPY_IN, cpu_is_any, copy_memcpy },
	{ "memcpy", COPY_OUT, cpu_is_any, copy_memcpy },
	{ "words", COPY_IN, cpu_is_any, copy_words },
	{ "words", COPY_OUT, cpu_is_any, copy_words },
#if defined(__x86_64__)
	{ "nt-avx512", COPY_IN, cpu_has_avx512, copy_in_avx512 },
	{ "nt-avx2", COPY_IN, cpu_has_avx2, copy_in_avx2 },
	{ "nt-sse2", COPY_IN, cpu_has_sse2, copy_in_sse2 },
	{ "rep-movsq", COPY_IN, cpu_is_any, copy_rep_movsq },
	{ "stream-avx512", COPY_OUT, cpu_has_avx512, copy_out_avx512 },
	{ "stream-avx2", COPY_OUT, cpu_has_avx2, copy_out_avx2 },
	{ "stream-sse41", COPY_OUT, cpu_has_sse41, copy_out_sse41 },
	{ "rep-movsq", COPY_OUT, cpu_is_any, copy_rep_movsq },
#endif
};

const struct copy_kernel *copy_kernel_at(size_t index)
{
	return index < sizeof(kernels) / sizeof(kernels[0]) ? &kernels[index] : NULL;
}
