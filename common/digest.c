/* SPDX-License-Identifier: MIT */
#include "copy_digest.h"
#include "xxhash_inside.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char *const digest_names[] = {
	[DIGEST_NONE] = "none",
	[DIGEST_XXH3] = "xxh3",
	[DIGEST_XXH64] = "xxh64",
	[DIGEST_SHA256] = "sha256",
};

struct digester {
	enum digest_algorithm algorithm;
	XXH_errorcode (*xxh3_update)(XXH3_state_t *state, const void *bytes, size_t size);
	XXH3_state_t *xxh3;
	XXH64_state_t *xxh64;
	/* Fetched once: looking it up at each frame would take OpenSSL's locks and its heap. */
	EVP_MD *sha256;
	EVP_MD_CTX *sha256_context;
};

bool digest_is_known(uint32_t untrusted_algorithm)
{
	return untrusted_algorithm < sizeof(digest_names) / sizeof(digest_names[0]);
}

uint32_t digest_words(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_SHA256 ? DIGEST_WORDS_MAX : 1;
}

const char *digest_name(enum digest_algorithm algorithm)
{
	return digest_is_known(algorithm) ? digest_names[algorithm] : "unknown";
}

int digest_by_name(const char *name, enum digest_algorithm *algorithm)
{
	for (uint32_t i = 0; digest_is_known(i); i++) {
		if (strcmp(name, digest_names[i]) == 0) {
			*algorithm = (enum digest_algorithm)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static XXH_errorcode update_plain(XXH3_state_t *state, const void *bytes, size_t size)
{
	return XXH3_64bits_update(state, bytes, size);
}

#if defined(__x86_64__) && ORIEL_KNOWS_XXHASH

static XXH_TARGET_AVX2 XXH_errorcode update_avx2(
        XXH3_state_t *state, const void *bytes, size_t size)
{
	return XXH3_update(state, bytes, size, XXH3_accumulate_512_avx2, XXH3_scrambleAcc_avx2);
}

static XXH_TARGET_AVX512 XXH_errorcode update_avx512(
        XXH3_state_t *state, const void *bytes, size_t size)
{
	return XXH3_update(state, bytes, size, XXH3_accumulate_512_avx512, XXH3_scrambleAcc_avx512);
}

#endif

static void choose_update(struct digester *digester)
{
	digester->xxh3_update = update_plain;
#if defined(__x86_64__) && ORIEL_KNOWS_XXHASH
	if (__builtin_cpu_supports("avx512f")) {
		digester->xxh3_update = update_avx512;
	} else if (__builtin_cpu_supports("avx2")) {
		digester->xxh3_update = update_avx2;
	}
#endif
}

struct digester *digester_create(void)
{
	struct digester *digester = calloc(1, sizeof(*digester));

	if (!digester) {
		return NULL;
	}
	choose_update(digester);
	digester->xxh3 = XXH3_createState();
	digester->xxh64 = XXH64_createState();
	digester->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	digester->sha256_context = EVP_MD_CTX_new();
	/* Everything OpenSSL does only once, it does here. */
	if (!digester->xxh3 || !digester->xxh64 || !digester->sha256 || !digester->sha256_context ||
	        !EVP_DigestInit_ex2(digester->sha256_context, digester->sha256, NULL)) {
		digester_destroy(digester);
		return NULL;
	}
	return digester;
}

void digester_destroy(struct digester *digester)
{
	if (!digester) {
		return;
	}
	XXH3_freeState(digester->xxh3);
	XXH64_freeState(digester->xxh64);
	EVP_MD_CTX_free(digester->sha256_context);
	EVP_MD_free(digester->sha256);
	free(digester);
}

/*
 * Fails when a library is used against its rules, a fault of ours, or when OpenSSL 3.0 does not get
 * the 112 bytes that it takes anew for each SHA-256, newer ones only once.
 */
static void must_hold(bool good)
{
	assert(good);
	(void)good;
}

void digester_begin(struct digester *digester, enum digest_algorithm algorithm)
{
	assert(digest_is_known(algorithm));
	digester->algorithm = algorithm;
	switch (algorithm) {
	case DIGEST_NONE:
		break;
	case DIGEST_XXH3:
		must_hold(XXH3_64bits_reset(digester->xxh3) == XXH_OK);
		break;
	case DIGEST_XXH64:
		must_hold(XXH64_reset(digester->xxh64, 0) == XXH_OK);
		break;
	case DIGEST_SHA256:
		must_hold(EVP_DigestInit_ex2(digester->sha256_context, digester->sha256, NULL));
		break;
	}
}

void digester_add(struct digester *digester, const void *bytes, size_t size)
{
	switch (digester->algorithm) {
	case DIGEST_NONE:
		break;
	case DIGEST_XXH3:
		must_hold(digester->xxh3_update(digester->xxh3, bytes, size) == XXH_OK);
		break;
	case DIGEST_XXH64:
		must_hold(XXH64_update(digester->xxh64, bytes, size) == XXH_OK);
		break;
	case DIGEST_SHA256:
		must_hold(EVP_DigestUpdate(digester->sha256_context, bytes, size));
		break;
	}
}

void digest_set_value(struct digest *digest, uint64_t value)
{
	memset(digest, 0, sizeof(*digest));
	for (unsigned i = 0; i < sizeof(value); i++) {
		digest->bytes[i] = (uint8_t)(value >> (8 * i));
	}
}

void digester_end(struct digester *digester, struct digest *digest)
{
	switch (digester->algorithm) {
	case DIGEST_NONE:
		memset(digest, 0, sizeof(*digest));
		break;
	case DIGEST_XXH3:
		digest_set_value(digest, XXH3_64bits_digest(digester->xxh3));
		break;
	case DIGEST_XXH64:
		digest_set_value(digest, XXH64_digest(digester->xxh64));
		break;
	case DIGEST_SHA256:
		must_hold(EVP_DigestFinal_ex(digester->sha256_context, digest->bytes, NULL));
		break;
	}
}

void digester_run(struct digester *digester, enum digest_algorithm algorithm, const void *bytes,
        size_t size, struct digest *digest)
{
	digester_begin(digester, algorithm);
	digester_add(digester, bytes, size);
	digester_end(digester, digest);
}
