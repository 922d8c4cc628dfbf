/* SPDX-License-Identifier: MIT */
/*
 * Digests: known answers, any division of the input, (almost) no heap after creation, and no heap
 * at all.
 */
#include "copy_digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define INPUT_BYTES 4096u

/* How often OpenSSL came for memory, and the request from which on it gets none (0: never). */
static size_t heap_requests;
static size_t heap_ends_at;

static void *counted_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	heap_requests++;
	return heap_ends_at && heap_requests >= heap_ends_at ? NULL : malloc(size);
}

static void *counted_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	heap_requests++;
	return heap_ends_at && heap_requests >= heap_ends_at ? NULL : realloc(old, size);
}

static void counted_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	free(old);
}

/* Values of xxHash 0.8.1's one-shot functions; those of size 0 stand in its specification too. */
static const struct {
	enum digest_algorithm algorithm;
	size_t size;
	uint64_t value;
} known_xxh[] = {
	{ DIGEST_XXH3, 0, UINT64_C(0x2d06800538d394c2) },
	{ DIGEST_XXH3, 1, UINT64_C(0xc44bdff4074eecdb) },
	{ DIGEST_XXH3, 17, UINT64_C(0xc56f339d36cc73d7) },
	{ DIGEST_XXH3, 129, UINT64_C(0xc72af4c6ac4dea94) },
	{ DIGEST_XXH3, 240, UINT64_C(0xe315d53d5129eede) },
	{ DIGEST_XXH3, 241, UINT64_C(0x18773c512b008a63) },
	{ DIGEST_XXH3, 1024, UINT64_C(0x5a1893edffa2577c) },
	{ DIGEST_XXH3, 4096, UINT64_C(0xbe855965eae8486b) },
	{ DIGEST_XXH64, 0, UINT64_C(0xef46db3751d8e999) },
	{ DIGEST_XXH64, 1, UINT64_C(0xe934a84adb052768) },
	{ DIGEST_XXH64, 17, UINT64_C(0xd9a4e9e8ef334438) },
	{ DIGEST_XXH64, 129, UINT64_C(0x75911b69fc5da9a0) },
	{ DIGEST_XXH64, 240, UINT64_C(0x6ae6605b86b43763) },
	{ DIGEST_XXH64, 241, UINT64_C(0x93f9ecda8aa61e97) },
	{ DIGEST_XXH64, 1024, UINT64_C(0x5757a1a9b845a8fd) },
	{ DIGEST_XXH64, 4096, UINT64_C(0xc4de682c3c1293fe) },
};

/* From sha256sum. */
static const struct {
	size_t size;
	const char *hex;
} known_sha256[] = {
	{ 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ 17, "0ddd27b7f9c448d35ca3371d20198660ed60849c4be53e22325af4363e4db5db" },
	{ 241, "42d7e97a261d64215163e9349d08452c601383834f3e00e588c6357c7d5aeb14" },
	{ 4096, "470d1b89fc75293c6793ec18ae42d29a06e47c26fde262729975d35de66bc5b1" },
};

static void fill(uint8_t *bytes)
{
	for (unsigned i = 0; i < INPUT_BYTES; i++) {
		bytes[i] = (uint8_t)(i * 31 + (i >> 8));
	}
}

static struct digest digest_in_pieces(struct digester *digester, enum digest_algorithm algorithm,
        const uint8_t *bytes, size_t size, size_t piece)
{
	struct digest digest;

	memset(&digest, 0xff, sizeof(digest));
	digester_begin(digester, algorithm);
	for (size_t done = 0; done < size; done += piece) {
		digester_add(digester, bytes + done, size - done < piece ? size - done : piece);
	}
	digester_end(digester, &digest);
	return digest;
}

static void try_xxh(struct digester *digester, const uint8_t *bytes, size_t index)
{
	for (size_t piece = 1; piece <= INPUT_BYTES; piece = piece * 2 + 1) {
		struct digest expected = { 0 };
		struct digest got = digest_in_pieces(
		        digester, known_xxh[index].algorithm, bytes, known_xxh[index].size, piece);

		for (unsigned i = 0; i < 8; i++) {
			expected.bytes[i] = (uint8_t)(known_xxh[index].value >> (8 * i));
		}
		assert_memory_equal(got.bytes, expected.bytes, sizeof(got.bytes));
		assert_true(digest_equal(&got, &expected));
	}
}

static void try_sha256(struct digester *digester, const uint8_t *bytes, size_t index)
{
	for (size_t piece = 1; piece <= INPUT_BYTES; piece = piece * 2 + 1) {
		struct digest got = digest_in_pieces(
		        digester, DIGEST_SHA256, bytes, known_sha256[index].size, piece);
		char hex[2 * DIGEST_SIZE_MAX + 1];

		for (unsigned i = 0; i < DIGEST_SIZE_MAX; i++) {
			snprintf(hex + 2 * i, 3, "%02x", got.bytes[i]);
		}
		assert_string_equal(hex, known_sha256[index].hex);
	}
}

static void known_answers_come_out(void **state)
{
	struct digester *digester = digester_create();
	uint8_t bytes[INPUT_BYTES];

	(void)state;
	assert_non_null(digester);
	fill(bytes);
	for (size_t i = 0; i < sizeof(known_xxh) / sizeof(known_xxh[0]); i++) {
		try_xxh(digester, bytes, i);
	}
	for (size_t i = 0; i < sizeof(known_sha256) / sizeof(known_sha256[0]); i++) {
		try_sha256(digester, bytes, i);
	}
	digester_destroy(digester);
	digester_destroy(NULL);
}

static void names_and_numbers_agree(void **state)
{
	enum digest_algorithm algorithm;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(digest_is_known(i));
		assert_int_equal(
		        digest_by_name(digest_name((enum digest_algorithm)i), &algorithm), 0);
		assert_int_equal(algorithm, i);
	}
	assert_false(digest_is_known(4));
	assert_false(digest_is_known(UINT32_MAX));
	assert_string_equal(digest_name((enum digest_algorithm)4), "unknown");
	assert_int_equal(digest_by_name("auto", &algorithm), -EINVAL);
	assert_int_equal(digest_by_name("", &algorithm), -EINVAL);
	assert_int_equal(DIGEST_XXH3, 1);
	assert_int_equal(DIGEST_XXH64, 2);
	assert_int_equal(DIGEST_SHA256, 3);
}

static void equal_means_every_byte(void **state)
{
	struct digest a = { { 1, 2, 3 } };

	(void)state;
	for (unsigned i = 0; i < DIGEST_SIZE_MAX; i++) {
		struct digest b = a;

		assert_true(digest_equal(&a, &b));
		b.bytes[i] ^= 0x80;
		assert_false(digest_equal(&a, &b));
	}
}

static void digests_hardly_use_the_heap(void **state)
{
	struct digester *digester = digester_create();
	uint8_t bytes[INPUT_BYTES];
	size_t before;

	(void)state;
	assert_non_null(digester);
	fill(bytes);
	before = heap_requests;
	assert_true(before > 0);
	for (int i = 0; i < 100; i++) {
		digest_in_pieces(digester, DIGEST_SHA256, bytes, sizeof(bytes), 1000);
	}
	/* One each is OpenSSL 3.0's own; looking up the algorithm each time would take several. */
	assert_true(heap_requests - before <= 100);
	digester_destroy(digester);
}

static void without_heap_there_is_no_digester(void **state)
{
	struct digester *digester = NULL;
	size_t denied = 0;

	(void)state;
	for (size_t i = 1; !digester; i++) {
		heap_ends_at = heap_requests + i;
		digester = digester_create();
		heap_ends_at = 0;
		denied += !digester;
		assert_true(i < 100);
	}
	assert_true(denied > 0);
	digester_destroy(digester);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers_come_out),
		cmocka_unit_test(names_and_numbers_agree),
		cmocka_unit_test(equal_means_every_byte),
		cmocka_unit_test(digests_hardly_use_the_heap),
		cmocka_unit_test(without_heap_there_is_no_digester),
	};

	/* Before OpenSSL takes its first memory. */
	if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free)) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
