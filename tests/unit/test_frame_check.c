/* SPDX-License-Identifier: MIT */
/*
 * Every rule of frame_check.c one below, at and one above its limit, and pairs whose product does
 * not fit into 32 or 64 bits.
 */
#include "copy_digest.h"
#include "frame_check.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define EPOCH    UINT64_C(77)
#define SEQUENCE UINT64_C(1000)
#define MIB64    (UINT64_C(1) << 20)
#define ANY_SIZE (UINT64_C(1) << 40)

struct info_case {
	uint32_t fourcc, width, height, stride;
	uint64_t capacity;
	enum frame_fault fault;
};

static const struct info_case info_cases[] = {
	/* formats */
	{ STAND_XRGB, 1, 1, 4, ANY_SIZE, FRAME_FITS },
	{ STAND_ARGB, 1, 1, 4, ANY_SIZE, FRAME_FITS },
	{ STAND_RGB565, 1, 1, 4, ANY_SIZE, FRAME_FITS },
	{ STAND_RGB888, 1, 1, 4, ANY_SIZE, FRAME_FITS },
	{ 0, 1, 1, 4, ANY_SIZE, FRAME_UNKNOWN_FORMAT },
	{ UINT32_MAX, 1, 1, 4, ANY_SIZE, FRAME_UNKNOWN_FORMAT },
	{ STAND_XRGB + 1, 1, 1, 4, ANY_SIZE, FRAME_UNKNOWN_FORMAT },
	{ STAND_XRGB - 1, 1, 1, 4, ANY_SIZE, FRAME_UNKNOWN_FORMAT },
	{ STAND_XRGB | 0x80000000u, 1, 1, 4, ANY_SIZE, FRAME_UNKNOWN_FORMAT }, /* big-endian */
	{ 0x3231564eu, 2, 2, 4, ANY_SIZE, FRAME_UNKNOWN_FORMAT },              /* NV12 */
	/* width */
	{ STAND_XRGB, 0, 1, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 0, 1, 0, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 16383, 1, 65536, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 16384, 1, 65536, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 16385, 1, 65540, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 65536, 1, 262144, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 0x40000000u, 1, 4, ANY_SIZE, FRAME_BAD_SIZE }, /* x 4 = 2^32 */
	{ STAND_XRGB, 0x40000001u, 1, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 0x80000000u, 1, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, UINT32_MAX, 1, 4, ANY_SIZE, FRAME_BAD_SIZE },
	/* height */
	{ STAND_XRGB, 1, 0, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 1, 16383, 4, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 1, 16384, 4, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 1, 16385, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 1, 0x40000000u, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 1, 0x80000000u, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, 1, UINT32_MAX, 4, ANY_SIZE, FRAME_BAD_SIZE },
	{ STAND_XRGB, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX, FRAME_BAD_SIZE },
	/* stride: a row, a multiple of 4 */
	{ STAND_XRGB, 100, 1, 399, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 100, 1, 396, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 100, 1, 400, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 100, 1, 401, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 100, 1, 402, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 100, 1, 403, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 100, 1, 404, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 100, 1, 0, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 16384, 1, 65532, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB888, 1, 1, 0, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB888, 3, 1, 8, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB888, 3, 1, 9, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB888, 3, 1, 12, ANY_SIZE, FRAME_FITS },
	{ STAND_RGB888, 4, 1, 12, ANY_SIZE, FRAME_FITS },
	{ STAND_RGB888, 5, 1, 12, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB565, 3, 1, 4, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB565, 3, 1, 6, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_RGB565, 3, 1, 8, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 1, 1, 0xfffffffcu, ANY_SIZE, FRAME_FITS },
	{ STAND_XRGB, 1, 1, 0xfffffffdu, ANY_SIZE, FRAME_BAD_STRIDE },
	{ STAND_XRGB, 1, 1, UINT32_MAX, ANY_SIZE, FRAME_BAD_STRIDE },
	/* capacity */
	{ STAND_XRGB, 16, 16, 64, 1023, FRAME_OVER_CAPACITY },
	{ STAND_XRGB, 16, 16, 64, 1024, FRAME_FITS },
	{ STAND_XRGB, 16, 16, 64, 1025, FRAME_FITS },
	{ STAND_XRGB, 16, 16, 64, 0, FRAME_OVER_CAPACITY },
	{ STAND_XRGB, 16384, 16384, 65536, 1024 * MIB64 - 1, FRAME_OVER_CAPACITY },
	{ STAND_XRGB, 16384, 16384, 65536, 1024 * MIB64, FRAME_FITS },
	{ STAND_XRGB, 1, 16384, 0x40000, 4096 * MIB64 - 1, FRAME_OVER_CAPACITY }, /* 2^32 */
	{ STAND_XRGB, 1, 16384, 0x40000, 4096 * MIB64, FRAME_FITS },
	{ STAND_XRGB, 1, 16384, 0x40000, 0, FRAME_OVER_CAPACITY },
	{ STAND_XRGB, 1, 16384, 0x40004, 65536, FRAME_OVER_CAPACITY }, /* 65536 in 32 bits */
	{ STAND_XRGB, 1, 4, 0x40000004u, 16, FRAME_OVER_CAPACITY },    /* 16 in 32 bits */
	{ STAND_XRGB, 1, 2, 0x80000000u, 0, FRAME_OVER_CAPACITY },
	{ STAND_XRGB, 1, 16384, 0xfffffffcu, MIB64, FRAME_OVER_CAPACITY },
	{ STAND_XRGB, 1, 16384, 0xfffffffcu, UINT64_MAX, FRAME_FITS },
};

static void a_frame_fits_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(info_cases) / sizeof(info_cases[0]); i++) {
		const struct info_case *c = &info_cases[i];
		const struct frame_info info = { c->fourcc, c->width, c->height, c->stride };
		enum frame_fault fault = frame_check_info(&info, c->capacity);

		if (fault != c->fault) {
			fail_msg("info case %zu: %s", i, frame_fault_text(fault));
		}
	}
}

/* The same geometries as claims: a claim may not be easier to get past than a frame. */
static void a_claim_is_judged_as_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(info_cases) / sizeof(info_cases[0]); i++) {
		const struct info_case *c = &info_cases[i];
		const struct ring_claim claim = {
			.epoch = EPOCH,
			.sequence = SEQUENCE,
			.fourcc = c->fourcc,
			.width = c->width,
			.height = c->height,
			.stride = c->stride,
			.data_size = (uint64_t)c->stride * c->height,
			.digest_algorithm = DIGEST_XXH64,
			.strip_rows = 16384,
			.strip_count = 1,
			.tile_width = 16384,
		};

		if (frame_check_claim(&claim, EPOCH, SEQUENCE, c->capacity) != c->fault) {
			fail_msg("claim case %zu", i);
		}
	}
}

/* One field of a good claim (100 x 50, stride 400, 5 strips of 10, each 2 tiles of 50) is set to a
 * value. */
struct claim_case {
	size_t offset;
	unsigned bytes;
	uint64_t value;
	enum frame_fault fault;
};

#define SET(field, value, fault) \
	{ \
		offsetof(struct ring_claim, field), sizeof(((struct ring_claim *)0)->field), \
		        value, fault \
	}

static const struct claim_case claim_cases[] = {
	SET(epoch, EPOCH, FRAME_FITS),
	SET(epoch, EPOCH - 1, FRAME_OTHER_EPOCH),
	SET(epoch, EPOCH + 1, FRAME_OTHER_EPOCH),
	SET(epoch, 0, FRAME_OTHER_EPOCH),
	SET(epoch, EPOCH | UINT64_C(1) << 63, FRAME_OTHER_EPOCH),
	SET(epoch, EPOCH | UINT64_C(1) << 32, FRAME_OTHER_EPOCH),
	SET(sequence, SEQUENCE - 1, FRAME_OTHER_SEQUENCE),
	SET(sequence, SEQUENCE + 1, FRAME_OTHER_SEQUENCE),
	SET(sequence, 0, FRAME_OTHER_SEQUENCE),
	SET(sequence, SEQUENCE | UINT64_C(1) << 56, FRAME_OTHER_SEQUENCE),
	SET(sequence, SEQUENCE | UINT64_C(1) << 62, FRAME_OTHER_SEQUENCE),
	SET(data_size, 20000, FRAME_FITS),
	SET(data_size, 19999, FRAME_BAD_LENGTH),
	SET(data_size, 20001, FRAME_BAD_LENGTH),
	SET(data_size, 0, FRAME_BAD_LENGTH),
	SET(data_size, UINT64_MAX, FRAME_BAD_LENGTH),
	SET(data_size, 20000 + (UINT64_C(1) << 32), FRAME_BAD_LENGTH),
	SET(height, 49, FRAME_BAD_LENGTH),
	SET(height, 51, FRAME_BAD_LENGTH),
	SET(stride, 404, FRAME_BAD_LENGTH),
	SET(digest_algorithm, DIGEST_NONE, FRAME_FITS),
	SET(digest_algorithm, DIGEST_XXH3, FRAME_FITS),
	SET(digest_algorithm, DIGEST_SHA256, FRAME_FITS),
	SET(digest_algorithm, DIGEST_SHA256 + 1, FRAME_UNKNOWN_DIGEST),
	SET(digest_algorithm, 0x80000000u, FRAME_UNKNOWN_DIGEST),
	SET(digest_algorithm, UINT32_MAX, FRAME_UNKNOWN_DIGEST),
	SET(strip_rows, 0, FRAME_BAD_TILES),
	SET(strip_rows, 9, FRAME_BAD_TILES),
	SET(strip_rows, 10, FRAME_FITS),
	SET(strip_rows, 11, FRAME_FITS),
	SET(strip_rows, 12, FRAME_FITS),
	SET(strip_rows, 13, FRAME_BAD_TILES),
	SET(strip_rows, UINT32_MAX, FRAME_BAD_TILES),
	SET(strip_count, 0, FRAME_BAD_TILES),
	SET(strip_count, 4, FRAME_BAD_TILES),
	SET(strip_count, 6, FRAME_BAD_TILES),
	SET(strip_count, 128, FRAME_BAD_TILES),
	SET(strip_count, UINT32_MAX, FRAME_BAD_TILES),
	SET(tile_width, 0, FRAME_BAD_TILES),
	SET(tile_width, 1, FRAME_BAD_TILES), /* 100 tiles side by side */
	SET(tile_width, 2, FRAME_FITS),
	SET(tile_width, 99, FRAME_FITS),
	SET(tile_width, 16384, FRAME_FITS),
	SET(tile_width, 16385, FRAME_BAD_TILES),
	SET(tile_width, UINT32_MAX, FRAME_BAD_TILES),
	SET(damage_count, 0, FRAME_FITS),
	SET(damage_count, 63, FRAME_FITS),
	SET(damage_count, 64, FRAME_FITS),
	SET(damage_count, 65, FRAME_BAD_DAMAGE),
	SET(damage_count, 0x80000000u, FRAME_BAD_DAMAGE),
	SET(damage_count, UINT32_MAX, FRAME_BAD_DAMAGE),
	/* Times are shown, never judged. */
	SET(due_ns, UINT64_MAX, FRAME_FITS),
	SET(captured_ns, UINT64_MAX, FRAME_FITS),
	SET(published_ns, 0, FRAME_FITS),
	SET(base_sequence, UINT64_MAX, FRAME_FITS),
};

static struct ring_claim good_claim(void)
{
	return (struct ring_claim) {
		.epoch = EPOCH,
		.sequence = SEQUENCE,
		.fourcc = STAND_XRGB,
		.width = 100,
		.height = 50,
		.stride = 400,
		.data_size = 20000,
		.digest_algorithm = DIGEST_XXH64,
		.strip_rows = 10,
		.strip_count = 5,
		.tile_width = 50,
	};
}

static void each_field_of_a_claim_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(claim_cases) / sizeof(claim_cases[0]); i++) {
		const struct claim_case *c = &claim_cases[i];
		struct ring_claim claim = good_claim();
		enum frame_fault fault;

		memcpy((char *)&claim + c->offset, &c->value, c->bytes);
		fault = frame_check_claim(&claim, EPOCH, SEQUENCE, MIB64);
		if (fault != c->fault) {
			fail_msg("field at %zu = %#llx: %s", c->offset,
			        (unsigned long long)c->value, frame_fault_text(fault));
		}
	}
}

static void strips_cover_the_height_or_not(void **state)
{
	static const struct {
		uint32_t height, rows, count;
		bool covers;
	} cases[] = {
		{ 1, 1, 1, true },
		{ 1, 16384, 1, true },
		{ 1, 16385, 1, false },
		{ 1, 1, 2, false },
		{ 255, 1, 255, true },
		{ 256, 1, 256, false },
		{ 256, 1, 255, false },
		{ 256, 2, 128, true },
		{ 16384, 128, 128, true },
		{ 16384, 64, 256, false },
		{ 16384, 65, 253, true },
		{ 16384, 127, 128, false },
		{ 16384, 129, 128, true },
		{ 16384, 129, 127, false },
		{ 16384, 16384, 1, true },
		{ 16384, 16383, 2, true },
		{ 16384, 16383, 1, false },
		{ 16384, 0xffffff80u, 1, false },
		{ 16384, 0x80000000u, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ring_claim claim = good_claim();

		claim.height = cases[i].height;
		claim.data_size = (uint64_t)claim.stride * claim.height;
		claim.strip_rows = cases[i].rows;
		claim.strip_count = cases[i].count;
		if ((frame_check_claim(&claim, EPOCH, SEQUENCE, ANY_SIZE) == FRAME_FITS) !=
		        cases[i].covers) {
			fail_msg("%u rows in %u strips of %u", cases[i].height, cases[i].count,
			        cases[i].rows);
		}
	}
}

static uint64_t rect_word(uint64_t x, uint64_t y, uint64_t width, uint64_t height)
{
	return x | y << 16 | width << 32 | height << 48;
}

static void damage_inside_is_kept_and_damage_outside_is_everything(void **state)
{
	static const struct {
		uint16_t x, y, width, height;
		bool inside;
	} cases[] = {
		{ 0, 0, 1, 1, true },
		{ 0, 0, 100, 50, true },
		{ 0, 0, 101, 50, false },
		{ 0, 0, 100, 51, false },
		{ 99, 49, 1, 1, true },
		{ 100, 49, 1, 1, false },
		{ 99, 50, 1, 1, false },
		{ 99, 49, 2, 1, false },
		{ 99, 49, 1, 2, false },
		{ 1, 0, 100, 1, false },
		{ 0, 1, 1, 50, false },
		{ 0, 0, 0, 1, false },
		{ 0, 0, 1, 0, false },
		{ 100, 50, 0, 0, false },
		{ 65535, 0, 1, 1, false },
		{ 65535, 65535, 65535, 65535, false },
		{ 50, 0, 65535, 1, false }, /* 49 in 16 bits */
		{ 0, 50, 1, 65535, false },
	};
	struct ring_claim claim = good_claim();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t words[] = { rect_word(5, 6, 7, 8),
			rect_word(cases[i].x, cases[i].y, cases[i].width, cases[i].height) };
		struct frame_damage damage;

		frame_check_damage(words, 2, 999, &claim, &damage);
		if (damage.count != (cases[i].inside ? 2 : 0) ||
		        damage.base_sequence != (cases[i].inside ? 999 : 0)) {
			fail_msg("damage case %zu", i);
		}
		if (cases[i].inside) {
			assert_int_equal(damage.rects[0].x, 5);
			assert_int_equal(damage.rects[0].y, 6);
			assert_int_equal(damage.rects[0].width, 7);
			assert_int_equal(damage.rects[0].height, 8);
			assert_int_equal(damage.rects[1].x, cases[i].x);
			assert_int_equal(damage.rects[1].height, cases[i].height);
		}
	}
}

static void damage_is_relative_to_an_earlier_frame_only(void **state)
{
	static const struct {
		uint64_t base, taken;
	} cases[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ SEQUENCE - 1, SEQUENCE - 1 },
		{ SEQUENCE, 0 },
		{ SEQUENCE + 1, 0 },
		{ UINT64_MAX, 0 },
	};
	struct ring_claim claim = good_claim();
	uint64_t words[FRAME_DAMAGE_MAX];

	(void)state;
	for (size_t i = 0; i < FRAME_DAMAGE_MAX; i++) {
		words[i] = rect_word(i, 1, 1, 1);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_damage damage;

		frame_check_damage(words, FRAME_DAMAGE_MAX, cases[i].base, &claim, &damage);
		assert_int_equal(damage.base_sequence, cases[i].taken);
		assert_int_equal(damage.count, cases[i].taken ? FRAME_DAMAGE_MAX : 0);
		frame_check_damage(words, 0, cases[i].base, &claim, &damage);
		assert_int_equal(damage.base_sequence, cases[i].taken);
		assert_int_equal(damage.count, 0);
	}
}

static uint32_t checksum_of(
        const struct ring_claim *claim, const uint64_t *damage, const uint64_t *digests)
{
	return frame_claim_checksum(
	        claim, damage, frame_digests_sum(digests, frame_claim_digest_words(claim)));
}

/* Every bit that the checksum covers changes it, and nothing else does. */
static void the_checksum_covers_claim_damage_and_digests(void **state)
{
	struct ring_claim claim = good_claim();
	uint64_t damage[3] = { 1, 2, 3 };
	uint64_t digests[11];
	unsigned tried = 0;
	uint32_t good;

	(void)state;
	memset(digests, 0x11, sizeof(digests));
	claim.damage_count = 2;
	good = checksum_of(&claim, damage, digests);
	for (size_t bit = 0; bit < 8 * sizeof(claim); bit++) {
		size_t byte = bit / 8;

		/* Those that say how long the rest is may not run away with the test. */
		((uint8_t *)&claim)[byte] ^= (uint8_t)(1u << bit % 8);
		if (claim.damage_count == 2 &&
		        frame_check_claim(&claim, claim.epoch, claim.sequence, ANY_SIZE) ==
		                FRAME_FITS &&
		        frame_claim_digest_words(&claim) == 10) {
			assert_int_equal(checksum_of(&claim, damage, digests) != good,
			        byte < RING_CLAIM_CHECKED);
			tried++;
		}
		((uint8_t *)&claim)[byte] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t i = 0; i < 3; i++) {
		damage[i] ^= 1;
		assert_int_equal(checksum_of(&claim, damage, digests) != good, i < 2);
		damage[i] ^= 1;
	}
	assert_true(tried > 500);
	for (size_t i = 0; i < 11; i++) {
		digests[i] ^= UINT64_C(1) << 63;
		assert_int_equal(checksum_of(&claim, damage, digests) != good, i < 10);
		digests[i] ^= UINT64_C(1) << 63;
	}
}

static void every_fault_has_a_text(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FRAME_FAULTS; i++) {
		assert_non_null(frame_fault_text((enum frame_fault)i));
		assert_string_not_equal(frame_fault_text((enum frame_fault)i), "unknown");
	}
	assert_string_equal(frame_fault_text(FRAME_FAULTS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_fits_or_not),
		cmocka_unit_test(a_claim_is_judged_as_strictly),
		cmocka_unit_test(each_field_of_a_claim_is_judged),
		cmocka_unit_test(strips_cover_the_height_or_not),
		cmocka_unit_test(damage_inside_is_kept_and_damage_outside_is_everything),
		cmocka_unit_test(damage_is_relative_to_an_earlier_frame_only),
		cmocka_unit_test(the_checksum_covers_claim_damage_and_digests),
		cmocka_unit_test(every_fault_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
