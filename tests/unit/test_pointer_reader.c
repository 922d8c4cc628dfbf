/* SPDX-License-Identifier: MIT */
/*
 * What the consumer's end of the pointer's channel makes of what it finds: of a producer that keeps
 * to the rules, and of one that lies.
 */
#include "pointer_stand.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

static void every_size_arrives(void **state)
{
	static const uint16_t sizes[][2] = { { 1, 1 }, { 1, 2 }, { 2, 1 }, { 3, 1 }, { 7, 9 },
		{ 64, 64 }, { 63, 65 }, { 1, 512 }, { 512, 1 }, { 511, 511 }, { 511, 512 },
		{ 512, 512 } };
	struct pointer_stand stand;

	(void)state;
	pointer_set_up(&stand, 8 * STAND_REGION, RING_SHAPE_CAPACITY_MAX);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pointer pointer = pointer_draw(&stand, sizes[i][0], sizes[i][1], i);

		pointer.x = (int32_t)i;
		pointer.y = -(int32_t)i;
		ring_writer_point(&stand.stand.writer, &pointer, true);
		assert_int_equal(pointer_look(&stand), POINT_SHAPE);
		pointer_assert_at(&stand, (int32_t)i, -(int32_t)i);
		assert_int_equal(stand.pointer.shape.width, sizes[i][0]);
		assert_int_equal(stand.pointer.shape.height, sizes[i][1]);
		assert_int_equal(stand.pointer.shape.hot_x, sizes[i][0] - 1);
		assert_int_equal(stand.pointer.shape.hot_y, sizes[i][1] / 2);
		assert_ptr_equal(stand.pointer.shape.pixels, stand.copied);
		assert_true(pointer_is_drawn(&stand.pointer.shape, i));
	}
	pointer_tear_down(&stand);
}

static void moves_bring_no_shape(void **state)
{
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	pointer_point(&stand, 9, 1, -32768, 32767);
	assert_int_equal(pointer_look(&stand), POINT_SHAPE);
	pointer_assert_at(&stand, -32768, 32767);
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	memset(stand.copied, 0x55, RING_SHAPE_CAPACITY_MIN);
	pointer_move(&stand, 32767, -32768);
	assert_int_equal(pointer_look(&stand), POINT_MOVED);
	pointer_assert_at(&stand, 32767, -32768);
	assert_int_equal(stand.pointer.shape.width, 0);
	assert_null(stand.pointer.shape.pixels);
	pointer_hide(&stand);
	assert_int_equal(pointer_look(&stand), POINT_MOVED);
	assert_false(stand.pointer.is_shown);
	pointer_move(&stand, 0, 0);
	assert_int_equal(pointer_look(&stand), POINT_MOVED);
	pointer_assert_at(&stand, 0, 0);
	assert_int_equal(stand.copied[0], 0x55555555);
	pointer_tear_down(&stand);
}

/* What it did not see in between does not matter: only the newest state does. */
static void whoever_comes_late_sees_the_newest(void **state)
{
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	for (unsigned i = 1; i <= 5; i++) {
		pointer_point(&stand, 6, i, (int32_t)i, 0);
	}
	pointer_move(&stand, 3, 4);
	assert_int_equal(pointer_look(&stand), POINT_SHAPE);
	assert_true(pointer_is_drawn(&stand.pointer.shape, 5));
	pointer_assert_at(&stand, 3, 4);
	pointer_hide(&stand);
	pointer_attach(&stand);
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	pointer_tear_down(&stand);
}

static void news_is_another_word(void **state)
{
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	assert_false(ring_reader_has_news(&stand.reader));
	pointer_point(&stand, 1, 1, 0, 0);
	assert_true(ring_reader_has_news(&stand.reader));
	pointer_look(&stand);
	assert_false(ring_reader_has_news(&stand.reader));
	/* A shape that is bad is looked at once. */
	pointer_point(&stand, 1, 1, 0, 0);
	shared_store_u64(&pointer_area(&stand)->shapes[0].digest, 7);
	assert_true(ring_reader_has_news(&stand.reader));
	assert_int_equal(pointer_look(&stand), POINT_BAD);
	assert_false(ring_reader_has_news(&stand.reader));
	pointer_move(&stand, 1, 0);
	stand.reader.quarantined = true;
	assert_false(ring_reader_has_news(&stand.reader));
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	pointer_tear_down(&stand);
}

static void who_does_not_follow_has_no_news(void **state)
{
	struct pointer_stand stand;
	struct ring_header header;
	struct ring_reader_config config;

	(void)state;
	pointer_set_up_plain(&stand);
	assert_true(shared_load_u64(&stand_block(&stand.stand, 0)->features_accepted) ==
	            RING_FEATURE_POINTER);
	config = (struct ring_reader_config) {
		.g = { stand.stand.memory.bytes, stand.stand.ring.region_size },
		.h = stand.stand.ring.h,
		.mode = READER_LATEST,
	};
	assert_int_equal(region_header_read(config.g, &header), HEADER_GOOD);
	ring_reader_attach(&stand.reader, &config, &header);
	assert_true(shared_load_u64(&stand_block(&stand.stand, 0)->features_accepted) == 0);
	pointer_point(&stand, 1, 1, 0, 0);
	assert_false(ring_reader_has_news(&stand.reader));
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	/* Neither can who wants to, where none is offered; an observer needs no block for it. */
	header.features_offered = 0;
	config.wants_pointer = true;
	ring_reader_attach(&stand.reader, &config, &header);
	assert_null(stand.reader.pointer.area);
	assert_true(shared_load_u64(&stand_block(&stand.stand, 0)->features_accepted) == 0);
	stand_attach(&stand.stand, &stand.reader, 0, READER_OBSERVE);
	assert_int_equal(pointer_look(&stand), POINT_SHAPE);
	pointer_tear_down(&stand);
}

/* Each capacity is judged when it attaches, once: what is said later is not heard. */
static void capacities_are_judged(void **state)
{
	static const struct {
		uint32_t capacity;
		bool good;
	} cases[] = {
		{ 0, false },
		{ 12288, false },
		{ 16384, true },
		{ 16385, false },
		{ 16384 + 8, false },
		{ 20480, true },
		{ 1048576 - 4096, true },
		{ 1048576, true },
		{ 1048576 + 4096, false },
		{ 0xfffff000, false },
		{ UINT32_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pointer_stand stand;

		pointer_set_up(&stand, 8 * STAND_REGION, RING_SHAPE_CAPACITY_MAX);
		shared_store_u32(&pointer_area(&stand)->shape_capacity, cases[i].capacity);
		pointer_attach(&stand);
		assert_int_equal(stand.reader.pointer.area != NULL, cases[i].good);
		assert_int_equal(
		        stand.reader.pointer.shape_capacity, cases[i].good ? cases[i].capacity : 0);
		shared_store_u32(&pointer_area(&stand)->shape_capacity, UINT32_MAX);
		/* An even number lies first, whatever the capacity is. */
		pointer_point(&stand, 64, 1, 0, 0);
		pointer_point(&stand, 64, 2, 0, 0);
		assert_int_equal(pointer_look(&stand), cases[i].good ? POINT_SHAPE : POINT_SAME);
		pointer_tear_down(&stand);
	}
}

/* A mapping that ends with the payloads, in the page, in the shapes, or just behind them. */
static void the_channel_must_be_inside(void **state)
{
	static const struct {
		uint32_t behind_end;
		bool good;
	} cases[] = { { 0, false }, { 4096 - 64, false }, { 4096, false },
		{ 4096 + 2 * 16384 - 64, false }, { 4096 + 2 * 16384, true } };
	struct pointer_stand stand;
	struct pointer_reader pointer;
	struct ring_header header;
	struct span g;

	(void)state;
	pointer_set_up_plain(&stand);
	g = (struct span) { stand.stand.memory.bytes, stand.stand.ring.region_size };
	assert_int_equal(region_header_read(g, &header), HEADER_GOOD);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guarded copy =
		        guarded_map(header.geometry.end + cases[i].behind_end, GUARDED_BEHIND);
		struct span mapped = { copy.bytes, header.geometry.end + cases[i].behind_end };

		memcpy(copy.bytes, g.bytes, mapped.size);
		pointer_reader_open(&pointer, mapped, &header);
		assert_int_equal(pointer.area != NULL, cases[i].good);
		guarded_unmap(&copy);
	}
	pointer_tear_down(&stand);
}

struct words {
	uint64_t control;
	uint64_t size;
	enum point_result result;
};

#define SIZE(width, height, hot_x, hot_y) \
	((uint64_t)(width) | (uint64_t)(height) << 16 | (uint64_t)(hot_x) << 32 | \
	        (uint64_t)(hot_y) << 48)

/* Words that cannot be. The digest is right wherever there are so many pixels. */
static void words_that_lie(void **state)
{
	static const struct words cases[] = {
		{ 1 << 1, SIZE(64, 64, 63, 63), POINT_SHAPE },
		{ 1 << 1, SIZE(512, 8, 511, 7), POINT_SHAPE },
		{ 1 << 1, SIZE(8, 512, 0, 0), POINT_SHAPE },
		{ 1 << 1, SIZE(1, 1, 0, 0), POINT_SHAPE },
		{ 1 << 1, SIZE(0, 64, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(64, 0, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(0, 0, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(64, 65, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(65, 64, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(241, 17, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(513, 1, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(1, 513, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(512, 512, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(65535, 65535, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(32768, 32768, 0, 0), POINT_BAD },
		{ 1 << 1, SIZE(64, 64, 64, 0), POINT_BAD },
		{ 1 << 1, SIZE(64, 64, 0, 64), POINT_BAD },
		{ 1 << 1, SIZE(64, 64, 65535, 65535), POINT_BAD },
		{ 1 << 1 | 1, SIZE(64, 64, 0, 0), POINT_TORN },
		{ 3 << 1, SIZE(64, 64, 0, 0), POINT_TORN },
		{ 0, SIZE(64, 64, 0, 0), POINT_TORN },
		{ UINT64_C(1) << 33 | 2, SIZE(64, 64, 0, 0), POINT_TORN },
		{ UINT64_MAX, SIZE(64, 64, 0, 0), POINT_TORN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t bytes =
		        (cases[i].size & 0xffff) * (cases[i].size >> 16 & 0xffff) * 4;
		struct pointer_stand stand;
		struct ring_shape *line;

		pointer_set_up_plain(&stand);
		pointer_point(&stand, 64, 1, 0, 0);
		line = &pointer_area(&stand)->shapes[1];
		shared_store_u64(&line->control, cases[i].control);
		shared_store_u64(&line->size, cases[i].size);
		if (bytes <= RING_SHAPE_CAPACITY_MIN) {
			const uint8_t *pixels = (const uint8_t *)(pointer_area(&stand) + 1) +
			                        RING_SHAPE_CAPACITY_MIN;

			shared_store_u64(&line->digest, XXH64(pixels, bytes, cases[i].size));
		}
		assert_int_equal(pointer_look(&stand), cases[i].result);
		assert_int_equal(stand.reader.pointer.number, cases[i].result == POINT_SHAPE);
		pointer_tear_down(&stand);
	}
}

/* Each bit of what the digest is about, and of the digest. */
static void no_flipped_bit_is_shown(void **state)
{
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	for (unsigned bit = 0; bit < 9 * 32 + 64 + 64; bit++) {
		uint8_t *line;
		uint8_t *pixels;
		unsigned i;

		pointer_point(&stand, 3, bit, 0, 0);
		i = stand.stand.writer.pointer.number % 2;
		line = (uint8_t *)&pointer_area(&stand)->shapes[i];
		pixels = (uint8_t *)pointer_area(&stand) + 4096 + i * RING_SHAPE_CAPACITY_MIN;
		if (bit < 9 * 32) {
			pixels[bit / 8] ^= (uint8_t)(1u << bit % 8);
		} else {
			line[8 + (bit - 9 * 32) / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(pointer_look(&stand), POINT_BAD);
	}
	pointer_tear_down(&stand);
}

/* Numbers of shapes that are not there, and words that name none at all. */
static void places_that_lie(void **state)
{
	struct pointer_stand stand;
	shared_u64 *place;

	(void)state;
	pointer_set_up_plain(&stand);
	place = &pointer_area(&stand)->place;
	pointer_point(&stand, 5, 1, 2, 3);
	assert_int_equal(pointer_look(&stand), POINT_SHAPE);
	for (unsigned shift = 0; shift < 32; shift++) {
		uint64_t number = UINT64_C(1) << shift;

		shared_store_u64(place, number << 32 | 5);
		assert_int_equal(pointer_look(&stand), number == 1 ? POINT_MOVED : POINT_TORN);
	}
	shared_store_u64(place, UINT64_C(0xffffffff80008000));
	assert_int_equal(pointer_look(&stand), POINT_TORN);
	for (unsigned shift = 0; shift < 32; shift++) {
		shared_store_u64(place, UINT64_C(1) << shift);
		assert_int_equal(pointer_look(&stand), POINT_MOVED);
		assert_false(stand.pointer.is_shown);
		assert_int_equal(stand.pointer.shape.width, 0);
	}
	pointer_tear_down(&stand);
}

static void the_next_session_is_not_taken_for_ours(void **state)
{
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	pointer_point(&stand, 5, 1, 2, 3);
	assert_int_equal(pointer_look(&stand), POINT_SHAPE);
	stand_reopen(&stand.stand, STAND_EPOCH + 1);
	/* Its first shape has the number of ours. */
	pointer_point(&stand, 5, 2, 4, 5);
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	pointer_point(&stand, 5, 3, 4, 5);
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	pointer_hide(&stand);
	assert_int_equal(pointer_look(&stand), POINT_SAME);
	pointer_move(&stand, 1, 1);
	pointer_attach(&stand);
	assert_int_equal(pointer_look(&stand), POINT_SHAPE);
	assert_true(pointer_is_drawn(&stand.pointer.shape, 3));
	pointer_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_arrives),
		cmocka_unit_test(moves_bring_no_shape),
		cmocka_unit_test(whoever_comes_late_sees_the_newest),
		cmocka_unit_test(news_is_another_word),
		cmocka_unit_test(who_does_not_follow_has_no_news),
		cmocka_unit_test(capacities_are_judged),
		cmocka_unit_test(the_channel_must_be_inside),
		cmocka_unit_test(words_that_lie),
		cmocka_unit_test(no_flipped_bit_is_shown),
		cmocka_unit_test(places_that_lie),
		cmocka_unit_test(the_next_session_is_not_taken_for_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
