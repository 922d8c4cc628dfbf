/* SPDX-License-Identifier: MIT */
/*
 * What it costs to copy and digest a frame, as a ratio to what copying alone costs: every kernel
 * and every pass, in both directions, strip by strip and tile by tile, over four slots of shared
 * memory, so that nothing sits in cache. Rounds of all rows in turn; a row's ratio is taken within
 * a round, to its base there: the fastest kernel of its direction, or for SHA-256 the digest alone.
 * The median of the rounds is told, with the fastest time.
 *
 *   copy-cost WIDTHxHEIGHT ROUNDS [huge]       huge: private memory of huge pages
 */
#include "clock.h"
#include "copy_digest.h"
#include "exit_code.h"
#include "log.h"
#include "pixel_format.h"
#include "region_header.h"
#include "resolution.h"
#include "strip_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS      4u
#define HUGE_BYTES ((size_t)2 * 1024 * 1024)
#define TRIES      4u
#define ROWS_MAX   64u
#define ROUNDS_MAX 200u

struct row {
	const char *name;
	struct copier copier;
	enum digest_algorithm algorithm;
	bool digests_only;
	bool is_base; /* a kernel: the fastest of them in a round is what the others are held to */
	double took_ns[ROUNDS_MAX];
};

struct stage {
	uint8_t *slots;
	uint8_t *frame;
	struct frame_info info;
	size_t bytes;
	size_t capacity; /* of a slot */
	unsigned rounds;
	struct row rows[ROWS_MAX];
	size_t count;
	size_t turn;
};

static struct row *add_row(struct stage *stage, const char *name, enum copy_direction direction,
        enum digest_algorithm algorithm)
{
	struct row *row = &stage->rows[stage->count++];

	if (stage->count > ROWS_MAX || copier_init(&row->copier, direction) < 0) {
		log_error("out of memory");
		exit(EXIT_OTHER);
	}
	row->name = name;
	row->algorithm = algorithm;
	return row;
}

/* The digests that go over blocks use the kernel that copier_choose() finds fastest. */
static void add_rows(struct stage *stage, enum copy_direction direction)
{
	const struct copy_kernel *kernel;
	const struct copy_pass *pass;
	struct row *row = add_row(stage, "copied, then XXH3", direction, DIGEST_XXH3);
	struct copier *chosen = &row->copier;

	copier_choose(chosen, stage->slots, stage->capacity * SLOTS, 50 * NS_PER_MS);
	printf("%s: chosen kernel %s, XXH3 %s, XXH64 %s\n", direction == COPY_IN ? "in" : "out",
	        chosen->kernel->name,
	        chosen->passes[DIGEST_XXH3] ? chosen->passes[DIGEST_XXH3]->name : "in blocks",
	        chosen->passes[DIGEST_XXH64] ? chosen->passes[DIGEST_XXH64]->name : "in blocks");
	memset(chosen->passes, 0, sizeof(chosen->passes));
	for (size_t i = 0; (kernel = copy_kernel_at(i)); i++) {
		if (kernel->direction == direction && kernel->is_supported()) {
			row = add_row(stage, kernel->name, direction, DIGEST_NONE);
			row->copier.kernel = kernel;
			row->is_base = true;
		}
	}
	for (size_t i = 0; (pass = copy_pass_at(i)); i++) {
		if (pass->direction == direction && pass->is_supported()) {
			row = add_row(stage, pass->name, direction, pass->algorithm);
			row->copier.passes[pass->algorithm] = pass;
		}
	}
	row = add_row(stage, "copied, then XXH64", direction, DIGEST_XXH64);
	row->copier.kernel = chosen->kernel;
	row = add_row(stage, "copied, then SHA-256", direction, DIGEST_SHA256);
	row->copier.kernel = chosen->kernel;
	row = add_row(stage, "XXH3 alone", direction, DIGEST_XXH3);
	row->digests_only = true;
	row = add_row(stage, "SHA-256 alone", direction, DIGEST_SHA256);
	row->digests_only = true;
}

static void move_frame(struct stage *stage, struct row *row)
{
	uint8_t *slot = stage->slots + stage->turn++ % SLOTS * stage->capacity;
	const bool is_in = row->copier.kernel->direction == COPY_IN;
	struct digest digest;

	if (row->digests_only) {
		digester_run(
		        row->copier.digester, row->algorithm, stage->frame, stage->bytes, &digest);
		return;
	}
	strip_copy(&row->copier, row->algorithm, &stage->info, ring_digest_words(stage->capacity),
	        is_in ? slot : stage->frame, is_in ? stage->frame : slot);
}

/* The best of a few, the first of which pays for what the row before left in the caches. */
static void run_row(struct stage *stage, struct row *row, unsigned round)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t start_ns = clock_now_ns();
		double took_ns;

		move_frame(stage, row);
		took_ns = (double)clock_elapsed_ns(start_ns, clock_now_ns());
		if (i == 0 || took_ns < row->took_ns[round]) {
			row->took_ns[round] = took_ns;
		}
	}
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(const double *values, unsigned count)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare);
	return sorted[count / 2];
}

static double least(const double *values, unsigned count)
{
	double least = values[0];

	for (unsigned i = 1; i < count; i++) {
		least = values[i] < least ? values[i] : least;
	}
	return least;
}

/* What this row is held to. */
static const struct row *base_of(const struct stage *stage, const struct row *row)
{
	const struct row *base = NULL;

	for (size_t i = 0; i < stage->count; i++) {
		const struct row *other = &stage->rows[i];
		bool is_base = row->algorithm == DIGEST_SHA256
		                       ? other->digests_only && other->algorithm == DIGEST_SHA256
		                       : other->is_base;

		if (is_base && other->copier.kernel->direction == row->copier.kernel->direction &&
		        (!base || least(other->took_ns, stage->rounds) <
		                          least(base->took_ns, stage->rounds))) {
			base = other;
		}
	}
	return base;
}

static void print_row(const struct stage *stage, const struct row *row)
{
	const struct row *base = base_of(stage, row);
	double least_ns = least(row->took_ns, stage->rounds);
	double ratios[ROUNDS_MAX];

	for (unsigned i = 0; i < stage->rounds; i++) {
		ratios[i] = row->took_ns[i] / base->took_ns[i];
	}
	printf("%-4s%-22s%-8s%8.2f ms %7.2f GB/s   %.3f of %s, at best %.3f\n",
	        row->copier.kernel->direction == COPY_IN ? "in" : "out", row->name,
	        row->is_base ? "" : digest_name(row->algorithm), least_ns / 1e6,
	        (double)stage->bytes / least_ns, median(ratios, stage->rounds), base->name,
	        least_ns / least(base->took_ns, stage->rounds));
}

static bool make_memory(struct stage *stage, bool huge)
{
	int fd = memfd_create("copy-cost", MFD_CLOEXEC);

	stage->capacity = (stage->bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	if (fd < 0 || ftruncate(fd, (off_t)(stage->capacity * SLOTS)) != 0) {
		return false;
	}
	stage->slots = mmap(NULL, stage->capacity * SLOTS, PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	stage->frame = aligned_alloc(HUGE_BYTES, stage->capacity);
	if (stage->slots == MAP_FAILED || !stage->frame) {
		return false;
	}
	madvise(stage->frame, stage->capacity, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (size_t i = 0; i < stage->bytes; i++) {
		stage->frame[i] = (uint8_t)random();
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		memcpy(stage->slots + i * stage->capacity, stage->frame, stage->bytes);
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct stage stage;
	struct resolution sizes[RESOLUTION_LIST_MAX];
	struct complaint why;
	bool huge = argc == 4 && strcmp(argv[3], "huge") == 0;

	log_init("copy-cost", LOG_LEVEL_INFO);
	stage.rounds = argc >= 3 ? (unsigned)atoi(argv[2]) : 0;
	if (argc > 4 || (argc == 4 && !huge) || stage.rounds == 0 || stage.rounds > ROUNDS_MAX ||
	        resolution_parse_list(argv[1], sizes, &why) != 1) {
		log_error("usage: copy-cost WIDTHxHEIGHT ROUNDS [huge]; at most %u rounds",
		        ROUNDS_MAX);
		return EXIT_USAGE;
	}
	stage.info = (struct frame_info) { pixel_format_by_name("xrgb8888")->fourcc, sizes[0].width,
		sizes[0].height, 4 * sizes[0].width };
	stage.bytes = frame_info_bytes(&stage.info);
	if (!make_memory(&stage, huge)) {
		log_error("no memory for %u frames of %s", SLOTS + 1, argv[1]);
		return EXIT_OTHER;
	}
	add_rows(&stage, COPY_IN);
	add_rows(&stage, COPY_OUT);
	for (unsigned round = 0; round < stage.rounds; round++) {
		for (size_t i = 0; i < stage.count; i++) {
			run_row(&stage, &stage.rows[i], round);
		}
	}
	for (size_t i = 0; i < stage.count; i++) {
		print_row(&stage, &stage.rows[i]);
	}
	for (size_t i = 0; i < stage.count; i++) {
		copier_finish(&stage.rows[i].copier);
	}
	munmap(stage.slots, stage.capacity * SLOTS);
	free(stage.frame);
	return EXIT_GOOD;
}
