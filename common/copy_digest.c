/* SPDX-License-Identifier: MIT */
#include "copy_digest.h"
#include "copy_stretch.h"
#include "pixel_format.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * Without a pass, this much is copied and then digested. So little that a CPU runs ahead: it loads
 * the next block while the digest of this one keeps it busy. A 4K frame with SHA-256 took 1.13 x
 * the time of SHA-256 alone in blocks of 128 KiB, 1.10 in blocks of 4 KiB, 1.01 in blocks of 1 KiB
 * (Sapphire Rapids).
 */
#define COPY_BLOCK_BYTES ((size_t)1024)

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

bool copy_pass_fits(const struct copy_pass *pass, const void *to, const void *from)
{
	uintptr_t bits = (uintptr_t)to;

	if (pass->direction == COPY_OUT) {
		bits |= (uintptr_t)from;
	}
	return bits % COPY_LINE_BYTES == 0;
}

/*
 * The fences of C do not do on x86: they know only cached memory. On a write-combining mapping even
 * ordinary loads and stores pass each other, and a streaming load may be answered from a buffer
 * that was filled earlier.
 */
void copier_fence(const struct copier *copier)
{
#if defined(__x86_64__)
	if (copier->kernel->direction == COPY_IN) {
		__builtin_ia32_sfence();
	} else {
		__builtin_ia32_mfence();
	}
#else
	(void)copier;
#endif
}

static void copy_in_blocks(struct copier *copier, enum digest_algorithm algorithm, uint8_t *to,
        const uint8_t *from, size_t size, struct digest *digest)
{
	const struct copy_kernel *kernel = copier->kernel;
	const uint8_t *private_side = kernel->direction == COPY_IN ? from : to;

	digester_begin(copier->digester, algorithm);
	for (size_t done = 0; done < size;) {
		size_t left = size - done;
		size_t block = left < COPY_BLOCK_BYTES ? left : COPY_BLOCK_BYTES;

		kernel->copy(to + done, from + done, block);
		digester_add(copier->digester, private_side + done, block);
		done += block;
	}
	digester_end(copier->digester, digest);
}

void copier_copy(struct copier *copier, enum digest_algorithm algorithm, void *to, const void *from,
        size_t size, struct digest *digest)
{
	const struct copy_pass *pass = copier->passes[algorithm];

	copier_fence(copier);
	if (algorithm == DIGEST_NONE) {
		copier->kernel->copy(to, from, size);
	} else if (pass && copy_pass_fits(pass, to, from)) {
		digest_set_value(digest, pass->run(to, from, size));
	} else {
		copy_in_blocks(copier, algorithm, to, from, size, digest);
	}
	copier_fence(copier);
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

void copier_digest(struct copier *copier, enum digest_algorithm algorithm, const void *bytes,
        size_t size, struct digest *digest)
{
	if (algorithm != DIGEST_NONE) {
		digester_begin(copier->digester, algorithm);
		digester_add(copier->digester, bytes, size);
		digester_end(copier->digester, digest);
	}
}
