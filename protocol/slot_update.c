/* SPDX-License-Identifier: MIT */
#include "slot_update.h"
#include "ring_wake.h"

#include <string.h>

/* What was published last is what damage is relative to, and what writer->digests are of. */
static bool damage_is_usable(const struct ring_writer *writer, const struct frame_damage *damage,
        enum digest_algorithm algorithm)
{
	return damage && damage->base_sequence != 0 && damage->base_sequence <= writer->sequence &&
	       writer->digests_are_known && writer->algorithm == algorithm &&
	       frame_info_equal(&writer->digests_info, &writer->info);
}

/* Every slot lacks what changes now. changed: NULL when that may be anything */
static void note_change(struct ring_writer *writer, const struct tile_marks *changed)
{
	for (uint32_t i = 0; i < writer->geometry.slot_count; i++) {
		struct slot_content *content = &writer->slots[i].content;

		content->is_known &= changed != NULL;
		if (content->is_known) {
			tile_marks_join(&content->stale, changed);
		}
	}
}

/* A frame on its way into its slot. */
struct slot_job {
	struct copier *copier;
	const uint8_t *pixels;
	uint8_t *payload;
	shared_u64 *digests;
	const struct tile_marks *changed; /* NULL: the slot needs all of it */
};

/* Tiles side by side, and their digests: those that did not change have theirs already. */
static void update_tiles(struct ring_writer *writer, const struct slot_job *job, uint32_t strip,
        uint32_t first, uint32_t end, bool is_changed)
{
	const enum digest_algorithm algorithm = job->copier->algorithm;
	const uint32_t word = frame_grid_word(&writer->grid, algorithm, strip, first);
	const uint32_t words = frame_grid_word(&writer->grid, algorithm, strip, end) - word;
	size_t offset;
	const struct copy_band band =
	        frame_grid_band(&writer->grid, &writer->info, strip, first, end, &offset);

	copier_copy_band(job->copier, is_changed ? algorithm : DIGEST_NONE, job->payload + offset,
	        job->pixels + offset, &band, &writer->digests[word]);
	shared_copy_in(job->digests + word, &writer->digests[word], words);
}

static void update_strip(struct ring_writer *writer, const struct slot_job *job, uint32_t strip)
{
	const struct tile_marks *stale = &writer->slots[writer->current].content.stale;
	const uint32_t columns = writer->grid.columns;
	uint32_t end = 0;
	uint32_t at;

	if (!job->changed) {
		update_tiles(writer, job, strip, 0, columns, true);
		return;
	}
	while ((at = tile_marks_next_run(job->changed, &writer->grid, strip, end, &end)) <
	        columns) {
		update_tiles(writer, job, strip, at, end, true);
	}
	for (end = 0;
	        (at = tile_marks_next_run(stale, &writer->grid, strip, end, &end)) < columns;) {
		update_tiles(writer, job, strip, at, end, false);
	}
}

/*
 * Says what is about to be written, so that a reader may take each strip as soon as it is there.
 * The claim has no checksum yet: it is for reading ahead, and judged again once it is published.
 */
static void announce(struct ring_writer *writer)
{
	struct ring_descriptor *descriptor = ring_writer_descriptor(writer, writer->current);
	const uint64_t sequence = ring_writer_next_sequence(writer);
	const struct ring_claim claim = ring_writer_claim(writer);

	shared_copy_in(descriptor->claim, &claim, RING_CLAIM_WORDS);
	shared_store_u64(&descriptor->progress, sequence << RING_PROGRESS_SHIFT);
	/* Pairs with the acquire of announced in ring_reader_read_early(). */
	shared_store_release_u64(&writer->identity->announced,
	        (sequence << RING_NAME_SHIFT) | (uint64_t)writer->current);
	ring_writer_wake_early(writer);
}

/* Strip by strip; each is finished before it is said to be. */
static void update_slot(struct ring_writer *writer, const struct slot_job *job)
{
	struct ring_descriptor *descriptor = ring_writer_descriptor(writer, writer->current);
	const uint64_t sequence = ring_writer_next_sequence(writer);

	copier_fence(job->copier);
	for (uint32_t i = 0; i < writer->grid.strips; i++) {
		update_strip(writer, job, i);
		shared_store_release_u64(
		        &descriptor->progress, (sequence << RING_PROGRESS_SHIFT) | (i + 1));
	}
	copier_fence(job->copier);
}

void ring_writer_copy(struct ring_writer *writer, struct copier *copier, const void *pixels,
        const struct frame_damage *damage)
{
	struct slot_content *content = &writer->slots[writer->current].content;
	struct tile_marks changed = { 0 };
	struct slot_job job = {
		.copier = copier,
		.pixels = pixels,
		.payload = ring_writer_payload(writer, writer->current),
		.digests = ring_writer_digests(writer, writer->current),
	};
	bool is_damage = damage_is_usable(writer, damage, copier->algorithm);

	writer->algorithm = copier->algorithm;
	writer->grid =
	        frame_grid_choose(&writer->info, copier->algorithm, writer->geometry.digest_words);
	if (is_damage) {
		for (uint32_t i = 0; i < damage->count; i++) {
			tile_marks_add(&changed, &writer->grid, &damage->rects[i]);
		}
	} else {
		memset(writer->digests, 0, sizeof(writer->digests));
	}
	note_change(writer, is_damage ? &changed : NULL);
	if (!is_damage && copier->algorithm != DIGEST_NONE) {
		announce(writer);
	}
	if (content->is_known) {
		tile_marks_remove(&content->stale, &changed);
		job.changed = &changed;
	}
	update_slot(writer, &job);
	*content = (struct slot_content) { .is_known = true };
	writer->digests_info = writer->info;
	writer->digests_are_known = true;
	writer->digests_sum = frame_digests_sum(
	        writer->digests, frame_grid_words(&writer->grid, copier->algorithm));
}
