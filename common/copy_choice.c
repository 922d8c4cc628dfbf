/* SPDX-License-Identifier: MIT */
/*
 * Which kernel copies fastest, and what copies and digests fastest: candidates run in turns on the
 * real mapping.
 */
#include "copy_digest.h"
#include "clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Copied at a time between two looks at the clock: a mapping without any cache yields 50 MB/s. It
 * is cut as the strips of frames are.
 */
#define CHOICE_CHUNK_BYTES ((size_t)256 * 1024)
#define CHOICE_ROWS        16u
#define CHOICE_TILE_BYTES  1024u
/* A 4K frame. In less, the copy stays in cache, and stores past the cache look worse than they are.
 */
#define CHOICE_PRIVATE_BYTES (128 * CHOICE_CHUNK_BYTES)
#define CHOICE_RUNNERS_MAX   9u
#define CHOICE_PAGE_BYTES    4096u
#define CHOICE_ROUNDS        3u

/* One candidate in the race. */
struct runner {
	struct copier copier;
	uint64_t bytes_per_second; /* in its best turn */
};

/* A piece of memory that is walked round and round, chunk by chunk. */
struct lane {
	uint8_t *bytes;
	size_t size;
	size_t at;
	bool is_written;
	bool is_touched; /* all of it */
};

struct track {
	struct lane from;
	struct lane to;
	size_t chunk;
	struct copy_band band; /* of a chunk */
	enum digest_algorithm algorithm;
};

/* Page faults belong to the first touch, not to the candidate that happens to make it. */
static void lane_touch(const struct lane *lane, size_t chunk)
{
	volatile uint8_t *at = lane->bytes + lane->at;

	for (size_t i = 0; !lane->is_touched && i < chunk; i += CHOICE_PAGE_BYTES) {
		if (lane->is_written) {
			at[i] = 0x5a;
		} else {
			(void)at[i];
		}
	}
}

static void lane_advance(struct lane *lane, size_t chunk)
{
	lane->at += chunk;
	if (lane->size - lane->at < chunk) {
		lane->at = 0;
		lane->is_touched = true;
	}
}

/* Copies the next chunk; returns how long it took. */
static uint64_t track_run(struct track *track, struct copier *copier)
{
	uint64_t digests[COPY_TILES_MAX];
	uint64_t start_ns;
	uint64_t took_ns;

	lane_touch(&track->from, track->chunk);
	lane_touch(&track->to, track->chunk);
	start_ns = clock_now_ns();
	copier_copy_band(copier, track->algorithm, track->to.bytes + track->to.at,
	        track->from.bytes + track->from.at, &track->band, digests);
	copier_fence(copier);
	took_ns = clock_elapsed_ns(start_ns, clock_now_ns());
	lane_advance(&track->from, track->chunk);
	lane_advance(&track->to, track->chunk);
	return took_ns;
}

/*
 * One turn is many chunks of one candidate: one that leaves dirty lines in the cache has to pay for
 * their eviction itself. Taking turns chunk by chunk made memcpy look three times as fast as it is,
 * at the expense of whoever came next (53 GB/s instead of 20).
 */
static void runner_take_turn(struct runner *runner, struct track *track, uint64_t turn_ns)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t copying_ns = 0;
	uint64_t bytes = 0;
	uint64_t speed;

	do {
		copying_ns += track_run(track, &runner->copier);
		bytes += track->chunk;
	} while (clock_elapsed_ns(start_ns, clock_now_ns()) < turn_ns);
	speed = (uint64_t)((double)bytes * (double)NS_PER_S /
	                   (double)(copying_ns ? copying_ns : 1));
	if (speed > runner->bytes_per_second) {
		runner->bytes_per_second = speed;
	}
}

/* Turn about, so that whatever else the machine does hits all alike. returns: the fastest */
static const struct runner *race(
        struct runner *runners, size_t count, struct track *track, uint64_t budget_ns)
{
	const struct runner *best = runners;

	for (unsigned turn = 0; turn < CHOICE_ROUNDS * count; turn++) {
		runner_take_turn(
		        &runners[turn % count], track, budget_ns / (CHOICE_ROUNDS * count));
	}
	for (size_t i = 1; i < count; i++) {
		if (runners[i].bytes_per_second > best->bytes_per_second) {
			best = &runners[i];
		}
	}
	return best;
}

static struct runner *runner_add(struct runner *runners, size_t *count, const struct copier *copier)
{
	assert(*count < CHOICE_RUNNERS_MAX);
	runners[*count] = (struct runner) { .copier = *copier };
	return &runners[(*count)++];
}

static void choose_kernel(struct copier *copier, struct track *track, uint64_t budget_ns)
{
	struct runner runners[CHOICE_RUNNERS_MAX];
	const struct copy_kernel *kernel;
	const struct runner *best;
	size_t count = 0;

	for (size_t i = 0; (kernel = copy_kernel_at(i)); i++) {
		if (kernel->direction == copier->kernel->direction && kernel->is_supported()) {
			runner_add(runners, &count, copier)->copier.kernel = kernel;
		}
	}
	track->algorithm = DIGEST_NONE;
	best = race(runners, count, track, budget_ns);
	copier->kernel = best->copier.kernel;
	copier->kernel_bytes_per_second = best->bytes_per_second;
}

/* The passes of this algorithm, and the kernel with the digest behind it. */
static void choose_pass(struct copier *copier, enum digest_algorithm algorithm, struct track *track,
        uint64_t budget_ns)
{
	struct runner runners[CHOICE_RUNNERS_MAX];
	const struct copy_pass *pass;
	const struct runner *best;
	size_t count = 0;

	copier->passes[algorithm] = NULL;
	runner_add(runners, &count, copier);
	for (size_t i = 0; (pass = copy_pass_at(i)); i++) {
		if (pass->direction == copier->kernel->direction && pass->algorithm == algorithm &&
		        pass->is_supported()) {
			runner_add(runners, &count, copier)->copier.passes[algorithm] = pass;
		}
	}
	track->algorithm = algorithm;
	best = race(runners, count, track, budget_ns);
	copier->passes[algorithm] = best->copier.passes[algorithm];
	copier->digest_bytes_per_second[algorithm] = best->bytes_per_second;
}

/* Of what is less than a chunk only one piece can be made. */
static struct copy_band band_of(size_t chunk)
{
	const size_t pitch = CHOICE_CHUNK_BYTES / CHOICE_ROWS;

	if (chunk < CHOICE_CHUNK_BYTES) {
		return (struct copy_band) { chunk, 1, chunk, chunk, 1 };
	}
	return (struct copy_band) { pitch, CHOICE_ROWS, pitch, CHOICE_TILE_BYTES,
		pitch / CHOICE_TILE_BYTES };
}

void copier_choose(struct copier *copier, uint8_t *shared, size_t size, uint64_t budget_ns)
{
	size_t shared_size = shared || size ? size : CHOICE_PRIVATE_BYTES;
	uint8_t *stand_in = shared ? NULL : aligned_alloc(CHOICE_PAGE_BYTES, shared_size);
	uint8_t *private = aligned_alloc(CHOICE_PAGE_BYTES, CHOICE_PRIVATE_BYTES);
	struct lane lanes[] = {
		{ .bytes = private, .size = CHOICE_PRIVATE_BYTES, .is_written = true },
		{ .bytes = shared ? shared : stand_in,
		        .size = shared_size,
		        .is_written = !shared || copier->kernel->direction == COPY_IN },
	};
	bool in = copier->kernel->direction == COPY_IN;
	struct track track = {
		.from = lanes[in ? 0 : 1],
		.to = lanes[in ? 1 : 0],
		.chunk = shared_size < CHOICE_CHUNK_BYTES ? shared_size : CHOICE_CHUNK_BYTES,
	};

	track.band = band_of(track.chunk);
	/* Without memory or without anything to measure on, what there is stays. */
	if (track.from.bytes && track.to.bytes && track.chunk) {
		choose_kernel(copier, &track, budget_ns / 2);
		choose_pass(copier, DIGEST_XXH3, &track, budget_ns / 4);
		choose_pass(copier, DIGEST_XXH64, &track, budget_ns / 4);
	}
	free(private);
	free(stand_in);
}

void copier_choose_digest(struct copier *copier)
{
	const uint64_t *speeds = copier->digest_bytes_per_second;

	copier->algorithm = speeds[DIGEST_XXH3] > speeds[DIGEST_XXH64] ? DIGEST_XXH3 : DIGEST_XXH64;
}
