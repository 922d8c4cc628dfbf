/* SPDX-License-Identifier: MIT */
#include "frame_update.h"
#include "ring_reader.h"

/* Is what changed since the buffer's frame among the damage of this one? */
static bool content_is_usable(const struct ring_reader *reader, const void *pixels)
{
	const struct frame_content *content = &reader->content;
	const struct ring_claim *claim = &reader->claim;
	const struct frame_info info = frame_claim_info(claim);

	return reader->keeps_pixels && content->pixels == pixels &&
	       reader->damage.base_sequence != 0 &&
	       reader->damage.base_sequence <= content->sequence &&
	       frame_info_equal(&content->info, &info) &&
	       content->strips.rows == claim->strip_rows &&
	       content->algorithm == claim->digest_algorithm;
}

/* returns: whether any damage lies in the strip */
static bool copy_damage(const struct ring_reader *reader, struct copier *copier, uint8_t *pixels,
        const uint8_t *payload, const struct frame_strip *strip)
{
	const struct frame_info info = frame_claim_info(&reader->claim);
	struct frame_rect part;
	bool any = false;

	for (uint32_t i = 0; i < reader->damage.count; i++) {
		if (frame_strip_clip(strip, &reader->damage.rects[i], &part)) {
			if (!any) {
				copier_fence(copier);
			}
			copier_patch(copier, pixels, payload, &info, &part);
			any = true;
		}
	}
	return any;
}

void frame_update(struct ring_reader *reader, struct copier *copier, uint8_t *pixels)
{
	const struct ring_claim *claim = &reader->claim;
	const struct frame_info info = frame_claim_info(claim);
	const struct frame_strips strips = { claim->strip_rows, claim->strip_count };
	const uint8_t *payload = ring_reader_payload(reader, reader->slot);
	bool is_usable = content_is_usable(reader, pixels);

	/* Until it is accepted, the buffer holds parts of two frames. */
	reader->content.pixels = NULL;
	for (uint32_t i = 0; i < strips.count; i++) {
		const struct frame_strip strip = frame_strip_at(strips, &info, i);
		const struct digest *early = early_read_strip(reader, pixels, i);

		if (early) {
			reader->digests_seen[i] = *early;
			continue;
		}
		/* The one deliberate race: the slot may change while it is copied. Only the copy is
		 * digested and used, and recheck() finds out. */
		if (!is_usable) {
			copier_copy(copier, claim->digest_algorithm, pixels + strip.offset,
			        payload + strip.offset, strip.bytes, &reader->digests_seen[i]);
		} else if (copy_damage(reader, copier, pixels, payload, &strip)) {
			copier_digest(copier, claim->digest_algorithm, pixels + strip.offset,
			        strip.bytes, &reader->digests_seen[i]);
		}
	}
	copier_fence(copier);
}

void frame_update_accept(struct ring_reader *reader, const void *pixels)
{
	const struct ring_claim *claim = &reader->claim;

	reader->content = (struct frame_content) {
		.pixels = pixels,
		.sequence = claim->sequence,
		.info = frame_claim_info(claim),
		.strips = { claim->strip_rows, claim->strip_count },
		.algorithm = claim->digest_algorithm,
	};
}
