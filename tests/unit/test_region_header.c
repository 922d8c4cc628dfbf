/* SPDX-License-Identifier: MIT */
/*
 * The identity page: geometry at its limits, and what a reader says of every kind of page.
 */
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define KIB64 UINT64_C(65536)

static const struct {
	uint32_t slots, stride, index;
	uint64_t capacity;
	bool good;
} geometry_cases[] = {
	{ 2, 1024, 64, KIB64, false },
	{ 3, 1024, 64, KIB64, true },
	{ 32, 1024, 64, KIB64, true },
	{ 33, 1024, 128, KIB64, false },
	{ 0, 1024, 64, KIB64, false },
	{ UINT32_MAX, 1024, 64, KIB64, false },
	{ 0x80000003u, 1024, 64, KIB64, false }, /* 6 when doubled in 32 bits */
	{ 4, 960, 64, KIB64, false },
	{ 4, 1023, 64, KIB64, false },
	{ 4, 1025, 64, KIB64, false },
	{ 4, 1056, 64, KIB64, false },
	{ 4, 1088, 64, KIB64, true },
	{ 4, 65472, 64, KIB64, true },
	{ 4, 65536, 64, KIB64, true },
	{ 4, 65600, 64, KIB64, false },
	{ 4, 0, 64, KIB64, false },
	{ 4, UINT32_MAX - 63, 64, KIB64, false },
	{ 4, 1024, 4, KIB64, false },
	{ 4, 1024, 7, KIB64, false },
	{ 4, 1024, 8, KIB64, true },
	{ 4, 1024, 9, KIB64, false },
	{ 4, 1024, 12, KIB64, false },
	{ 5, 1024, 8, KIB64, false },
	{ 5, 1024, 16, KIB64, true },
	{ 32, 1024, 32, KIB64, false },
	{ 4, 1024, 4095, KIB64, false },
	{ 4, 1024, 4096, KIB64, true },
	{ 4, 1024, 4097, KIB64, false },
	{ 4, 1024, 8192, KIB64, false },
	{ 4, 1024, 0, KIB64, false },
	{ 4, 1024, 0x80000000u, KIB64, false },
	{ 4, 1024, UINT32_MAX, KIB64, false },
	{ 4, 1024, 64, 0, false },
	{ 4, 1024, 64, KIB64 - 1, false },
	{ 4, 1024, 64, KIB64 + 1, false },
	{ 4, 1024, 64, 2 * KIB64, true },
	{ 4, 1024, 64, KIB64 + KIB64 / 2, false },
	{ 32, 1024, 64, (UINT64_C(1) << 40) - KIB64, true },
	{ 32, 1024, 64, UINT64_C(1) << 40, true },
	{ 32, 1024, 64, (UINT64_C(1) << 40) + KIB64, false },
	{ 4, 1024, 64, UINT64_C(1) << 62, false }, /* x 4 = 0 in 64 bits */
	{ 4, 1024, 64, UINT64_C(1) << 63, false },
	{ 32, 1024, 64, UINT64_C(1) << 59, false },
	{ 4, 1024, 64, UINT64_MAX - KIB64 + 1, false },
	{ 4, 1024, 64, UINT64_MAX, false },
};

/* Nothing overlaps, and everything is where readers compute it to be. */
static void assert_rooms_follow(const struct ring_geometry *geometry)
{
	assert_true(geometry->descriptors_base >=
	            RING_IDENTITY_SIZE + 8 * (uint64_t)geometry->index_length);
	assert_true(geometry->digests_base ==
	            geometry->descriptors_base +
	                    (uint64_t)geometry->slot_count * geometry->descriptor_stride);
	assert_true(geometry->payload_base >=
	            geometry->digests_base + geometry->slot_count * UINT64_C(4096));
	assert_int_equal(geometry->payload_base % RING_PAYLOAD_ALIGNMENT, 0);
	assert_true(geometry->end ==
	            geometry->payload_base + geometry->slot_count * geometry->slot_capacity);
}

static void geometry_has_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(geometry_cases) / sizeof(geometry_cases[0]); i++) {
		struct ring_geometry geometry = {
			.slot_count = geometry_cases[i].slots,
			.descriptor_stride = geometry_cases[i].stride,
			.index_length = geometry_cases[i].index,
			.slot_capacity = geometry_cases[i].capacity,
		};

		if (ring_geometry_complete(&geometry) != geometry_cases[i].good) {
			fail_msg("geometry case %zu", i);
		}
		if (geometry_cases[i].good) {
			assert_rooms_follow(&geometry);
		}
	}
}

static void slots_fill_what_there_is(void **state)
{
	(void)state;
	for (uint32_t slots = 2; slots <= 33; slots++) {
		for (uint64_t size = 0; size < 200 * KIB64; size += 13 * 4096) {
			struct ring_geometry geometry;
			bool fits = ring_geometry_fill(&geometry, slots, size, 0);

			if (slots < RING_SLOTS_MIN || slots > RING_SLOTS_MAX ||
			        size < (slots + 1) * KIB64) {
				assert_false(fits);
				continue;
			}
			if (fits) {
				assert_true(geometry.end <= size);
				assert_true(geometry.end + slots * KIB64 > size);
			} else {
				/* One more unit of 64 KiB for each slot would not have fitted. */
				assert_true(size < (slots + 4) * KIB64);
			}
		}
	}
}

/* A word for 8 KiB of payload, 64 at a time, within limits; no slot is larger than it could be. */
static void digests_grow_with_the_slots(void **state)
{
	static const struct {
		uint64_t capacity;
		uint32_t words;
	} cases[] = {
		{ KIB64, 512 },
		{ 72 * KIB64 - 1, 512 },
		{ 72 * KIB64, 576 },
		{ 127 * KIB64, 960 },
		{ 256 * KIB64 - 1, 1984 },
		{ 256 * KIB64, 2048 },
		{ 507 * KIB64, 2048 },
		{ UINT64_C(1) << 40, 2048 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ring_digest_words(cases[i].capacity), cases[i].words);
	}
	for (uint64_t size = 5 * KIB64; size < 5000 * KIB64; size += 4096 + size / 64) {
		struct ring_geometry geometry;
		uint64_t end;

		assert_true(ring_geometry_fill(&geometry, 4, size, 0));
		assert_true(geometry.end <= size);
		geometry.slot_capacity += KIB64;
		end = geometry.end;
		assert_true(ring_geometry_complete(&geometry));
		assert_true(geometry.end > size && geometry.end > end);
	}
}

static bool fill_beside_pointer(struct ring_geometry *geometry, uint32_t slots, uint64_t region)
{
	return ring_geometry_fill(geometry, slots, region - RING_FEEDBACK_SIZE,
	        ring_pointer_area_size(ring_shape_capacity_for(region)));
}

static void a_region_for_frames_holds_them(void **state)
{
	static const uint64_t sizes[] = { 1, 65536, 65537, 1920 * 1080 * 4, 3840 * 2160 * 4,
		UINT64_C(1) << 30 };

	(void)state;
	for (uint32_t slots = RING_SLOTS_MIN; slots <= RING_SLOTS_MAX; slots++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint64_t region = ring_region_size_for(slots, sizes[i]);
			struct ring_geometry geometry;

			assert_int_equal(region & (region - 1), 0);
			assert_true(fill_beside_pointer(&geometry, slots, region));
			assert_true(geometry.slot_capacity >= sizes[i]);
			if (region > (1 << 20) &&
			        fill_beside_pointer(&geometry, slots, region / 2)) {
				assert_true(geometry.slot_capacity < sizes[i]);
			}
		}
	}
	assert_int_equal(ring_region_size_for(4, 3840 * 2160 * 4), 128 << 20);
	assert_int_equal(ring_region_size_for(5, 3840 * 2160 * 4), 256 << 20);
	assert_int_equal(ring_region_size_for(4, 1920 * 1080 * 4), 32 << 20);
	assert_int_equal(ring_region_size_for(2, 65536), 0);
	assert_int_equal(ring_region_size_for(33, 65536), 0);
	assert_int_equal(ring_region_size_for(4, 0), 0);
	assert_int_equal(ring_region_size_for(4, UINT64_MAX), 0);
	assert_int_equal(ring_region_size_for(4, (UINT64_C(1) << 40) + 1), 0);
}

static int set_up(void **state)
{
	static struct stand stand;

	stand_set_up_plain(&stand, 4, false);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	stand_tear_down(*state);
	return 0;
}

static enum header_verdict look(const struct stand *stand, struct ring_header *header)
{
	return region_header_read((struct span) { stand->memory.bytes, STAND_REGION }, header);
}

static void mend_checksum(const struct stand *stand)
{
	uint32_t checksum = XXH32(stand->memory.bytes, 128, 0);

	memcpy(stand->memory.bytes + 128, &checksum, sizeof(checksum));
}

static void a_good_page_is_good(void **state)
{
	struct stand *stand = *state;
	struct ring_header header;

	assert_int_equal(look(stand, &header), HEADER_GOOD);
	assert_int_equal(header.epoch, STAND_EPOCH);
	assert_int_equal(header.region_size, STAND_REGION);
	assert_int_equal(header.major, RING_MAJOR);
	assert_int_equal(header.minor, RING_MINOR);
	assert_string_equal(header.version_text, "stand");
	assert_memory_equal(&header.geometry, &stand->writer.geometry, sizeof(header.geometry));
	assert_true(region_header_recognise(stand->memory.bytes, STAND_REGION));
}

/* A field of the page, set with the checksum mended: what is left is the judgement. */
struct page_case {
	size_t offset;
	unsigned bytes;
	uint64_t value;
	enum header_verdict verdict;
};

#define PAGE(field, value, verdict) \
	{ \
		offsetof(struct ring_identity, field), sizeof(((struct ring_identity *)0)->field), \
		        value, verdict \
	}

static const struct page_case page_cases[] = {
	PAGE(magic, 0, HEADER_NOT_READY),
	PAGE(magic, RING_MAGIC_H, HEADER_NOT_ORIEL),
	PAGE(magic, RING_MAGIC_G + 1, HEADER_NOT_ORIEL),
	PAGE(magic, UINT64_C(0x4f5249454c473031), HEADER_NOT_ORIEL), /* the other byte order */
	PAGE(epoch, 0, HEADER_NOT_READY),
	PAGE(epoch, 1, HEADER_GOOD),
	PAGE(epoch, UINT64_MAX, HEADER_GOOD),
	PAGE(version, 0x00020001, HEADER_GOOD), /* a later minor */
	PAGE(version, 0x0002ffff, HEADER_GOOD),
	PAGE(version, 0x00010000, HEADER_OTHER_VERSION),
	PAGE(version, 0x00030000, HEADER_OTHER_VERSION),
	PAGE(version, 0x00000000, HEADER_OTHER_VERSION),
	PAGE(version, 0xffffffff, HEADER_OTHER_VERSION),
	PAGE(identity_size, 4095, HEADER_IMPOSSIBLE),
	PAGE(identity_size, 4097, HEADER_IMPOSSIBLE),
	PAGE(identity_size, 0, HEADER_IMPOSSIBLE),
	PAGE(features_offered, UINT64_MAX, HEADER_GOOD),
	PAGE(features_required, RING_FEATURE_POINTER, HEADER_GOOD),
	PAGE(features_required, RING_FEATURES_KNOWN + 1, HEADER_NEEDS_FEATURES),
	PAGE(features_required, UINT64_C(1) << 63, HEADER_NEEDS_FEATURES),
	PAGE(slot_count, 2, HEADER_IMPOSSIBLE),
	PAGE(slot_count, 3, HEADER_GOOD),
	PAGE(slot_count, 5, HEADER_GOOD), /* the last payload ends with the region */
	PAGE(slot_count, 6, HEADER_IMPOSSIBLE),
	PAGE(slot_count, UINT32_MAX, HEADER_IMPOSSIBLE),
	PAGE(descriptor_stride, 1088, HEADER_GOOD),
	PAGE(descriptor_stride, 1025, HEADER_IMPOSSIBLE),
	PAGE(descriptor_stride, 65536, HEADER_IMPOSSIBLE), /* moves the payloads outside */
	PAGE(slot_capacity, 0, HEADER_IMPOSSIBLE),
	PAGE(slot_capacity, 3 * KIB64 + 1, HEADER_IMPOSSIBLE),
	PAGE(slot_capacity, 4 * KIB64, HEADER_IMPOSSIBLE),
	PAGE(slot_capacity, UINT64_C(1) << 62, HEADER_IMPOSSIBLE),
	PAGE(slot_capacity, UINT64_MAX, HEADER_IMPOSSIBLE),
	PAGE(region_size, 0, HEADER_IMPOSSIBLE),
	PAGE(region_size, KIB64 - 4096, HEADER_IMPOSSIBLE),
	PAGE(region_size, KIB64, HEADER_IMPOSSIBLE),
	PAGE(region_size, 13 * KIB64 - 4096, HEADER_IMPOSSIBLE),
	PAGE(region_size, 13 * KIB64, HEADER_GOOD), /* ends with the last payload */
	PAGE(region_size, STAND_REGION - 1, HEADER_IMPOSSIBLE),
	PAGE(region_size, STAND_REGION - 4096, HEADER_GOOD),
	PAGE(region_size, STAND_REGION + 1, HEADER_IMPOSSIBLE),
	PAGE(region_size, STAND_REGION + 4096, HEADER_TOO_LARGE),
	PAGE(region_size, 2 * STAND_REGION, HEADER_TOO_LARGE),
	PAGE(region_size, UINT64_MAX - 4095, HEADER_TOO_LARGE),
	PAGE(region_size, UINT64_MAX, HEADER_IMPOSSIBLE),
	PAGE(index_length, 8, HEADER_GOOD),
	PAGE(index_length, 63, HEADER_IMPOSSIBLE),
	PAGE(index_length, 4096, HEADER_GOOD),
	PAGE(index_length, 8192, HEADER_IMPOSSIBLE),
	PAGE(limits, 0x00020008, HEADER_GOOD),
	PAGE(limits, 0x00020009, HEADER_IMPOSSIBLE),
	PAGE(limits, 0x00030008, HEADER_IMPOSSIBLE),
	PAGE(limits, 0, HEADER_IMPOSSIBLE),
};

static void each_field_of_the_page_is_judged(void **state)
{
	struct stand *stand = *state;
	uint8_t page[RING_IDENTITY_SIZE];

	memcpy(page, stand->memory.bytes, sizeof(page));
	for (size_t i = 0; i < sizeof(page_cases) / sizeof(page_cases[0]); i++) {
		const struct page_case *c = &page_cases[i];
		struct ring_header header;
		enum header_verdict verdict;

		memcpy(stand->memory.bytes + c->offset, &c->value, c->bytes);
		mend_checksum(stand);
		verdict = look(stand, &header);
		if (verdict != c->verdict) {
			fail_msg("field at %zu = %#llx: %s", c->offset,
			        (unsigned long long)c->value, header_verdict_text(verdict));
		}
		memcpy(stand->memory.bytes, page, sizeof(page));
	}
}

static void every_flipped_bit_of_the_header_is_seen(void **state)
{
	struct stand *stand = *state;
	struct ring_header header;

	for (size_t bit = 64; bit < 8 * 132; bit++) {
		stand->memory.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(look(stand, &header), HEADER_DAMAGED);
		stand->memory.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(look(stand, &header), HEADER_GOOD);
}

static void a_mapping_may_be_larger_but_not_smaller(void **state)
{
	struct stand *stand = *state;
	struct span g = { stand->memory.bytes, STAND_REGION };
	struct ring_header header;

	g.size = STAND_REGION + 1;
	assert_int_equal(region_header_read(g, &header), HEADER_GOOD);
	g.size = STAND_REGION - 1;
	assert_int_equal(region_header_read(g, &header), HEADER_TOO_LARGE);
	assert_int_equal(header.region_size, STAND_REGION);
}

static void the_version_text_is_made_harmless(void **state)
{
	struct stand *stand = *state;
	struct ring_header header;

	memset(stand->memory.bytes + 64, 'x', 64);
	memcpy(stand->memory.bytes + 64, "a\033[2J\x7f\xff\x80\t~ b", 12);
	mend_checksum(stand);
	assert_int_equal(look(stand, &header), HEADER_GOOD);
	assert_int_equal(strlen(header.version_text), 64);
	assert_memory_equal(header.version_text, "a?[2J????~ bxxx", 15);
	/* Also of another version, which is shown just the same. */
	stand->memory.bytes[10] = 9;
	mend_checksum(stand);
	assert_int_equal(look(stand, &header), HEADER_OTHER_VERSION);
	assert_int_equal(header.major, 9);
	assert_memory_equal(header.version_text, "a?[2J????~ bxxx", 15);
}

static void a_long_version_text_is_cut(void **state)
{
	struct stand *stand = *state;
	struct ring_header header;
	char text[200];

	memset(text, 'v', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	region_header_format(stand_identity(stand), &stand->writer.geometry, 0, STAND_REGION, text);
	assert_int_equal(look(stand, &header), HEADER_GOOD);
	assert_int_equal(strlen(header.version_text), 63);
}

static void feedback_is_formatted_once(void **state)
{
	struct stand *stand = *state;
	struct ring_feedback_identity *feedback = (void *)stand->ring.h.bytes;
	uint8_t line[sizeof(*feedback)];

	assert_false(region_header_has_feedback(stand->ring.h));
	region_header_format_feedback(stand->ring.h);
	assert_true(region_header_has_feedback(stand->ring.h));
	assert_true(region_header_recognise(stand->memory.bytes, STAND_REGION));
	memcpy(line, feedback, sizeof(line));
	region_header_format_feedback(stand->ring.h);
	assert_memory_equal(line, feedback, sizeof(line));
	memset(stand->memory.bytes, 0, RING_IDENTITY_SIZE);
	assert_true(region_header_recognise(stand->memory.bytes, STAND_REGION));
	memset(feedback, 0, sizeof(line));
	assert_false(region_header_recognise(stand->memory.bytes, STAND_REGION));
}

static void epochs_and_texts(void **state)
{
	(void)state;
	assert_true(ring_random_epoch() != 0);
	assert_true(ring_random_epoch() != ring_random_epoch());
	for (unsigned i = 0; i <= HEADER_TOO_LARGE; i++) {
		assert_string_not_equal(header_verdict_text((enum header_verdict)i), "unknown");
	}
	assert_string_equal(header_verdict_text((enum header_verdict)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry_has_limits),
		cmocka_unit_test(slots_fill_what_there_is),
		cmocka_unit_test(digests_grow_with_the_slots),
		cmocka_unit_test(a_region_for_frames_holds_them),
		cmocka_unit_test_setup_teardown(a_good_page_is_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        each_field_of_the_page_is_judged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        every_flipped_bit_of_the_header_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        a_mapping_may_be_larger_but_not_smaller, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		        the_version_text_is_made_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_version_text_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(feedback_is_formatted_once, set_up, tear_down),
		cmocka_unit_test(epochs_and_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
