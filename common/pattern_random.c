/* SPDX-License-Identifier: MIT */
/*
 * Noise faster than it can be copied: a pool of it is made once for an epoch, and each frame is a
 * window into that pool.
 *
 *   pool    block i of 16 bytes = XXH3-128 of i, seeded with the epoch. It depends on nothing else,
 *           so the pool can grow for a larger frame without changing a smaller one.
 *   window  begins at one of 2^18 places, 64 bytes apart. The step from frame to frame is odd, so
 *           it visits all of them before it comes to one again.
 *   stamp   every 256 KiB of the frame begin with sequence and epoch, so that no two frames of
 *           2^64 are equal, not even in one strip of that size. The next draw puts the noise back.
 */
#include "pattern_ops.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BLOCK_BYTES  16u
#define WINDOW_ALIGN 64u
#define WINDOW_COUNT (1u << 18)
/* The odd number next to the golden section of WINDOW_COUNT: neighbours lie far apart. */
#define WINDOW_STEP 162013u
#define STAMP_EVERY (256u * 1024u)

struct random_pattern {
	struct pattern base;
	struct pattern_buffer pool;
	uint64_t epoch;      /* of the noise in the pool */
	size_t noise_bytes;  /* of the pool that hold noise */
	size_t window;       /* where the stamped frame begins */
	size_t window_bytes; /* 0: the pool has no stamps in it */
};

static struct pattern *random_create(void)
{
	struct random_pattern *random = calloc(1, sizeof(*random));

	if (!random) {
		return NULL;
	}
	random->base.ops = &pattern_random;
	return &random->base;
}

static void random_destroy(struct pattern *pattern)
{
	struct random_pattern *random = (struct random_pattern *)pattern;

	pattern_buffer_finish(&random->pool);
	free(random);
}

static void make_noise(struct random_pattern *random, size_t begin, size_t end)
{
	for (size_t at = begin; at < end; at += BLOCK_BYTES) {
		uint64_t index = htole64(at / BLOCK_BYTES);
		XXH128_hash_t hash = XXH3_128bits_withSeed(&index, sizeof(index), random->epoch);
		uint64_t block[2] = { htole64(hash.low64), htole64(hash.high64) };

		memcpy(random->pool.bytes + at, block, sizeof(block));
	}
}

static void take_stamps(struct random_pattern *random)
{
	for (size_t at = 0; at < random->window_bytes; at += STAMP_EVERY) {
		make_noise(random, random->window + at, random->window + at + BLOCK_BYTES);
	}
	random->window_bytes = 0;
}

static void put_stamps(struct random_pattern *random, size_t bytes, uint64_t sequence)
{
	const uint64_t stamp[2] = { htole64(sequence), htole64(random->epoch) };

	for (size_t at = 0; at < bytes; at += STAMP_EVERY) {
		/* May reach behind a tiny frame, where the pool goes on. */
		memcpy(random->pool.bytes + random->window + at, stamp, sizeof(stamp));
	}
	random->window_bytes = bytes;
}

static bool grow_noise(struct random_pattern *random, size_t bytes, uint64_t epoch)
{
	size_t need = (size_t)WINDOW_ALIGN * WINDOW_COUNT + bytes;

	if (!pattern_buffer_reserve(&random->pool, need)) {
		return false;
	}
	if (random->epoch != epoch) {
		random->epoch = epoch;
		random->noise_bytes = 0;
	}
	if (random->noise_bytes < need) {
		/* The pool holds whole pages, hence whole blocks. */
		make_noise(random, random->noise_bytes, random->pool.size);
		random->noise_bytes = random->pool.size;
	}
	return true;
}

static const void *random_draw(
        struct pattern *pattern, const struct frame_info *info, uint64_t epoch, uint64_t sequence)
{
	struct random_pattern *random = (struct random_pattern *)pattern;
	size_t bytes = frame_info_bytes(info);

	take_stamps(random);
	if (!grow_noise(random, bytes, epoch)) {
		return NULL;
	}
	random->window = (size_t)((epoch + sequence * WINDOW_STEP) % WINDOW_COUNT) * WINDOW_ALIGN;
	put_stamps(random, bytes, sequence);
	return random->pool.bytes + random->window;
}

const struct pattern_ops pattern_random = {
	.name = "random",
	.create = random_create,
	.draw = random_draw,
	.destroy = random_destroy,
};
