/* SPDX-License-Identifier: MIT */
/*
 * Loops that copy and digest at once: each stripe is loaded into registers, stored from there, and
 * handed to xxHash from there. So memory is read once, and in the way out of shared memory what is
 * digested is what was stored, whoever writes the source meanwhile.
 *
 * The digest is xxHash's own: its stripes, its scrambling, its ends. Only the walk over them is
 * here, the one of XXH3_hashLong_internal_loop() and XXH64_update().
 */
#include "copy_digest.h"
#include "copy_stretch.h"
#include "xxhash_inside.h"

#include <endian.h>
#include <stddef.h>

#if ORIEL_KNOWS_XXHASH

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The compiler may not load it a second time: in between, the source may have changed. */
#define KEEP_IN_REGISTER(vector) __asm__("" : "+x"(vector))
#define KEEP_IN_MEMORY(bytes)    __asm__("" : "+m"(bytes))

#define STRIPES_PER_BLOCK ((XXH_SECRET_DEFAULT_SIZE - XXH_STRIPE_LEN) / XXH_SECRET_CONSUME_RATE)
#define XXH64_LANES       4u
#define XXH64_STRIPE      32u

/* An emulator looks up the way at each jump from one page to another: loops stand at the begin. */
#define IN_ONE_PAGE __attribute__((aligned(2048)))

_Static_assert(COPY_LINE_BYTES == XXH_STRIPE_LEN, "a stripe is a line");

enum pass_way {
	PASS_IN,       /* stores past the cache */
	PASS_OUT,      /* streaming loads; the copy stays in the cache */
	PASS_OUT_PAST, /* streaming loads, stores past the cache */
};

/* Moves one stripe and digests it. */
typedef void pass_stripe(
        xxh_u64 *lanes, uint8_t *to, const uint8_t *from, const xxh_u8 *secret, enum pass_way way);

static ALWAYS_INLINE void pass_stripes(
        xxh_u64 *lanes, struct stretch *left, size_t count, pass_stripe *stripe, enum pass_way way)
{
#pragma GCC unroll 16
	for (size_t i = 0; i < count; i++) {
		stretch_fetch_ahead(left);
		stripe(lanes, left->to, left->from, XXH3_kSecret + i * XXH_SECRET_CONSUME_RATE,
		        way);
		stretch_advance(left, XXH_STRIPE_LEN);
	}
}

/* One tile's digest in the making. */
struct tile_lanes {
	XXH_ALIGN(XXH_ACC_ALIGN) xxh_u64 lanes[XXH_ACC_NB];
};

/* Where a tile's part of a row lies, and what comes after it. */
struct tile_row {
	uint8_t *to;
	const uint8_t *from;
	size_t stripes;
	size_t ahead; /* bytes to what is fetched meanwhile; 0 = nothing */
	bool is_last;
};

/* Stripes of one block. */
static ALWAYS_INLINE void row_stripes(xxh_u64 *lanes, const struct tile_row *row, size_t first,
        size_t count, const xxh_u8 *secret, pass_stripe *stripe, enum pass_way way)
{
#pragma GCC unroll 16
	for (size_t i = 0; i < count; i++) {
		const size_t at = (first + i) * XXH_STRIPE_LEN;

		__builtin_prefetch(row->from + at + row->ahead);
		stripe(lanes, row->to + at, row->from + at, secret + i * XXH_SECRET_CONSUME_RATE,
		        way);
	}
}

/* The next stripes of a tile, whose block has had so many already. returns: how many then */
static ALWAYS_INLINE size_t xxh3_row(xxh_u64 *lanes, size_t had, const struct tile_row *row,
        pass_stripe *stripe, XXH3_f_scrambleAcc scramble, enum pass_way way)
{
	const xxh_u8 *last_secret = XXH3_kSecret + sizeof(XXH3_kSecret) - XXH_STRIPE_LEN;
	const size_t end = row->stripes - row->is_last;
	size_t count;

	for (size_t i = 0; i < row->stripes; i += count, had += count) {
		/* A block is at its end only when more follows. */
		if (had == STRIPES_PER_BLOCK) {
			scramble(lanes, last_secret);
			had = 0;
		}
		if (had == 0 && end - i >= STRIPES_PER_BLOCK) {
			count = STRIPES_PER_BLOCK;
			row_stripes(lanes, row, i, STRIPES_PER_BLOCK, XXH3_kSecret, stripe, way);
			continue;
		}
		count = 1;
		row_stripes(lanes, row, i, 1,
		        i == end ? last_secret - XXH_SECRET_LASTACC_START
		                 : XXH3_kSecret + had * XXH_SECRET_CONSUME_RATE,
		        stripe, way);
	}
	return had;
}

static ALWAYS_INLINE void xxh3_band(uint8_t *to, const uint8_t *from, const struct copy_band *band,
        uint64_t *values, pass_stripe *stripe, XXH3_f_scrambleAcc scramble, enum pass_way way)
{
	static const struct tile_lanes first = { XXH3_INIT_ACC };
	/* Part of a row is followed by what lies below it. */
	const size_t ahead = band->row_bytes == band->pitch ? COPY_AHEAD_BYTES : band->pitch;
	struct tile_lanes lanes[COPY_TILES_MAX];
	size_t had[COPY_TILES_MAX] = { 0 };

	for (size_t i = 0; i < band->tiles; i++) {
		lanes[i] = first;
	}
	for (size_t y = 0; y < band->rows; y++) {
		const bool is_last = y + 1 == band->rows;

		for (size_t i = 0; i < band->tiles; i++) {
			const size_t at = y * band->pitch + i * band->tile_bytes;
			const struct tile_row row = { to + at, from + at,
				copy_band_tile_bytes(band, i) / XXH_STRIPE_LEN, is_last ? 0 : ahead,
				is_last };

			had[i] = xxh3_row(lanes[i].lanes, had[i], &row, stripe, scramble, way);
		}
	}
	for (size_t i = 0; i < band->tiles; i++) {
		const size_t bytes = band->rows * copy_band_tile_bytes(band, i);

		values[i] = htole64(XXH3_mergeAccs(lanes[i].lanes,
		        XXH3_kSecret + XXH_SECRET_MERGEACCS_START, bytes * XXH_PRIME64_1));
	}
}

static ALWAYS_INLINE uint64_t xxh3_pass(uint8_t *to, const uint8_t *from, size_t size,
        pass_stripe *stripe, XXH3_f_accumulate_512 accumulate, XXH3_f_scrambleAcc scramble,
        enum pass_way way)
{
	const uint8_t *private_side = way == PASS_IN ? from : to;
	const xxh_u8 *last_secret = XXH3_kSecret + sizeof(XXH3_kSecret) - XXH_STRIPE_LEN;
	XXH_ALIGN(XXH_ACC_ALIGN) xxh_u64 lanes[XXH_ACC_NB] = XXH3_INIT_ACC;
	struct stretch left = { to, from, size };

	if (size <= XXH3_MIDSIZE_MAX) {
		copy_small(&left, size);
		return XXH3_64bits(private_side, size);
	}
	/* The last 1 to 64 bytes are no stripe of their own. */
	while (left.size > STRIPES_PER_BLOCK * XXH_STRIPE_LEN) {
		pass_stripes(lanes, &left, STRIPES_PER_BLOCK, stripe, way);
		scramble(lanes, last_secret);
	}
	pass_stripes(lanes, &left, (left.size - 1) / XXH_STRIPE_LEN, stripe, way);
	copy_small(&left, left.size);
	accumulate(lanes, private_side + size - XXH_STRIPE_LEN,
	        last_secret - XXH_SECRET_LASTACC_START);
	return XXH3_mergeAccs(
	        lanes, XXH3_kSecret + XXH_SECRET_MERGEACCS_START, size * XXH_PRIME64_1);
}

/* What xxHash itself takes for this processor: NEON on ARM, SSE2 or plain C. */

static ALWAYS_INLINE void stripe_plain(
        xxh_u64 *lanes, uint8_t *to, const uint8_t *from, const xxh_u8 *secret, enum pass_way way)
{
	struct {
		_Alignas(XXH_STRIPE_LEN) uint8_t bytes[XXH_STRIPE_LEN];
	} stripe;

	(void)way;
	memcpy(&stripe, from, sizeof(stripe));
	KEEP_IN_MEMORY(stripe);
	memcpy(to, &stripe, sizeof(stripe));
	XXH3_accumulate_512(lanes, stripe.bytes, secret);
}

static uint64_t xxh3_in_plain(void *to, const void *from, size_t size)
{
	return xxh3_pass(
	        to, from, size, stripe_plain, XXH3_accumulate_512, XXH3_scrambleAcc, PASS_IN);
}

static uint64_t xxh3_out_plain(void *to, const void *from, size_t size)
{
	return xxh3_pass(
	        to, from, size, stripe_plain, XXH3_accumulate_512, XXH3_scrambleAcc, PASS_OUT);
}

static void xxh3_in_band_plain(
        void *to, const void *from, const struct copy_band *band, uint64_t *values)
{
	xxh3_band(to, from, band, values, stripe_plain, XXH3_scrambleAcc, PASS_IN);
}

static void xxh3_out_band_plain(
        void *to, const void *from, const struct copy_band *band, uint64_t *values)
{
	xxh3_band(to, from, band, values, stripe_plain, XXH3_scrambleAcc, PASS_OUT);
}

/* One word on its way: loaded once, stored, and kept for the digest. */
static ALWAYS_INLINE uint64_t move_word(uint8_t *to, const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	__asm__ volatile("" : "+r"(word) : : "memory");
	memcpy(to, &word, sizeof(word));
	__asm__ volatile("" : "+r"(word) : : "memory");
	return word;
}

/*
 * Words instead of vectors, for a processor that is emulated: there each access is a look-up, of 8
 * bytes at most, and the flags of the last operation before it have to be kept. So all accesses
 * come first, and all arithmetic then, with the lanes in registers. The lanes are those that
 * XXH64_update() would have, had it been given the same bytes.
 */
static ALWAYS_INLINE void xxh64_stripe(xxh_u64 *lanes, uint8_t *to, const uint8_t *from)
{
	uint64_t a = move_word(to, from);
	uint64_t b = move_word(to + 8, from + 8);
	uint64_t c = move_word(to + 16, from + 16);
	uint64_t d = move_word(to + 24, from + 24);

	lanes[0] = XXH64_round(lanes[0], XXH_readLE64(&a));
	lanes[1] = XXH64_round(lanes[1], XXH_readLE64(&b));
	lanes[2] = XXH64_round(lanes[2], XXH_readLE64(&c));
	lanes[3] = XXH64_round(lanes[3], XXH_readLE64(&d));
	__asm__ volatile("" : "+r"(lanes[0]), "+r"(lanes[1]), "+r"(lanes[2]), "+r"(lanes[3]));
}

/* As many whole stripes as there are, four between two jumps. */
static ALWAYS_INLINE void xxh64_stripes(XXH64_state_t *state, struct stretch *left)
{
	xxh_u64 lanes[XXH64_LANES];

	memcpy(lanes, state->v, sizeof(lanes));
	for (; left->size >= 4 * XXH64_STRIPE; stretch_advance(left, 4 * XXH64_STRIPE)) {
#pragma GCC unroll 4
		for (size_t at = 0; at < 4 * XXH64_STRIPE; at += XXH64_STRIPE) {
			xxh64_stripe(lanes, left->to + at, left->from + at);
		}
	}
	for (; left->size >= XXH64_STRIPE; stretch_advance(left, XXH64_STRIPE)) {
		xxh64_stripe(lanes, left->to, left->from);
	}
	memcpy(state->v, lanes, sizeof(lanes));
}

static ALWAYS_INLINE uint64_t xxh64_pass(
        uint8_t *to, const uint8_t *from, size_t size, enum pass_way way)
{
	const uint8_t *private_side = way == PASS_IN ? from : to;
	struct stretch left = { to, from, size };
	XXH64_state_t state;

	XXH64_reset(&state, 0);
	xxh64_stripes(&state, &left);
	state.total_len = size - left.size;
	private_side += state.total_len;
	size = left.size;
	copy_small(&left, size);
	XXH64_update(&state, private_side, size);
	return XXH64_digest(&state);
}

static IN_ONE_PAGE uint64_t xxh64_in(void *to, const void *from, size_t size)
{
	return xxh64_pass(to, from, size, PASS_IN);
}

static IN_ONE_PAGE uint64_t xxh64_out(void *to, const void *from, size_t size)
{
	return xxh64_pass(to, from, size, PASS_OUT);
}

/* Both ways: what is digested are the words that were stored. */
static IN_ONE_PAGE void xxh64_band(
        void *to, const void *from, const struct copy_band *band, uint64_t *values)
{
	XXH64_state_t states[COPY_TILES_MAX];

	for (size_t i = 0; i < band->tiles; i++) {
		XXH64_reset(&states[i], 0);
	}
	for (size_t y = 0; y < band->rows; y++) {
		for (size_t i = 0; i < band->tiles; i++) {
			const size_t at = y * band->pitch + i * band->tile_bytes;
			const size_t bytes = copy_band_tile_bytes(band, i);
			struct stretch left = { (uint8_t *)to + at, (const uint8_t *)from + at,
				bytes };

			xxh64_stripes(&states[i], &left);
			states[i].total_len += bytes;
		}
	}
	for (size_t i = 0; i < band->tiles; i++) {
		values[i] = htole64(XXH64_digest(&states[i]));
	}
}

#if defined(__x86_64__)

#define TARGET_SSE41  __attribute__((target("sse4.1")))
#define TARGET_AVX2   __attribute__((target("avx2")))
#define TARGET_AVX512 __attribute__((target("avx512f")))

static ALWAYS_INLINE TARGET_SSE41 void stripe_sse41(
        xxh_u64 *lanes, uint8_t *to, const uint8_t *from, const xxh_u8 *secret, enum pass_way way)
{
	__m128i stripe[4];

#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) {
		/* Reads only; the intrinsic's parameter lacks the const. */
		__m128i *source = (__m128i *)(uintptr_t)from + i;

		stripe[i] =
		        way == PASS_IN ? _mm_loadu_si128(source) : _mm_stream_load_si128(source);
		KEEP_IN_REGISTER(stripe[i]);
	}
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) {
		if (way == PASS_OUT) {
			_mm_store_si128((__m128i *)(void *)to + i, stripe[i]);
		} else {
			_mm_stream_si128((__m128i *)(void *)to + i, stripe[i]);
		}
	}
	XXH3_accumulate_512_sse2(lanes, stripe, secret);
}

static ALWAYS_INLINE TARGET_AVX2 void stripe_avx2(
        xxh_u64 *lanes, uint8_t *to, const uint8_t *from, const xxh_u8 *secret, enum pass_way way)
{
	__m256i stripe[2];

#pragma GCC unroll 2
	for (unsigned i = 0; i < 2; i++) {
		const __m256i *source = (const __m256i *)(const void *)from + i;

		stripe[i] = way == PASS_IN ? _mm256_loadu_si256(source)
		                           : _mm256_stream_load_si256(source);
		KEEP_IN_REGISTER(stripe[i]);
	}
#pragma GCC unroll 2
	for (unsigned i = 0; i < 2; i++) {
		if (way == PASS_OUT) {
			_mm256_store_si256((__m256i *)(void *)to + i, stripe[i]);
		} else {
			_mm256_stream_si256((__m256i *)(void *)to + i, stripe[i]);
		}
	}
	XXH3_accumulate_512_avx2(lanes, stripe, secret);
}

static ALWAYS_INLINE TARGET_AVX512 void stripe_avx512(
        xxh_u64 *lanes, uint8_t *to, const uint8_t *from, const xxh_u8 *secret, enum pass_way way)
{
	__m512i stripe = way == PASS_IN ? _mm512_loadu_si512(from)
	                                : _mm512_stream_load_si512((void *)(uintptr_t)from);

	KEEP_IN_REGISTER(stripe);
	if (way == PASS_OUT) {
		_mm512_store_si512(to, stripe);
	} else {
		_mm512_stream_si512((__m512i *)(void *)to, stripe);
	}
	XXH3_accumulate_512_avx512(lanes, &stripe, secret);
}

#define XXH3_PASS(target, name, set, hash_set, way) \
	static target uint64_t name(void *to, const void *from, size_t size) \
	{ \
		return xxh3_pass(to, from, size, stripe_##set, XXH3_accumulate_512_##hash_set, \
		        XXH3_scrambleAcc_##hash_set, way); \
	} \
\
	static target void name##_band( \
	        void *to, const void *from, const struct copy_band *band, uint64_t *values) \
	{ \
		xxh3_band(to, from, band, values, stripe_##set, XXH3_scrambleAcc_##hash_set, way); \
	}

XXH3_PASS(TARGET_SSE41, xxh3_in_sse41, sse41, sse2, PASS_IN)
XXH3_PASS(TARGET_SSE41, xxh3_out_sse41, sse41, sse2, PASS_OUT)
XXH3_PASS(TARGET_SSE41, xxh3_out_past_sse41, sse41, sse2, PASS_OUT_PAST)
XXH3_PASS(TARGET_AVX2, xxh3_in_avx2, avx2, avx2, PASS_IN)
XXH3_PASS(TARGET_AVX2, xxh3_out_avx2, avx2, avx2, PASS_OUT)
XXH3_PASS(TARGET_AVX2, xxh3_out_past_avx2, avx2, avx2, PASS_OUT_PAST)
XXH3_PASS(TARGET_AVX512, xxh3_in_avx512, avx512, avx512, PASS_IN)
XXH3_PASS(TARGET_AVX512, xxh3_out_avx512, avx512, avx512, PASS_OUT)
XXH3_PASS(TARGET_AVX512, xxh3_out_past_avx512, avx512, avx512, PASS_OUT_PAST)

#endif

static const struct copy_pass passes[] = {
	{ "plain", COPY_IN, DIGEST_XXH3, cpu_is_any, xxh3_in_plain, xxh3_in_band_plain },
	{ "plain", COPY_OUT, DIGEST_XXH3, cpu_is_any, xxh3_out_plain, xxh3_out_band_plain },
	{ "words", COPY_IN, DIGEST_XXH64, cpu_is_any, xxh64_in, xxh64_band },
	{ "words", COPY_OUT, DIGEST_XXH64, cpu_is_any, xxh64_out, xxh64_band },
#if defined(__x86_64__)
	{ "nt-avx512", COPY_IN, DIGEST_XXH3, cpu_has_avx512, xxh3_in_avx512, xxh3_in_avx512_band },
	{ "nt-avx2", COPY_IN, DIGEST_XXH3, cpu_has_avx2, xxh3_in_avx2, xxh3_in_avx2_band },
	{ "nt-sse41", COPY_IN, DIGEST_XXH3, cpu_has_sse41, xxh3_in_sse41, xxh3_in_sse41_band },
	{ "stream-avx512", COPY_OUT, DIGEST_XXH3, cpu_has_avx512, xxh3_out_avx512,
	        xxh3_out_avx512_band },
	{ "stream-avx2", COPY_OUT, DIGEST_XXH3, cpu_has_avx2, xxh3_out_avx2, xxh3_out_avx2_band },
	{ "stream-sse41", COPY_OUT, DIGEST_XXH3, cpu_has_sse41, xxh3_out_sse41,
	        xxh3_out_sse41_band },
	{ "stream-nt-avx512", COPY_OUT, DIGEST_XXH3, cpu_has_avx512, xxh3_out_past_avx512,
	        xxh3_out_past_avx512_band },
	{ "stream-nt-avx2", COPY_OUT, DIGEST_XXH3, cpu_has_avx2, xxh3_out_past_avx2,
	        xxh3_out_past_avx2_band },
	{ "stream-nt-sse41", COPY_OUT, DIGEST_XXH3, cpu_has_sse41, xxh3_out_past_sse41,
	        xxh3_out_past_sse41_band },
#endif
};

const struct copy_pass *copy_pass_at(size_t index)
{
	return index < sizeof(passes) / sizeof(passes[0]) ? &passes[index] : NULL;
}

#else

const struct copy_pass *copy_pass_at(size_t index)
{
	(void)index;
	return NULL;
}

#endif
