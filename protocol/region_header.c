/* SPDX-License-Identifier: MIT */
#include "region_header.h"
#include "pointer_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define HEADER_WORDS   17u /* bytes 0..135: the fields, the checksum, and its reserved neighbour */
#define HEADER_CHECKED 128u

#define SHAPE_SHARE 1024u /* of a region, one part is for each of the pointer's shapes */

/* Bytes 0..135 of struct ring_identity as one private copy; offsets as in layout.h. */
struct header_copy {
	uint64_t magic;
	uint32_t version;
	uint32_t identity_size;
	uint64_t features_offered;
	uint64_t features_required;
	uint32_t slot_count;
	uint32_t descriptor_stride;
	uint64_t slot_capacity;
	uint64_t region_size;
	uint32_t index_length;
	uint32_t limits;
	char version_text[64];
	uint32_t checksum;
	uint32_t reserved;
};

_Static_assert(sizeof(struct header_copy) == HEADER_WORDS * 8, "header copy");
_Static_assert(offsetof(struct header_copy, checksum) == HEADER_CHECKED, "header checksum");

const char *header_verdict_text(enum header_verdict verdict)
{
	switch (verdict) {
	case HEADER_GOOD:
		return "good";
	case HEADER_NOT_READY:
		return "no producer has formatted it yet";
	case HEADER_NOT_ORIEL:
		return "holds something that is not Oriel's";
	case HEADER_OTHER_VERSION:
		return "speaks another protocol version";
	case HEADER_NEEDS_FEATURES:
		return "requires features that this program lacks";
	case HEADER_DAMAGED:
		return "has a damaged header";
	case HEADER_IMPOSSIBLE:
		return "has a header whose numbers contradict each other";
	case HEADER_TOO_LARGE:
		return "says it is larger than what is mapped here";
	}
	return "unknown";
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

uint32_t ring_digest_words(uint64_t slot_capacity)
{
	uint64_t words = slot_capacity / RING_DIGEST_WORD_FOR / 64 * 64;

	words = words < RING_DIGEST_WORDS_MIN ? RING_DIGEST_WORDS_MIN : words;
	return (uint32_t)(words > RING_DIGEST_WORDS_MAX ? RING_DIGEST_WORDS_MAX : words);
}

bool ring_geometry_complete(struct ring_geometry *geometry)
{
	uint32_t length = geometry->index_length;

	if (geometry->slot_count < RING_SLOTS_MIN || geometry->slot_count > RING_SLOTS_MAX) {
		return false;
	}
	if (geometry->descriptor_stride < sizeof(struct ring_descriptor) ||
	        geometry->descriptor_stride > 65536 || geometry->descriptor_stride % 64) {
		return false;
	}
	if (length < 2 * geometry->slot_count || length > RING_INDEX_MAX ||
	        (length & (length - 1))) {
		return false;
	}
	if (geometry->slot_capacity == 0 || geometry->slot_capacity % RING_PAYLOAD_ALIGNMENT ||
	        geometry->slot_capacity > UINT64_C(1) << 40) {
		return false;
	}
	geometry->descriptors_base = RING_IDENTITY_SIZE + (uint64_t)length * 8;
	geometry->digests_base = geometry->descriptors_base +
	                         (uint64_t)geometry->slot_count * geometry->descriptor_stride;
	geometry->digest_words = ring_digest_words(geometry->slot_capacity);
	geometry->payload_base =
	        align_up(geometry->digests_base +
	                         (uint64_t)geometry->slot_count * geometry->digest_words * 8,
	                RING_PAYLOAD_ALIGNMENT);
	geometry->end = geometry->payload_base + geometry->slot_count * geometry->slot_capacity;
	return true;
}

static void geometry_choose(struct ring_geometry *geometry, uint32_t slot_count)
{
	memset(geometry, 0, sizeof(*geometry));
	geometry->slot_count = slot_count;
	geometry->descriptor_stride = sizeof(struct ring_descriptor);
	geometry->index_length = 64;
	geometry->slot_capacity = RING_PAYLOAD_ALIGNMENT;
}

bool ring_geometry_fill(
        struct ring_geometry *geometry, uint32_t slot_count, uint64_t g_size, uint64_t reserve)
{
	geometry_choose(geometry, slot_count);
	if (!ring_geometry_complete(geometry) || geometry->end + reserve > g_size) {
		return false;
	}
	geometry->slot_capacity = (g_size - reserve - geometry->payload_base) / slot_count /
	                          RING_PAYLOAD_ALIGNMENT * RING_PAYLOAD_ALIGNMENT;
	/* Larger slots have more digests, which may take the last bytes away from them. */
	while (ring_geometry_complete(geometry) && geometry->end + reserve > g_size) {
		geometry->slot_capacity -= RING_PAYLOAD_ALIGNMENT;
	}
	return ring_geometry_complete(geometry);
}

uint32_t ring_shape_capacity_for(uint64_t region_size)
{
	uint64_t capacity = region_size / SHAPE_SHARE / RING_SHAPE_ALIGNMENT * RING_SHAPE_ALIGNMENT;

	capacity = capacity < RING_SHAPE_CAPACITY_MIN ? RING_SHAPE_CAPACITY_MIN : capacity;
	return (uint32_t)(capacity > RING_SHAPE_CAPACITY_MAX ? RING_SHAPE_CAPACITY_MAX : capacity);
}

uint64_t ring_pointer_area_size(uint32_t shape_capacity)
{
	return shape_capacity ? RING_POINTER_SIZE + (uint64_t)RING_SHAPES * shape_capacity : 0;
}

uint64_t ring_region_size_for(uint32_t slot_count, uint64_t frame_bytes)
{
	struct ring_geometry geometry;
	uint64_t size = 1 << 20;

	geometry_choose(&geometry, slot_count);
	geometry.slot_capacity = align_up(frame_bytes, RING_PAYLOAD_ALIGNMENT);
	if (!ring_geometry_complete(&geometry)) {
		return 0;
	}
	while (size < geometry.end + ring_pointer_area_size(ring_shape_capacity_for(size)) +
	                      RING_FEEDBACK_SIZE) {
		size *= 2;
	}
	return size;
}

bool region_header_recognise(const uint8_t *bytes, size_t size)
{
	const struct ring_identity *identity = (const void *)bytes;
	const struct ring_feedback_identity *feedback =
	        (const void *)(bytes + size - RING_FEEDBACK_SIZE);

	return shared_load_u64(&identity->magic) == RING_MAGIC_G ||
	       shared_load_u64(&feedback->magic) == RING_MAGIC_H;
}

static void text_to_ascii(char *to, const char *untrusted)
{
	size_t i;

	for (i = 0; i < 64 && untrusted[i]; i++) {
		to[i] = untrusted[i] < 0x20 || untrusted[i] > 0x7e ? '?' : untrusted[i];
	}
	to[i] = '\0';
}

static enum header_verdict judge_copy(
        const struct header_copy *untrusted, size_t mapped, struct ring_header *header)
{
	struct ring_geometry *geometry = &header->geometry;

	header->major = (uint16_t)(untrusted->version >> 16);
	header->minor = (uint16_t)untrusted->version;
	text_to_ascii(header->version_text, untrusted->version_text);
	if (untrusted->checksum != XXH32(untrusted, HEADER_CHECKED, 0)) {
		return HEADER_DAMAGED;
	}
	if (header->major != RING_MAJOR) {
		return HEADER_OTHER_VERSION;
	}
	if (untrusted->features_required & ~RING_FEATURES_KNOWN) {
		return HEADER_NEEDS_FEATURES;
	}
	header->features_offered = untrusted->features_offered;
	header->region_size = untrusted->region_size;
	geometry->slot_count = untrusted->slot_count;
	geometry->descriptor_stride = untrusted->descriptor_stride;
	geometry->index_length = untrusted->index_length;
	geometry->slot_capacity = untrusted->slot_capacity;
	if (untrusted->identity_size != RING_IDENTITY_SIZE || !ring_geometry_complete(geometry) ||
	        untrusted->limits != ((RING_LEASES_MAX << 16) | RING_CONSUMERS_MAX) ||
	        header->region_size < RING_FEEDBACK_SIZE || header->region_size % 4096 ||
	        geometry->end > header->region_size) {
		return HEADER_IMPOSSIBLE;
	}
	return header->region_size > mapped ? HEADER_TOO_LARGE : HEADER_GOOD;
}

enum header_verdict region_header_read(struct span g, struct ring_header *header)
{
	const struct ring_identity *identity = (const void *)g.bytes;
	struct header_copy untrusted;
	enum header_verdict verdict;

	memset(header, 0, sizeof(*header));
	/* Pairs with the release in region_header_publish(). */
	header->epoch = shared_load_acquire_u64(&identity->epoch);
	shared_copy_out(&untrusted, &identity->magic, HEADER_WORDS);
	if (untrusted.magic == 0) {
		return HEADER_NOT_READY;
	}
	if (untrusted.magic != RING_MAGIC_G) {
		return HEADER_NOT_ORIEL;
	}
	verdict = judge_copy(&untrusted, g.size, header);
	if (verdict == HEADER_OTHER_VERSION) {
		return verdict;
	}
	shared_fence_acquire();
	if (header->epoch == 0 || shared_load_u64(&identity->epoch) != header->epoch) {
		return HEADER_NOT_READY;
	}
	return verdict;
}

void region_header_format(struct ring_identity *identity, const struct ring_geometry *geometry,
        uint64_t features, uint64_t region_size, const char *version_text)
{
	struct header_copy copy = {
		.magic = RING_MAGIC_G,
		.version = (RING_MAJOR << 16) | RING_MINOR,
		.identity_size = RING_IDENTITY_SIZE,
		.features_offered = features,
		.slot_count = geometry->slot_count,
		.descriptor_stride = geometry->descriptor_stride,
		.slot_capacity = geometry->slot_capacity,
		.region_size = region_size,
		.index_length = geometry->index_length,
		.limits = (RING_LEASES_MAX << 16) | RING_CONSUMERS_MAX,
	};

	snprintf(copy.version_text, sizeof(copy.version_text), "%s", version_text);
	copy.checksum = XXH32(&copy, HEADER_CHECKED, 0);
	shared_copy_in(&identity->magic, &copy, HEADER_WORDS);
}

void region_header_publish(struct ring_identity *identity, uint64_t epoch)
{
	/* Pairs with the acquire in region_header_read(). */
	shared_store_release_u64(&identity->epoch, epoch);
	shared_fence_release();
}

bool region_header_has_feedback(struct span h)
{
	const struct ring_feedback_identity *feedback = (const void *)h.bytes;

	return shared_load_u64(&feedback->magic) == RING_MAGIC_H;
}

void region_header_format_feedback(struct span h)
{
	struct ring_feedback_identity *feedback = (void *)h.bytes;

	if (region_header_has_feedback(h)) {
		return;
	}
	shared_store_u32(&feedback->version, (RING_MAJOR << 16) | RING_MINOR);
	shared_store_u32(&feedback->identity_size, RING_IDENTITY_SIZE);
	shared_store_u32(&feedback->block_count, RING_CONSUMERS_MAX);
	shared_store_u32(&feedback->block_stride, sizeof(struct ring_consumer_block));
	shared_store_release_u64(&feedback->magic, RING_MAGIC_H);
}

uint64_t ring_random_epoch(void)
{
	uint64_t epoch;

	do {
		arc4random_buf(&epoch, sizeof(epoch));
	} while (epoch == 0);
	return epoch;
}
