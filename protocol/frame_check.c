/* SPDX-License-Identifier: MIT */
#include "frame_check.h"

#include "copy_digest.h"
#include "pixel_format.h"
#include "region_header.h"

/* Compiled in: calls between libraries are cold when a producer slept between two frames. */
#define XXH_INLINE_ALL
#include <xxhash.h>

const char *frame_fault_text(enum frame_fault fault)
{
	static const char *const texts[FRAME_FAULTS] = {
		[FRAME_FITS] = "fits",
		[FRAME_OTHER_EPOCH] = "belongs to another session",
		[FRAME_OTHER_SEQUENCE] = "has another number than its slot",
		[FRAME_UNKNOWN_FORMAT] = "has an unknown pixel format",
		[FRAME_BAD_SIZE] = "has an impossible width or height",
		[FRAME_BAD_STRIDE] = "has an impossible stride",
		[FRAME_BAD_LENGTH] = "has a length that is not stride x height",
		[FRAME_OVER_CAPACITY] = "is larger than its slot",
		[FRAME_UNKNOWN_DIGEST] = "has an unknown digest algorithm",
		[FRAME_BAD_TILES] = "has strips or tiles that do not cover it",
		[FRAME_BAD_DAMAGE] = "has too many damage rectangles",
		[FRAME_BAD_CHECKSUM] = "has a descriptor whose checksum is wrong",
		[FRAME_BAD_DIGEST] = "has pixels that its digest disagrees with",
	};

	return fault < FRAME_FAULTS ? texts[fault] : "unknown";
}

enum frame_fault frame_check_info(const struct frame_info *info, uint64_t slot_capacity)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);

	if (!format) {
		return FRAME_UNKNOWN_FORMAT;
	}
	if (info->width == 0 || info->width > FRAME_SIDE_MAX || info->height == 0 ||
	        info->height > FRAME_SIDE_MAX) {
		return FRAME_BAD_SIZE;
	}
	if (info->stride % 4 || info->stride < (uint64_t)info->width * format->bytes) {
		return FRAME_BAD_STRIDE;
	}
	if (frame_info_bytes(info) > slot_capacity) {
		return FRAME_OVER_CAPACITY;
	}
	return FRAME_FITS;
}

static bool tiles_cover(
        const struct ring_claim *untrusted, const struct frame_info *info, uint32_t words)
{
	struct frame_grid grid;

	if (untrusted->strip_rows == 0 || untrusted->strip_rows > FRAME_SIDE_MAX ||
	        untrusted->tile_width == 0 || untrusted->tile_width > FRAME_SIDE_MAX) {
		return false;
	}
	grid = frame_grid_of(info, untrusted->strip_rows, untrusted->tile_width);
	return grid.strips == untrusted->strip_count &&
	       frame_grid_fits(&grid, untrusted->digest_algorithm, words);
}

enum frame_fault frame_check_claim(const struct ring_claim *untrusted, uint64_t epoch,
        uint64_t sequence, uint64_t slot_capacity)
{
	const struct frame_info info = {
		.fourcc = untrusted->fourcc,
		.width = untrusted->width,
		.height = untrusted->height,
		.stride = untrusted->stride,
	};
	enum frame_fault fault;

	if (untrusted->epoch != epoch) {
		return FRAME_OTHER_EPOCH;
	}
	if (untrusted->sequence != sequence) {
		return FRAME_OTHER_SEQUENCE;
	}
	fault = frame_check_info(&info, slot_capacity);
	if (fault != FRAME_FITS) {
		return fault;
	}
	if (untrusted->data_size != frame_info_bytes(&info)) {
		return FRAME_BAD_LENGTH;
	}
	if (!digest_is_known(untrusted->digest_algorithm)) {
		return FRAME_UNKNOWN_DIGEST;
	}
	if (!tiles_cover(untrusted, &info, ring_digest_words(slot_capacity))) {
		return FRAME_BAD_TILES;
	}
	return untrusted->damage_count > FRAME_DAMAGE_MAX ? FRAME_BAD_DAMAGE : FRAME_FITS;
}

void frame_check_damage(const uint64_t *untrusted, uint32_t count, uint64_t base_sequence,
        const struct ring_claim *claim, struct frame_damage *damage)
{
	damage->base_sequence = base_sequence < claim->sequence ? base_sequence : 0;
	damage->count = 0;
	for (uint32_t i = 0; i < count && damage->base_sequence; i++) {
		const struct frame_rect rect = {
			.x = (uint16_t)untrusted[i],
			.y = (uint16_t)(untrusted[i] >> 16),
			.width = (uint16_t)(untrusted[i] >> 32),
			.height = (uint16_t)(untrusted[i] >> 48),
		};

		if (rect.width == 0 || rect.height == 0 ||
		        (uint32_t)rect.x + rect.width > claim->width ||
		        (uint32_t)rect.y + rect.height > claim->height) {
			damage->base_sequence = 0;
			damage->count = 0;
			return;
		}
		damage->rects[damage->count++] = rect;
	}
}

uint32_t frame_claim_digest_words(const struct ring_claim *claim)
{
	const struct frame_grid grid = frame_claim_grid(claim);

	return frame_grid_words(&grid, claim->digest_algorithm);
}

uint32_t frame_digests_sum(const uint64_t *digests, uint32_t words)
{
	return XXH32(digests, words * sizeof(*digests), 0);
}

uint32_t frame_claim_checksum(
        const struct ring_claim *claim, const uint64_t *damage, uint32_t digests_sum)
{
	uint32_t sum = XXH32(claim, RING_CLAIM_CHECKED, digests_sum);

	return XXH32(damage, claim->damage_count * sizeof(uint64_t), sum);
}

struct frame_info frame_claim_info(const struct ring_claim *claim)
{
	return (struct frame_info) {
		.fourcc = claim->fourcc,
		.width = claim->width,
		.height = claim->height,
		.stride = claim->stride,
	};
}

struct frame_grid frame_claim_grid(const struct ring_claim *claim)
{
	const struct frame_info info = frame_claim_info(claim);

	return frame_grid_of(&info, claim->strip_rows, claim->tile_width);
}
