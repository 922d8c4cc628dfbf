/* SPDX-License-Identifier: MIT */
/*
 * What the producer's end of the pointer's channel puts where, and what it leaves alone.
 */
#include "pointer_stand.h"

static uint64_t place(const struct pointer_stand *stand)
{
	return shared_load_u64(&pointer_area(stand)->place);
}

static void the_channel_lies_behind_the_payloads(void **state)
{
	struct pointer_stand stand;
	const struct ring_geometry *geometry;

	(void)state;
	pointer_set_up(&stand, 4 * STAND_REGION, 20480);
	geometry = &stand.stand.writer.geometry;
	assert_true(geometry->end == geometry->payload_base + 4 * geometry->slot_capacity);
	assert_int_equal(geometry->end % 65536, 0);
	assert_true(geometry->end + ring_pointer_area_size(20480) <= stand.stand.ring.g.size);
	assert_int_equal(ring_pointer_area_size(20480), 4096 + 2 * 20480);
	assert_int_equal(shared_load_u64(&stand_identity(&stand.stand)->features_offered) &
	                         RING_FEATURE_POINTER,
	        1);
	assert_int_equal(shared_load_u32(&pointer_area(&stand)->shape_capacity), 20480);
	assert_ptr_equal(stand.stand.writer.pointer.area, pointer_area(&stand));
	assert_true(place(&stand) == 0);
	pointer_tear_down(&stand);
}

static void without_a_channel_nothing_is_different(void **state)
{
	struct pointer_stand stand;
	struct pointer pointer;
	struct ring_geometry geometry;

	(void)state;
	pointer_set_up(&stand, STAND_REGION, 0);
	pointer = pointer_draw(&stand, 1, 1, 0);
	assert_int_equal(shared_load_u64(&stand_identity(&stand.stand)->features_offered) &
	                         RING_FEATURE_POINTER,
	        0);
	assert_true(ring_geometry_fill(&geometry, 4, stand.stand.ring.g.size, 0));
	assert_int_equal(geometry.slot_capacity, stand.stand.writer.geometry.slot_capacity);
	assert_int_equal(ring_pointer_area_size(0), 0);
	assert_false(ring_writer_can_point(&stand.stand.writer, &pointer.shape));
	ring_writer_point(&stand.stand.writer, &pointer, true);
	assert_int_equal(stand.stand.writer.pointer.moves, 0);
	pointer_tear_down(&stand);
}

/* What a session before left, also as pixels of its frames, is gone before the next is named. */
static void a_session_begins_with_an_empty_page(void **state)
{
	struct pointer_stand stand;
	const uint64_t *words;

	(void)state;
	pointer_set_up_plain(&stand);
	memset(pointer_area(&stand), 0xff, RING_POINTER_SIZE);
	stand_reopen(&stand.stand, STAND_EPOCH + 1);
	words = (const void *)pointer_area(&stand);
	for (unsigned i = 0; i < RING_POINTER_SIZE / 8; i++) {
		assert_true(words[i] == (i == 8 ? RING_SHAPE_CAPACITY_MIN : 0));
	}
	pointer_tear_down(&stand);
}

static void capacities_follow_the_region(void **state)
{
	static const struct {
		uint64_t region;
		uint32_t capacity;
	} cases[] = {
		{ 0, 16384 },
		{ UINT64_C(1) << 20, 16384 },
		{ (UINT64_C(16) << 20) - 1, 16384 },
		{ UINT64_C(16) << 20, 16384 },
		{ (UINT64_C(20) << 20) - 1, 16384 },
		{ UINT64_C(20) << 20, 20480 },
		{ UINT64_C(64) << 20, 65536 },
		{ (UINT64_C(1) << 30) - 1, 1048576 - 4096 },
		{ UINT64_C(1) << 30, 1048576 },
		{ UINT64_C(1) << 40, 1048576 },
		{ UINT64_MAX, 1048576 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ring_shape_capacity_for(cases[i].region), cases[i].capacity);
	}
}

/* One byte decides whether the slots fit beside what is kept free behind them. */
static void what_is_reserved_stays_free(void **state)
{
	const uint64_t slots = 4 * 65536;
	struct ring_geometry least;
	struct ring_geometry geometry;

	(void)state;
	assert_true(ring_geometry_fill(&least, 4, 8 * 65536, 0));
	for (uint64_t reserve = 4096; reserve <= 3 * 65536; reserve += 4096) {
		uint64_t need = least.payload_base + slots + reserve;

		assert_false(ring_geometry_fill(&geometry, 4, need - 1, reserve));
		assert_true(ring_geometry_fill(&geometry, 4, need, reserve));
		assert_int_equal(geometry.slot_capacity, 65536);
		assert_true(ring_geometry_fill(&geometry, 4, need + slots - 1, reserve));
		assert_int_equal(geometry.slot_capacity, 65536);
		assert_true(ring_geometry_fill(&geometry, 4, need + slots, reserve));
		assert_int_equal(geometry.slot_capacity, 2 * 65536);
	}
	/* The region that is recommended has room for the channel too, by the byte. */
	for (uint32_t slots_wanted = 3; slots_wanted <= 32; slots_wanted++) {
		assert_true(
		        ring_geometry_fill(&geometry, slots_wanted, (1 << 25) - RING_FEEDBACK_SIZE,
		                ring_pointer_area_size(ring_shape_capacity_for(1 << 25))));
		assert_int_equal(
		        ring_region_size_for(slots_wanted, geometry.slot_capacity), 1 << 25);
		assert_int_equal(
		        ring_region_size_for(slots_wanted, geometry.slot_capacity + 1), 1 << 26);
	}
}

static void shapes_that_fit(void **state)
{
	static const struct {
		uint32_t capacity;
		uint16_t width;
		uint16_t height;
		bool fits;
	} cases[] = {
		{ 16384, 64, 64, true },
		{ 16384, 1, 1, true },
		{ 16384, 0, 1, false },
		{ 16384, 1, 0, false },
		{ 16384, 512, 8, true },
		{ 16384, 8, 512, true },
		{ 16384, 65, 64, false },
		{ 16384, 64, 65, false },
		{ 16384, 241, 17, false },
		{ 16384, 513, 1, false },
		{ 16384, 1, 513, false },
		{ 1048576, 512, 512, true },
		{ 1048576, 513, 1, false },
		{ 1048576, 65535, 65535, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pointer_shape shape = { cases[i].width, cases[i].height, 0, 0, NULL };
		const struct pointer pointer = { .is_shown = true, .shape = shape };
		struct pointer_stand stand;

		pointer_set_up(&stand, 8 * STAND_REGION, cases[i].capacity);
		assert_int_equal(ring_writer_can_point(&stand.stand.writer, &shape), cases[i].fits);
		if (!cases[i].fits) {
			pointer_point(&stand, 2, 0, 0, 0);
			ring_writer_point(&stand.stand.writer, &pointer, true);
			assert_true(place(&stand) == 0);
			assert_int_equal(stand.stand.writer.pointer.shapes, 1);
		}
		pointer_tear_down(&stand);
	}
}

static void places_at_their_limits(void **state)
{
	static const struct {
		int32_t x;
		int32_t y;
		uint64_t place;
	} cases[] = {
		{ 0, 0, UINT64_C(0x180008000) },
		{ 5, -1, UINT64_C(0x17fff8005) },
		{ -32768, -32768, UINT64_C(0x100000000) },
		{ 32767, 32767, UINT64_C(0x1ffffffff) },
		{ -32768, 32767, UINT64_C(0x1ffff0000) },
		{ -32769, 0, 0 },
		{ 32768, 0, 0 },
		{ 0, -32769, 0 },
		{ 0, 32768, 0 },
		{ INT32_MIN, INT32_MAX, 0 },
		{ INT32_MAX, INT32_MIN, 0 },
	};
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	pointer_point(&stand, 3, 1, 1, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pointer_move(&stand, cases[i].x, cases[i].y);
		assert_true(place(&stand) == cases[i].place);
	}
	pointer_tear_down(&stand);
}

static void only_what_changes_is_counted(void **state)
{
	struct pointer_stand stand;
	const struct pointer_writer *writer = &stand.stand.writer.pointer;

	(void)state;
	pointer_set_up_plain(&stand);
	pointer_hide(&stand);
	assert_int_equal(writer->moves, 0);
	/* The first one is stored, whatever is said of it. */
	pointer_move(&stand, 1, 2);
	assert_int_equal(writer->shapes, 1);
	assert_int_equal(writer->moves, 1);
	pointer_move(&stand, 1, 2);
	assert_int_equal(writer->moves, 1);
	pointer_move(&stand, 2, 1);
	assert_int_equal(writer->moves, 2);
	assert_int_equal(writer->shapes, 1);
	pointer_hide(&stand);
	pointer_hide(&stand);
	assert_int_equal(writer->moves, 3);
	pointer_move(&stand, 2, 1);
	assert_int_equal(writer->moves, 4);
	assert_int_equal(writer->shapes, 1);
	pointer_point(&stand, 5, 5, 2, 1);
	assert_int_equal(writer->moves, 5);
	assert_int_equal(writer->shapes, 2);
	assert_int_equal(writer->number, 2);
	pointer_tear_down(&stand);
}

static void shapes_take_turns_and_their_number_comes_round(void **state)
{
	static const uint32_t after[] = { UINT32_MAX - 1, UINT32_MAX, 1, 2, 3 };
	struct pointer_stand stand;

	(void)state;
	pointer_set_up_plain(&stand);
	stand.stand.writer.pointer.number = UINT32_MAX - 2;
	for (unsigned i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		const struct ring_shape *line = &pointer_area(&stand)->shapes[after[i] % 2];

		pointer_point(&stand, 4, i, 0, 0);
		assert_int_equal(place(&stand) >> 32, after[i]);
		assert_true(shared_load_u64(&line->control) == (uint64_t)after[i] << 1);
		assert_int_equal(pointer_look(&stand), POINT_SHAPE);
		assert_true(pointer_is_drawn(&stand.pointer.shape, i));
	}
	pointer_tear_down(&stand);
}

static void the_words_of_a_shape(void **state)
{
	const uint32_t pixels[3] = { 0x11223344, 0xff000000, 0x01010101 };
	const struct pointer pointer = { .is_shown = true, .shape = { 3, 1, 2, 0, pixels } };
	struct pointer_stand stand;
	const struct ring_shape *line;
	const uint32_t *stored;

	(void)state;
	pointer_set_up_plain(&stand);
	line = &pointer_area(&stand)->shapes[1];
	stored = (const void *)((uint8_t *)pointer_area(&stand) + 4096 + RING_SHAPE_CAPACITY_MIN);
	memset(pointer_area(&stand) + 1, 0xff, (size_t)2 * RING_SHAPE_CAPACITY_MIN);
	ring_writer_point(&stand.stand.writer, &pointer, true);
	assert_true(shared_load_u64(&line->control) == 2);
	assert_true(shared_load_u64(&line->size) == UINT64_C(0x0000000200010003));
	/* XXH64 of the 12 bytes, by another implementation. */
	assert_true(shared_load_u64(&line->digest) == UINT64_C(0x68f21adb1c0db7d5));
	assert_memory_equal(stored, pixels, sizeof(pixels));
	assert_int_equal(stored[3], 0);
	assert_int_equal(stored[4], UINT32_MAX);
	pointer_tear_down(&stand);
}

static void a_deposed_writer_touches_nothing(void **state)
{
	struct pointer_stand stand;
	uint8_t *before;
	size_t size;

	(void)state;
	pointer_set_up_plain(&stand);
	pointer_point(&stand, 8, 1, 5, 5);
	size = stand.stand.ring.region_size;
	before = malloc(size);
	assert_non_null(before);
	shared_store_u64(&stand_identity(&stand.stand)->epoch, STAND_EPOCH + 1);
	memcpy(before, stand.stand.memory.bytes, size);
	pointer_point(&stand, 8, 2, 6, 6);
	pointer_move(&stand, 7, 7);
	pointer_hide(&stand);
	assert_memory_equal(before, stand.stand.memory.bytes, size);
	assert_int_equal(stand.stand.writer.pointer.moves, 1);
	free(before);
	pointer_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_channel_lies_behind_the_payloads),
		cmocka_unit_test(without_a_channel_nothing_is_different),
		cmocka_unit_test(a_session_begins_with_an_empty_page),
		cmocka_unit_test(capacities_follow_the_region),
		cmocka_unit_test(what_is_reserved_stays_free),
		cmocka_unit_test(shapes_that_fit),
		cmocka_unit_test(places_at_their_limits),
		cmocka_unit_test(only_what_changes_is_counted),
		cmocka_unit_test(shapes_take_turns_and_their_number_comes_round),
		cmocka_unit_test(the_words_of_a_shape),
		cmocka_unit_test(a_deposed_writer_touches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
