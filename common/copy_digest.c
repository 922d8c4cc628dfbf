/* SPDX-License-Identifier: MIT */
/*
 * Copies in blocks and digests each block while it is in cache, and chooses kernel and algorithm by
 * measuring them. Kernels are in copy_kernels.c, algorithms in digest.c.
 */
#include "copy_digest.h"
#include "pixel_format.h"
#include "clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Small enough for any second-level cache, large enough that the fences of the kernels do not show.
 * A 4K frame with XXH3 took 1.55 ms in blocks of 16 KiB, 1.48 ms in blocks of 128 KiB and 1.56 ms
 * in blocks of 1 MiB (Zen 5, AVX-512).
 */
#define COPY_BLOCK_BYTES ((size_t)128 * 1024)

/* Copied at a time between two looks at the clock: a mapping without any cache yields 50 MB/s. */
#define CHOICE_CHUNK_BYTES   ((size_t)256 * 1024)
#define CHOICE_PRIVATE_BYTES (16 * CHOICE_CHUNK_BYTES)
#define CHOICE_KERNELS_MAX   8u
#define CHOICE_PAGE_BYTES    4096u
#define CHOICE_ROUNDS        3u

#define CHOICE_DIGEST_BYTES  ((size_t)1024 * 1024)
#define CHOICE_DIGEST_ROUNDS 5u

int copier_init(struct copier *copier, enum copy_direction direction)
{
	const struct copy_kernel *kernel = NULL;

	for (size_t i = 0; (kernel = copy_kernel_at(i)); i++) {
		if (kernel->direction == direction && strcmp(kernel->name, "memcpy") == 0) {
			break;
		}
	}
	assert(kernel);
	*copier = (struct copier) {
		.kernel = kernel,
		.algorithm = DIGEST_XXH64,
		.digester = digester_create(),
	};
	return copier->digester ? 0 : -ENOMEM;
}

void copier_finish(struct copier *copier)
{
	if (!copier) {
		return;
	}
	digester_destroy(copier->digester);
	*copier = (struct copier) { 0 };
}

/*
 * On a write-combining mapping even ordinary loads and stores pass each other, which the fences of
 * C do not prevent on x86: they know only cached memory.
 */
static void copy_fence(enum copy_direction direction)
{
#if defined(__x86_64__)
	if (direction == COPY_IN) {
		__builtin_ia32_sfence();
	} else {
		__builtin_ia32_lfence();
	}
#else
	(void)direction;
#endif
}

void copier_copy(struct copier *copier, enum digest_algorithm algorithm, void *to, const void *from,
        size_t size, struct digest *digest)
{
	const struct copy_kernel *kernel = copier->kernel;
	const uint8_t *private_side = kernel->direction == COPY_IN ? from : to;

	digester_begin(copier->digester, algorithm);
	for (size_t done = 0; done < size;) {
		size_t left = size - done;
		size_t block = left < COPY_BLOCK_BYTES ? left : COPY_BLOCK_BYTES;

		kernel->copy((uint8_t *)to + done, (const uint8_t *)from + done, block);
		digester_add(copier->digester, private_side + done, block);
		done += block;
	}
	copy_fence(kernel->direction);
	if (algorithm != DIGEST_NONE) {
		digester_end(copier->digester, digest);
	}
}

void copier_patch(struct copier *copier, uint8_t *to, const uint8_t *from,
        const struct frame_info *info, const struct frame_rect *rect)
{
	const uint32_t pixel = pixel_format_by_fourcc(info->fourcc)->bytes;
	size_t offset = (size_t)rect->y * info->stride + (size_t)rect->x * pixel;

	if (rect->width == info->width) {
		copier->kernel->copy(
		        to + offset, from + offset, (size_t)rect->height * info->stride);
		return;
	}
	for (uint32_t row = 0; row < rect->height; row++, offset += info->stride) {
		copier->kernel->copy(to + offset, from + offset, (size_t)rect->width * pixel);
	}
}

void copier_fence(const struct copier *copier)
{
	copy_fence(copier->kernel->direction);
}

void copier_digest(struct copier *copier, enum digest_algorithm algorithm, const void *bytes,
        size_t size, struct digest *digest)
{
	if (algorithm != DIGEST_NONE) {
		digester_begin(copier->digester, algorithm);
		digester_add(copier->digester, bytes, size);
		digester_end(copier->digester, digest);
	}
}

/* One kernel in the race. */
struct runner {
	const struct copy_kernel *kernel;
	uint64_t bytes_per_second; /* in its best turn */
};

/* Two pieces of memory that are walked round and round, chunk by chunk. */
struct track {
	uint8_t *shared;
	uint8_t *private;
	size_t shared_bytes;
	size_t private_bytes;
	size_t chunk;
	size_t shared_at;
	size_t private_at;
	bool touched; /* all of the shared piece */
};

/* Page faults belong to the first touch, not to the kernel that happens to make it. */
static void track_touch(const struct track *track, enum copy_direction direction)
{
	volatile uint8_t *at = track->shared + track->shared_at;

	for (size_t i = 0; i < track->chunk; i += CHOICE_PAGE_BYTES) {
		if (direction == COPY_IN) {
			at[i] = 0;
		} else {
			(void)at[i];
		}
	}
}

static size_t track_next(size_t at, size_t chunk, size_t size)
{
	at += chunk;
	return size - at >= chunk ? at : 0;
}

/* Copies the next chunk; returns how long it took. */
static uint64_t track_run(struct track *track, const struct copy_kernel *kernel)
{
	uint8_t *shared = track->shared + track->shared_at;
	uint8_t *private = track->private + track->private_at;
	bool in = kernel->direction == COPY_IN;
	uint64_t start_ns;
	uint64_t end_ns;

	if (!track->touched) {
		track_touch(track, kernel->direction);
	}
	start_ns = clock_now_ns();
	kernel->copy(in ? shared : private, in ? private : shared, track->chunk);
	copy_fence(kernel->direction);
	end_ns = clock_now_ns();
	track->shared_at = track_next(track->shared_at, track->chunk, track->shared_bytes);
	track->touched |= track->shared_at == 0;
	track->private_at = track_next(track->private_at, track->chunk, track->private_bytes);
	return end_ns - start_ns;
}

static size_t runners_init(struct runner *runners, enum copy_direction direction)
{
	const struct copy_kernel *kernel;
	size_t count = 0;

	for (size_t i = 0; (kernel = copy_kernel_at(i)); i++) {
		if (kernel->direction == direction && kernel->is_supported()) {
			assert(count < CHOICE_KERNELS_MAX);
			runners[count++] = (struct runner) { .kernel = kernel };
		}
	}
	return count;
}

/*
 * One turn is many chunks of one kernel: a kernel that leaves dirty lines in the cache has to pay
 * for their eviction itself. Taking turns chunk by chunk made memcpy look three times as fast as it
 * is, at the expense of whoever came next (53 GB/s instead of 20).
 */
static void runner_take_turn(struct runner *runner, struct track *track, uint64_t turn_ns)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t copying_ns = 0;
	uint64_t bytes = 0;
	uint64_t speed;

	do {
		copying_ns += track_run(track, runner->kernel);
		bytes += track->chunk;
	} while (clock_elapsed_ns(start_ns, clock_now_ns()) < turn_ns);
	speed = (uint64_t)((double)bytes * (double)NS_PER_S /
	                   (double)(copying_ns ? copying_ns : 1));
	if (speed > runner->bytes_per_second) {
		runner->bytes_per_second = speed;
	}
}

/* Turn about, so that whatever else the machine does hits all of them alike. */
static void copier_race(struct copier *copier, struct track *track, uint64_t budget_ns)
{
	struct runner runners[CHOICE_KERNELS_MAX];
	size_t count = runners_init(runners, copier->kernel->direction);

	for (unsigned turn = 0; turn < CHOICE_ROUNDS * count; turn++) {
		runner_take_turn(
		        &runners[turn % count], track, budget_ns / (CHOICE_ROUNDS * count));
	}
	copier->kernel_bytes_per_second = 0;
	for (size_t i = 0; i < count; i++) {
		if (runners[i].bytes_per_second > copier->kernel_bytes_per_second) {
			copier->kernel_bytes_per_second = runners[i].bytes_per_second;
			copier->kernel = runners[i].kernel;
		}
	}
}

void copier_choose_kernel(struct copier *copier, uint8_t *shared, size_t size, uint64_t budget_ns)
{
	struct track track = { .shared = shared, .shared_bytes = size };
	uint64_t until_ns = clock_now_ns() + budget_ns;
	uint8_t *stand_in = NULL;

	if (!shared) {
		track.shared_bytes = size ? size : CHOICE_PRIVATE_BYTES;
		stand_in = calloc(1, track.shared_bytes);
		track.shared = stand_in;
	}
	track.chunk = track.shared_bytes;
	if (track.chunk > CHOICE_CHUNK_BYTES) {
		track.chunk = CHOICE_CHUNK_BYTES;
	}
	track.private_bytes = CHOICE_PRIVATE_BYTES;
	track.private = malloc(track.private_bytes);
	/* Without memory or without anything to measure on, the kernel there is stays. */
	if (track.shared && track.private && track.chunk) {
		memset(track.private, 0x5a, track.private_bytes);
		copier_race(copier, &track, clock_elapsed_ns(clock_now_ns(), until_ns));
	}
	free(track.private);
	free(stand_in);
}

static uint64_t digester_time_ns(
        struct digester *digester, enum digest_algorithm algorithm, const uint8_t *bytes)
{
	struct digest digest;
	uint64_t start_ns = clock_now_ns();

	digester_begin(digester, algorithm);
	digester_add(digester, bytes, CHOICE_DIGEST_BYTES);
	digester_end(digester, &digest);
	return clock_now_ns() - start_ns;
}

void copier_choose_digest(struct copier *copier)
{
	uint8_t *bytes = calloc(1, CHOICE_DIGEST_BYTES);
	uint64_t xxh3_ns = UINT64_MAX;
	uint64_t xxh64_ns = UINT64_MAX;

	if (!bytes) {
		return;
	}
	memset(bytes, 0x5a, CHOICE_DIGEST_BYTES);
	for (unsigned i = 0; i < CHOICE_DIGEST_ROUNDS; i++) {
		uint64_t a = digester_time_ns(copier->digester, DIGEST_XXH3, bytes);
		uint64_t b = digester_time_ns(copier->digester, DIGEST_XXH64, bytes);

		xxh3_ns = a < xxh3_ns ? a : xxh3_ns;
		xxh64_ns = b < xxh64_ns ? b : xxh64_ns;
	}
	copier->algorithm = xxh3_ns < xxh64_ns ? DIGEST_XXH3 : DIGEST_XXH64;
	free(bytes);
}
