/* SPDX-License-Identifier: MIT */
/*
 * xxHash compiled into the file that includes this, with its inner loops for more than one
 * instruction set, as they are inside its own xxh_x86dispatch.c. The plain symbols of libxxhash
 * know SSE2 only, and its choice at run time is missing in Debian's static library.
 *
 * For digest.c and copy_passes.c.
 */
#ifndef ORIEL_XXHASH_INSIDE_H
#define ORIEL_XXHASH_INSIDE_H

#define XXH_INLINE_ALL
#if defined(__x86_64__)
#include <immintrin.h>
#define XXH_X86DISPATCH
#define XXH_DISPATCH_AVX2   1
#define XXH_DISPATCH_AVX512 1
#define XXH_TARGET_AVX2     __attribute__((target("avx2")))
#define XXH_TARGET_AVX512   __attribute__((target("avx512f")))
#endif
#include <xxhash.h>

/* What is inside has no promise of staying: of another version only the public functions are used.
 */
#if XXH_VERSION_NUMBER == 801
#define ORIEL_KNOWS_XXHASH 1
#else
#define ORIEL_KNOWS_XXHASH 0
#warning "this xxHash is not 0.8.1: frames are copied first and digested then, without AVX"
#endif

#endif
