/* SPDX-License-Identifier: MIT */
/*
 * Copy and digest together: sizes around the block, choices, flipped bits.
 */
#include "copy_digest.h"
#include "copy_piece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

#define FRAME_WIDTH  1920u
#define FRAME_HEIGHT 1080u
#define FRAME_STRIDE (FRAME_WIDTH * 4)
#define FRAME_BYTES  ((size_t)FRAME_STRIDE * FRAME_HEIGHT)
#define STRIP_BYTES  ((size_t)FRAME_STRIDE) /* digested together; small, or this takes minutes */
#define RANDOM_FLIPS 100000u
#define WHOLE_FLIPS  40u

static const enum digest_algorithm algorithms[] = { DIGEST_XXH3, DIGEST_XXH64, DIGEST_SHA256 };
#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static uint8_t *noise_create(size_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)random();
	}
	return bytes;
}

static struct digest digest_of(
        struct copier *copier, enum digest_algorithm algorithm, const uint8_t *bytes, size_t size)
{
	struct digest digest;

	digester_begin(copier->digester, algorithm);
	digester_add(copier->digester, bytes, size);
	digester_end(copier->digester, &digest);
	return digest;
}

static void try_direction(enum copy_direction direction)
{
	static const size_t sizes[] = { 0, 1, 63, 1023, 1024, 1025, 4096, 262144, 1000003 };
	size_t most = sizes[sizeof(sizes) / sizeof(sizes[0]) - 1];
	uint8_t *from = noise_create(most);
	uint8_t *to = malloc(most);
	struct copier copier;

	assert_non_null(to);
	assert_int_equal(copier_init(&copier, direction), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < ALGORITHMS; k++) {
			struct digest expected = digest_of(&copier, algorithms[k], from, sizes[i]);
			struct digest digest;

			memset(to, 0, most);
			copy_piece(&copier, algorithms[k], to, from, sizes[i], &digest);
			assert_memory_equal(to, from, sizes[i]);
			assert_true(digest_equal(&digest, &expected));
		}
	}
	copier_finish(&copier);
	free(to);
	free(from);
}

static void copies_and_digests_in_both_directions(void **state)
{
	(void)state;
	try_direction(COPY_IN);
	try_direction(COPY_OUT);
}

static void without_a_digest_it_only_copies(void **state)
{
	uint8_t from[100] = { 1, 2, 3 };
	uint8_t to[100] = { 0 };
	struct digest digest;
	struct digest before;
	struct copier copier;

	(void)state;
	memset(&digest, 0x77, sizeof(digest));
	before = digest;
	assert_int_equal(copier_init(&copier, COPY_IN), 0);
	copy_piece(&copier, DIGEST_NONE, to, from, sizeof(from), &digest);
	copy_piece(&copier, DIGEST_NONE, to, from, sizeof(from), NULL);
	assert_memory_equal(to, from, sizeof(from));
	assert_true(digest_equal(&digest, &before));
	copier_finish(&copier);
	copier_finish(&copier);
	copier_finish(NULL);
}

/* A kernel that makes source and copy differ, to see which of the two is digested. */
static void copy_wrongly(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	*(uint8_t *)to ^= 1;
}

static void the_private_side_is_digested(void **state)
{
	static const struct copy_kernel wrong_in = { "wrong", COPY_IN, NULL, copy_wrongly };
	static const struct copy_kernel wrong_out = { "wrong", COPY_OUT, NULL, copy_wrongly };
	uint8_t from[300] = { 9 };
	uint8_t to[300];
	struct digest digest;
	struct digest expected;
	struct copier copier;

	(void)state;
	assert_int_equal(copier_init(&copier, COPY_IN), 0);
	copier.kernel = &wrong_in;
	copy_piece(&copier, DIGEST_XXH3, to, from, sizeof(from), &digest);
	expected = digest_of(&copier, DIGEST_XXH3, from, sizeof(from));
	assert_true(digest_equal(&digest, &expected));
	copier.kernel = &wrong_out;
	copy_piece(&copier, DIGEST_XXH3, to, from, sizeof(from), &digest);
	expected = digest_of(&copier, DIGEST_XXH3, to, sizeof(to));
	assert_true(digest_equal(&digest, &expected));
	copier_finish(&copier);
}

static void every_flipped_bit_of_a_small_frame_shows(void **state)
{
	uint8_t *shared = noise_create(4096);
	uint8_t copy[4096];
	struct copier copier;

	(void)state;
	assert_int_equal(copier_init(&copier, COPY_OUT), 0);
	for (size_t k = 0; k < ALGORITHMS; k++) {
		struct digest good = digest_of(&copier, algorithms[k], shared, 4096);

		for (size_t bit = 0; bit < 8 * 4096; bit++) {
			struct digest digest;

			shared[bit / 8] ^= (uint8_t)(1u << bit % 8);
			copy_piece(&copier, algorithms[k], copy, shared, 4096, &digest);
			shared[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(digest_equal(&digest, &good));
		}
	}
	copier_finish(&copier);
	free(shared);
}

/* Flips one random bit of shared, [0, size), and digests the piece of it that holds the bit. */
static void try_flip(struct copier *copier, enum digest_algorithm algorithm, uint8_t *shared,
        uint8_t *copy, size_t piece, const struct digest *good)
{
	size_t at = (((size_t)random() << 31) | (size_t)random()) % FRAME_BYTES;
	uint8_t bit = (uint8_t)(1u << (random() % 8));
	size_t start = at - at % piece;
	struct digest digest;

	shared[at] ^= bit;
	copy_piece(copier, algorithm, copy, shared + start, piece, &digest);
	shared[at] ^= bit;
	if (digest_equal(&digest, &good[start / piece])) {
		fail_msg("%s: byte %zu, bit %#x flipped unseen", digest_name(algorithm), at, bit);
	}
}

static void random_flips_in_a_1080p_frame_show(void **state)
{
	struct digest strips[FRAME_BYTES / STRIP_BYTES];
	uint8_t *shared = noise_create(FRAME_BYTES);
	uint8_t *copy = malloc(FRAME_BYTES);
	struct copier copier;

	(void)state;
	assert_non_null(copy);
	assert_int_equal(copier_init(&copier, COPY_OUT), 0);
	for (size_t k = 0; k < ALGORITHMS; k++) {
		struct digest whole = digest_of(&copier, algorithms[k], shared, FRAME_BYTES);

		for (size_t i = 0; i < FRAME_BYTES / STRIP_BYTES; i++) {
			strips[i] = digest_of(
			        &copier, algorithms[k], shared + i * STRIP_BYTES, STRIP_BYTES);
		}
		for (size_t i = 0; i < RANDOM_FLIPS; i++) {
			try_flip(&copier, algorithms[k], shared, copy, STRIP_BYTES, strips);
		}
		for (size_t i = 0; i < WHOLE_FLIPS; i++) {
			try_flip(&copier, algorithms[k], shared, copy, FRAME_BYTES, &whole);
		}
	}
	copier_finish(&copier);
	free(copy);
	free(shared);
}

static void try_choice(enum copy_direction direction, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = (size + page - 1) / page * page;
	uint8_t *all = mmap(NULL, pages + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *shared = all + page + pages - size;
	struct copier copier;

	assert_ptr_not_equal(all, MAP_FAILED);
	assert_int_equal(mprotect(all + page, pages ? pages : page,
	                         direction == COPY_IN ? PROT_READ | PROT_WRITE : PROT_READ),
	        0);
	assert_int_equal(copier_init(&copier, direction), 0);
	copier_choose(&copier, shared, size, 1000000);
	assert_int_equal(copier.kernel->direction, direction);
	assert_true(copier.kernel->is_supported());
	assert_true((copier.kernel_bytes_per_second > 0) == (size > 0));
	for (size_t k = 0; k < DIGEST_ALGORITHMS; k++) {
		const struct copy_pass *pass = copier.passes[k];
		bool is_xxh = k == DIGEST_XXH3 || k == DIGEST_XXH64;

		assert_true(!pass || (pass->direction == direction && pass->algorithm == k &&
		                             pass->is_supported()));
		assert_true((copier.digest_bytes_per_second[k] > 0) == (size > 0 && is_xxh));
	}
	copier_finish(&copier);
	munmap(all, pages + 2 * page);
}

static void a_kernel_is_chosen_inside_the_piece(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 262143, 262144, 262145, 5000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		try_choice(COPY_IN, sizes[i]);
		try_choice(COPY_OUT, sizes[i]);
	}
}

static void a_kernel_is_chosen_on_private_memory(void **state)
{
	struct copier copier;

	(void)state;
	assert_int_equal(copier_init(&copier, COPY_OUT), 0);
	copier_choose(&copier, NULL, 0, 1000000);
	assert_int_equal(copier.kernel->direction, COPY_OUT);
	assert_true(copier.kernel_bytes_per_second > 0);
	copier_finish(&copier);
}

static void the_faster_digest_is_chosen(void **state)
{
	struct copier copier;

	(void)state;
	assert_int_equal(copier_init(&copier, COPY_IN), 0);
	assert_int_equal(copier.algorithm, DIGEST_XXH64);
	copier.algorithm = DIGEST_SHA256;
	copier.digest_bytes_per_second[DIGEST_XXH64] = 2;
	copier.digest_bytes_per_second[DIGEST_XXH3] = 3;
	copier_choose_digest(&copier);
	assert_int_equal(copier.algorithm, DIGEST_XXH3);
	copier.digest_bytes_per_second[DIGEST_XXH64] = 4;
	copier_choose_digest(&copier);
	assert_int_equal(copier.algorithm, DIGEST_XXH64);
	copier_finish(&copier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_and_digests_in_both_directions),
		cmocka_unit_test(without_a_digest_it_only_copies),
		cmocka_unit_test(the_private_side_is_digested),
		cmocka_unit_test(every_flipped_bit_of_a_small_frame_shows),
		cmocka_unit_test(random_flips_in_a_1080p_frame_show),
		cmocka_unit_test(a_kernel_is_chosen_inside_the_piece),
		cmocka_unit_test(a_kernel_is_chosen_on_private_memory),
		cmocka_unit_test(the_faster_digest_is_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
