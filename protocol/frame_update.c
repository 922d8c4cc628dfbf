/* SPDX-License-Identifier: MIT */
#include "frame_update.h"
#include "ring_reader.h"

#include <string.h>

/* Is what changed since the buffer's frame among the damage of this one? */
static bool content_is_usable(const struct ring_reader *reader, const void *pixels)
{
	const struct frame_content *content = &reader->content;
	const struct ring_claim *claim = &reader->claim;
	const struct frame_info info = frame_claim_info(claim);
	const struct frame_grid grid = frame_claim_grid(claim);

	return reader->keeps_pixels && content->pixels == pixels &&
	       reader->damage.base_sequence != 0 &&
	       reader->damage.base_sequence <= content->sequence &&
	       frame_info_equal(&content->info, &info) && frame_grid_equal(&content->grid, &grid) &&
	       content->algorithm == claim->digest_algorithm;
}

/* The claimed frame on its way out of its slot. */
struct update_job {
	struct copier *copier;
	uint8_t *pixels;
	const uint8_t *payload;
	struct frame_info info;
	struct frame_grid grid;
	struct tile_marks changed; /* since the frame that pixels hold */
	bool is_partial;           /* false: all of it may have */
	uint32_t early;            /* strips that may be there already */
};

/*
 * The one deliberate race: the slot may change while it is copied. Only the copy is digested and
 * used, and recheck() finds out.
 */
static void copy_tiles(struct ring_reader *reader, const struct update_job *job, uint32_t strip,
        uint32_t first, uint32_t end)
{
	const enum digest_algorithm algorithm = reader->claim.digest_algorithm;
	const uint32_t word = frame_grid_word(&job->grid, algorithm, strip, first);
	size_t offset;
	const struct copy_band band =
	        frame_grid_band(&job->grid, &job->info, strip, first, end, &offset);

	copier_copy_band(job->copier, algorithm, job->pixels + offset, job->payload + offset, &band,
	        reader->digests_seen + word);
}

static void copy_strip(struct ring_reader *reader, const struct update_job *job, uint32_t strip)
{
	uint32_t end = 0;
	uint32_t at;

	if (!job->is_partial) {
		copy_tiles(reader, job, strip, 0, job->grid.columns);
		return;
	}
	while ((at = tile_marks_next_run(&job->changed, &job->grid, strip, end, &end)) <
	        job->grid.columns) {
		copy_tiles(reader, job, strip, at, end);
	}
}

void frame_update(struct ring_reader *reader, struct copier *copier, uint8_t *pixels)
{
	const struct ring_claim *claim = &reader->claim;
	struct update_job job = {
		.copier = copier,
		.pixels = pixels,
		.payload = ring_reader_payload(reader, reader->slot),
		.info = frame_claim_info(claim),
		.grid = frame_claim_grid(claim),
		.is_partial = content_is_usable(reader, pixels),
		.early = early_read_strips(reader, pixels),
	};
	const uint32_t words = frame_grid_word(&job.grid, claim->digest_algorithm, 1, 0);

	for (uint32_t i = 0; job.is_partial && i < reader->damage.count; i++) {
		tile_marks_add(&job.changed, &job.grid, &reader->damage.rects[i]);
	}
	/* Until it is accepted, the buffer holds parts of two frames, and nothing that was taken
	 * ahead of a third. */
	reader->content.pixels = NULL;
	reader->early.done = job.early;
	copier_fence(copier);
	for (uint32_t i = 0; i < job.grid.strips; i++) {
		if (i < job.early && early_read_strip(reader, i)) {
			memcpy(reader->digests_seen + (size_t)i * words,
			        reader->digests + (size_t)i * words, words * sizeof(uint64_t));
		} else {
			copy_strip(reader, &job, i);
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
		.grid = frame_claim_grid(claim),
		.algorithm = claim->digest_algorithm,
	};
}
