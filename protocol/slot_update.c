/* SPDX-License-Identifier: MIT */
#include "slot_update.h"
#include "ring_wake.h"

#include <string.h>

#define STRIP_BYTES (UINT64_C(1) << 18) /* aimed at; see docs/protocol.md */

struct frame_strips slot_cut_strips(const struct frame_info *info)
{
	const uint32_t least = (info->height + RING_STRIPS_MAX - 1) / RING_STRIPS_MAX;
	uint64_t rows = STRIP_BYTES / info->stride;

	rows = rows < least ? least : rows;
	rows = rows < 1 ? 1 : rows;
	rows = rows > info->height ? info->height : rows;
	return (struct frame_strips) { (uint32_t)rows,
		(uint32_t)((info->height + rows - 1) / rows) };
}

/* What was published last is what damage is relative to, and what writer->digests are of. */
static bool damage_is_usable(const struct ring_writer *writer, const struct frame_damage *damage,
        enum digest_algorithm algorithm)
{
	return damage && damage->base_sequence != 0 && damage->base_sequence <= writer->sequence &&
	       writer->digests_are_known && writer->algorithm == algorithm &&
	       frame_info_equal(&writer->digests_info, &writer->info);
}

/* Every slot lacks what changes now. damage: NULL when that may be anything */
static void note_damage(struct ring_writer *writer, const struct frame_damage *damage)
{
	for (uint32_t i = 0; i < writer->geometry.slot_count; i++) {
		struct slot_content *content = &writer->slots[i].content;

		content->is_known &= damage != NULL;
		for (uint32_t j = 0; content->is_known && j < damage->count; j++) {
			tile_set_add(&content->stale, &damage->rects[j]);
		}
	}
}

static void copy_stale_tiles(const struct ring_writer *writer, struct copier *copier,
        const struct tile_set *stale, uint8_t *payload, const uint8_t *pixels,
        const struct frame_strip *strip)
{
	const uint32_t columns = (writer->info.width + TILE_SIDE - 1) / TILE_SIDE;
	const uint32_t end_row = strip->first_row + strip->rows;

	for (uint32_t top = strip->first_row; top < end_row;
	        top = (top / TILE_SIDE + 1) * TILE_SIDE) {
		uint32_t bottom = (top / TILE_SIDE + 1) * TILE_SIDE;
		uint32_t end;

		bottom = bottom < end_row ? bottom : end_row;
		for (uint32_t at = 0; at < columns; at = end) {
			struct frame_rect part;
			uint32_t right;

			at = tile_set_next_run(stale, top / TILE_SIDE, columns, at, &end);
			if (at == columns) {
				break;
			}
			right = end * TILE_SIDE < writer->info.width ? end * TILE_SIDE
			                                             : writer->info.width;
			part = (struct frame_rect) {
				.x = (uint16_t)(at * TILE_SIDE),
				.y = (uint16_t)top,
				.width = (uint16_t)(right - at * TILE_SIDE),
				.height = (uint16_t)(bottom - top),
			};
			copier_patch(copier, payload, pixels, &writer->info, &part);
		}
	}
}

static bool damage_touches(const struct frame_damage *damage, const struct frame_strip *strip)
{
	struct frame_rect part;

	for (uint32_t i = 0; i < damage->count; i++) {
		if (frame_strip_clip(strip, &damage->rects[i], &part)) {
			return true;
		}
	}
	return false;
}

/* damage: NULL when all of the frame may have changed */
static void update_strip(struct ring_writer *writer, struct copier *copier,
        const struct frame_damage *damage, uint8_t *payload, const uint8_t *pixels, uint32_t i)
{
	const struct slot_content *content = &writer->slots[writer->current].content;
	const struct frame_strip strip = frame_strip_at(writer->strips, &writer->info, i);

	if (!content->is_known) {
		copier_copy(copier, copier->algorithm, payload + strip.offset,
		        pixels + strip.offset, strip.bytes, &writer->digests[i]);
		return;
	}
	if (tile_set_touches(&content->stale, strip.first_row, strip.rows)) {
		copy_stale_tiles(writer, copier, &content->stale, payload, pixels, &strip);
	}
	if (damage_touches(damage, &strip)) {
		copier_digest(copier, copier->algorithm, pixels + strip.offset, strip.bytes,
		        &writer->digests[i]);
	}
}

/*
 * Says what is about to be written, so that a reader may take each strip as soon as it is there.
 * The claim has no checksum yet: it is for reading ahead, and judged again once it is published.
 */
static void announce(struct ring_writer *writer, enum digest_algorithm algorithm)
{
	struct ring_descriptor *descriptor = ring_writer_descriptor(writer, writer->current);
	const uint64_t sequence = ring_writer_next_sequence(writer);
	const struct ring_claim claim = {
		.epoch = writer->epoch,
		.sequence = sequence,
		.fourcc = writer->info.fourcc,
		.width = writer->info.width,
		.height = writer->info.height,
		.stride = writer->info.stride,
		.data_size = frame_info_bytes(&writer->info),
		.digest_algorithm = algorithm,
		.strip_rows = writer->strips.rows,
		.strip_count = writer->strips.count,
	};

	shared_copy_in(descriptor->claim, &claim, RING_CLAIM_WORDS);
	shared_store_u64(&descriptor->progress, sequence << RING_PROGRESS_SHIFT);
	/* Pairs with the acquire of announced in ring_reader_read_early(). */
	shared_store_release_u64(&writer->identity->announced,
	        (sequence << RING_NAME_SHIFT) | (uint64_t)writer->current);
	ring_writer_wake_early(writer);
}

void ring_writer_copy(struct ring_writer *writer, struct copier *copier, const void *pixels,
        const struct frame_damage *damage)
{
	struct slot_content *content = &writer->slots[writer->current].content;
	struct ring_descriptor *descriptor = ring_writer_descriptor(writer, writer->current);
	shared_u64 *digests = ring_writer_digests(writer, writer->current);
	uint8_t *payload = ring_writer_payload(writer, writer->current);
	uint64_t sequence = ring_writer_next_sequence(writer);

	if (!damage_is_usable(writer, damage, copier->algorithm)) {
		damage = NULL;
		memset(writer->digests, 0, sizeof(writer->digests));
	}
	note_damage(writer, damage);
	if (!damage && copier->algorithm != DIGEST_NONE) {
		announce(writer, copier->algorithm);
	}
	for (uint32_t i = 0; i < writer->strips.count; i++) {
		update_strip(writer, copier, damage, payload, pixels, i);
		shared_copy_in(digests + (size_t)i * RING_DIGEST_SIZE / 8, &writer->digests[i],
		        RING_DIGEST_SIZE / 8);
		shared_store_release_u64(
		        &descriptor->progress, (sequence << RING_PROGRESS_SHIFT) | (i + 1));
	}
	copier_fence(copier);
	content->is_known = true;
	tile_set_clear(&content->stale);
	writer->algorithm = copier->algorithm;
	writer->digests_info = writer->info;
	writer->digests_are_known = true;
	writer->digests_sum = frame_digests_sum(writer->digests, writer->strips.count);
}
