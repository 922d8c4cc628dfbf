/* SPDX-License-Identifier: MIT */
/*
 * Words that two sides share, and the only ways to touch them.
 *
 * A shared word is a struct, so that arithmetic on it and plain reads of it do not compile; its
 * member is named in this file only. Each accessor is one access of the whole word. Nobody does a
 * read-modify-write, and nobody reads a word of its own back.
 *
 * Built with ORIEL_SHARED_HOOKS (tests only), every access goes through functions that the test
 * supplies: an adversary that answers differently each time, a counter that proves that a word is
 * fetched once, a bomb that goes off before the n-th store.
 *
 * Write-combining. A guest maps the device's memory write-combining where it can, and the copy
 * kernels store past the cache and load past it. Plain x86 accesses do not order such stores and
 * loads, so every release here is a store fence first and every acquire a load fence behind it;
 * they cost next to nothing when there is nothing to wait for.
 */
#ifndef ORIEL_SHARED_H
#define ORIEL_SHARED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
        "shared words are little-endian; a big-endian host needs swapping accessors here");

typedef struct {
	uint32_t touched_by_shared_h_only;
} shared_u32;

typedef struct {
	uint64_t touched_by_shared_h_only;
} shared_u64;

#ifdef ORIEL_SHARED_HOOKS
/* What the test wants a load of this word to yield; really: what lies there. */
uint64_t shared_hook_load(const void *word, unsigned bytes, uint64_t really);
/* Called before each store; may not return. */
void shared_hook_store(const void *word, unsigned bytes, uint64_t value);
#else
#define shared_hook_load(word, bytes, really) (really)
#define shared_hook_store(word, bytes, value) ((void)0)
#endif

/* All earlier stores, also those past the cache, are visible before any later store. */
static inline void shared_fence_release(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_sfence();
#endif
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* No later load is done before an earlier one. */
static inline void shared_fence_acquire(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_lfence();
#endif
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* All earlier accesses come before all later ones: between "I say" and "do I see". */
static inline void shared_fence_full(void)
{
	shared_fence_release();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline uint32_t shared_load_u32(const shared_u32 *word)
{
	uint32_t value = __atomic_load_n(&word->touched_by_shared_h_only, __ATOMIC_RELAXED);

	return (uint32_t)shared_hook_load(word, 4, value);
}

static inline uint64_t shared_load_u64(const shared_u64 *word)
{
	uint64_t value = __atomic_load_n(&word->touched_by_shared_h_only, __ATOMIC_RELAXED);

	return shared_hook_load(word, 8, value);
}

/* Nothing that follows is read before this word. */
static inline uint64_t shared_load_acquire_u64(const shared_u64 *word)
{
	uint64_t value = __atomic_load_n(&word->touched_by_shared_h_only, __ATOMIC_ACQUIRE);

	shared_fence_acquire();
	return shared_hook_load(word, 8, value);
}

static inline void shared_store_u32(shared_u32 *word, uint32_t value)
{
	shared_hook_store(word, 4, value);
	__atomic_store_n(&word->touched_by_shared_h_only, value, __ATOMIC_RELAXED);
}

static inline void shared_store_u64(shared_u64 *word, uint64_t value)
{
	shared_hook_store(word, 8, value);
	__atomic_store_n(&word->touched_by_shared_h_only, value, __ATOMIC_RELAXED);
}

/* Everything that was stored before is visible to whoever sees this value. */
static inline void shared_store_release_u64(shared_u64 *word, uint64_t value)
{
	shared_hook_store(word, 8, value);
	shared_fence_release();
	__atomic_store_n(&word->touched_by_shared_h_only, value, __ATOMIC_RELEASE);
}

/* Copies count words out, each fetched once, in order. to: count * 8 bytes of any type */
static inline void shared_copy_out(void *to, const shared_u64 *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = shared_load_u64(&from[i]);

		memcpy((char *)to + i * sizeof(value), &value, sizeof(value));
	}
}

/* Copies count words in, each stored once, in order. from: count * 8 bytes of any type */
static inline void shared_copy_in(shared_u64 *to, const void *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value;

		memcpy(&value, (const char *)from + i * sizeof(value), sizeof(value));
		shared_store_u64(&to[i], value);
	}
}

#endif
