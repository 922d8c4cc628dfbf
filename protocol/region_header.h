/* SPDX-License-Identifier: MIT */
/*
 * The identity page: formats a region, or opens and checks one that somebody else formatted.
 *
 * Everything that a reader later computes with (slot count, strides, capacities) is copied out of
 * the page once, judged here, and kept privately; no offset in shared memory is ever followed.
 */
#ifndef ORIEL_REGION_HEADER_H
#define ORIEL_REGION_HEADER_H

#include "layout.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

/* Where things lie in G. The first four are chosen, the rest follows from them. */
struct ring_geometry {
	uint32_t slot_count;
	uint32_t descriptor_stride;
	uint32_t index_length;
	uint64_t slot_capacity; /* bytes */
	uint32_t digest_words;  /* of a slot */
	uint64_t descriptors_base;
	uint64_t digests_base;
	uint64_t payload_base;
	uint64_t end; /* first byte behind the last payload */
};

/* A judged copy of the identity page. */
struct ring_header {
	struct ring_geometry geometry;
	uint64_t epoch;
	uint64_t region_size; /* as the producer believes; H may be its last RING_FEEDBACK_SIZE */
	uint64_t features_offered;
	uint16_t major;
	uint16_t minor;
	char version_text[65]; /* printable ASCII */
};

enum header_verdict {
	HEADER_GOOD,
	HEADER_NOT_READY,      /* blank, or its producer is just starting */
	HEADER_NOT_ORIEL,      /* something else lies there */
	HEADER_OTHER_VERSION,  /* header->major, minor and version_text are set */
	HEADER_NEEDS_FEATURES, /* it requires what we do not know */
	HEADER_DAMAGED,        /* half-written, or flipped bits */
	HEADER_IMPOSSIBLE,     /* its numbers contradict each other */
	HEADER_TOO_LARGE,      /* for what we mapped: header->region_size is set */
};

/* One line for a person. */
const char *header_verdict_text(enum header_verdict verdict);

/* How many words of digests a slot of this capacity has: a multiple of 64. */
uint32_t ring_digest_words(uint64_t slot_capacity);

/*
 * Fills in everything that follows from slot_count, descriptor_stride, index_length and
 * slot_capacity. returns: false when one of them is out of its limits
 */
bool ring_geometry_complete(struct ring_geometry *geometry);

/*
 * The most capacity that slot_count slots can have in g_size bytes, of which reserve stay free
 * behind them. false: they do not fit.
 */
bool ring_geometry_fill(
        struct ring_geometry *geometry, uint32_t slot_count, uint64_t g_size, uint64_t reserve);

/* What suits a region of this size for each of the pointer's shapes: a thousandth, about. */
uint32_t ring_shape_capacity_for(uint64_t region_size);

/* What the pointer's channel takes behind the payloads; 0 for a capacity of 0: there is none. */
uint64_t ring_pointer_area_size(uint32_t shape_capacity);

/*
 * The smallest region (a power of two, H and the pointer's channel included) in which such frames
 * fit slot_count times.
 */
uint64_t ring_region_size_for(uint32_t slot_count, uint64_t frame_bytes);

/* Is there an Oriel header, of any version, of G or of H? For choosing among devices. */
bool region_header_recognise(const uint8_t *bytes, size_t size);

/*
 * Copies the page once and judges the copy.
 * g:     the mapping, from the first byte of G; may be larger than the region
 * order: the load of the epoch pairs with the release of the epoch in region_header_publish()
 */
enum header_verdict region_header_read(struct span g, struct ring_header *header);

/* Writes everything but the epoch. epoch must be 0 in memory. features: RING_FEATURE_* offered */
void region_header_format(struct ring_identity *identity, const struct ring_geometry *geometry,
        uint64_t features, uint64_t region_size, const char *version_text);

/* Makes the page valid: the checksum first, the epoch last (release). */
void region_header_publish(struct ring_identity *identity, uint64_t epoch);

/* Writes H's constant first line where it is missing; every writer writes the same bytes. */
void region_header_format_feedback(struct span h);
bool region_header_has_feedback(struct span h);

/* A fresh random number that is not 0, for epochs. */
uint64_t ring_random_epoch(void);

#endif
