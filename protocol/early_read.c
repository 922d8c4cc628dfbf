/* SPDX-License-Identifier: MIT */
#include "early_read.h"
#include "ring_reader.h"

#include <string.h>

/* Is the frame of this name one that would be claimed next? */
static bool is_wanted(const struct ring_reader *reader, uint64_t untrusted_name)
{
	uint64_t sequence = untrusted_name >> RING_NAME_SHIFT;

	if (untrusted_name == reader->early.looked || reader->quarantined ||
	        (untrusted_name & RING_NAME_SLOT_MASK) >= reader->geometry.slot_count) {
		return false;
	}
	return reader->mode == READER_LOSSLESS ? reader->admitted && sequence == reader->last + 1
	                                       : sequence > reader->last;
}

/* Strips of the begun frame that are finished, as far as its producer says. */
static uint32_t strips_finished(const struct ring_reader *reader)
{
	const struct early_read *early = &reader->early;
	uint64_t untrusted_progress =
	        shared_load_acquire_u64(&ring_reader_descriptor(reader, early->slot)->progress);
	uint64_t finished = untrusted_progress & RING_PROGRESS_STRIPS_MASK;

	if (untrusted_progress >> RING_PROGRESS_SHIFT != early->sequence) {
		return 0;
	}
	return finished < early->grid.strips ? (uint32_t)finished : early->grid.strips;
}

static bool is_begun(const struct ring_reader *reader)
{
	return reader->early.sequence > reader->last;
}

bool early_read_has_news(const struct ring_reader *reader)
{
	if (!reader->reads_early) {
		return false;
	}
	return is_wanted(reader, shared_load_u64(&reader->identity->announced)) ||
	       (is_begun(reader) && strips_finished(reader) > reader->early.done);
}

/* Judges what is announced. It is begun with if it is a whole frame that can be proved later. */
static void begin(struct ring_reader *reader, uint64_t untrusted_name, uint8_t *pixels)
{
	struct early_read *early = &reader->early;
	const uint64_t sequence = untrusted_name >> RING_NAME_SHIFT;
	const uint32_t slot = (uint32_t)(untrusted_name & RING_NAME_SLOT_MASK);
	struct ring_claim untrusted;

	early->looked = untrusted_name;
	early->sequence = 0;
	shared_copy_out(&untrusted, ring_reader_descriptor(reader, slot)->claim, RING_CLAIM_WORDS);
	if (frame_check_claim(&untrusted, reader->epoch, sequence,
	            reader->geometry.slot_capacity) != FRAME_FITS ||
	        untrusted.base_sequence != 0 || untrusted.digest_algorithm == DIGEST_NONE) {
		return;
	}
	early->sequence = sequence;
	early->slot = slot;
	early->pixels = pixels;
	early->info = frame_claim_info(&untrusted);
	early->grid = frame_claim_grid(&untrusted);
	early->algorithm = untrusted.digest_algorithm;
	early->done = 0;
}

enum early_result ring_reader_read_early(
        struct ring_reader *reader, struct copier *copier, uint8_t *pixels)
{
	struct early_read *early = &reader->early;
	const uint8_t *payload;
	uint64_t untrusted_name;
	uint32_t finished;

	if (!reader->reads_early) {
		return EARLY_NONE;
	}
	/* Pairs with the release of announced in announce(). */
	untrusted_name = shared_load_acquire_u64(&reader->identity->announced);
	if (is_wanted(reader, untrusted_name)) {
		begin(reader, untrusted_name, pixels);
	}
	if (!is_begun(reader) || early->pixels != pixels) {
		return EARLY_NONE;
	}
	/* Pairs with the release of progress in ring_writer_copy(). */
	finished = strips_finished(reader);
	if (finished <= early->done) {
		return EARLY_WAITING;
	}
	reader->content.pixels = NULL;
	payload = ring_reader_payload(reader, early->slot);
	copier_fence(copier);
	for (; early->done < finished; early->done++) {
		size_t offset;
		const struct copy_band band = frame_grid_band(
		        &early->grid, &early->info, early->done, 0, early->grid.columns, &offset);

		/* The same deliberate race as in frame_update(): only the copy's digest counts. */
		copier_copy_band(copier, early->algorithm, pixels + offset, payload + offset, &band,
		        early->digests +
		                frame_grid_word(&early->grid, early->algorithm, early->done, 0));
	}
	copier_fence(copier);
	return EARLY_COPIED;
}

uint32_t early_read_strips(const struct ring_reader *reader, const void *pixels)
{
	const struct early_read *early = &reader->early;
	const struct ring_claim *claim = &reader->claim;
	const struct frame_info info = frame_claim_info(claim);
	const struct frame_grid grid = frame_claim_grid(claim);
	bool is_it = early->sequence == claim->sequence && early->pixels == pixels &&
	             early->algorithm == claim->digest_algorithm &&
	             frame_info_equal(&early->info, &info) && frame_grid_equal(&early->grid, &grid);

	return is_it ? early->done : 0;
}

bool early_read_strip(const struct ring_reader *reader, uint32_t strip)
{
	const struct early_read *early = &reader->early;
	const uint32_t word = frame_grid_word(&early->grid, early->algorithm, strip, 0);
	const uint32_t words = frame_grid_word(&early->grid, early->algorithm, 1, 0);

	return memcmp(early->digests + word, reader->digests + word, words * sizeof(uint64_t)) == 0;
}
