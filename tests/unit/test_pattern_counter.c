/* SPDX-License-Identifier: MIT */
#include "guarded.h"
#include "pattern.h"
#include "pixel_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <drm_fourcc.h>

#define EPOCH   UINT64_C(7)
#define SEQ_MAX ((UINT64_C(1) << 56) - 1)

static struct frame_info info_of(const struct pixel_format *format, uint32_t width, uint32_t height)
{
	return (struct frame_info) { format->fourcc, width, height,
		pixel_format_stride(format, width) };
}

static uint64_t any_sequence(void)
{
	uint64_t bits = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();

	return (bits & SEQ_MAX) >> (rand() % 56);
}

/* The frame is read from memory that ends where it ends. */
static void check_number(
        struct pattern *pattern, const struct frame_info *info, uint64_t sequence, bool fits)
{
	const void *pixels = pattern_draw(pattern, info, EPOCH, sequence);
	struct guarded copy =
	        guarded_map(frame_info_bytes(info), sequence % 2 ? GUARDED_BEFORE : GUARDED_BEHIND);
	uint64_t found = ~sequence;

	memcpy(copy.bytes, pixels, frame_info_bytes(info));
	assert_int_equal(pattern_read_counter(info, copy.bytes, &found), fits);
	assert_int_equal(found, fits ? sequence : ~sequence);
	guarded_unmap(&copy);
}

static void numbers_come_back_in_every_shape(void **state)
{
	static const struct {
		uint32_t width, height;
		bool fits;
	} shapes[] = {
		{ 3840, 2160, true },
		{ 1920, 1080, true },
		{ 1366, 768, true },
		{ 320, 240, true },
		{ 100, 1000, true },
		{ 65, 31, true },
		{ 64, 4, true },
		{ 64, 3, true },
		{ 64, 2, true },
		{ 63, 3, true },
		{ 12, 11, true },
		{ 1, 128, true },
		{ 128, 1, true },
		{ 16384, 1, true },
		{ 1, 16384, true },
		{ 127, 1, false },
		{ 63, 2, false },
		{ 12, 10, false },
		{ 1, 127, false },
		{ 2, 63, false },
		{ 1, 1, false },
	};
	static const uint64_t numbers[] = { 0, 1, 2, 999999, 1000000, SEQ_MAX, UINT64_MAX };

	(void)state;
	srand(4);
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		struct pattern *pattern = pattern_create(PATTERN_COUNTER);
		struct frame_info info =
		        info_of(pixel_format_at(s % 8), shapes[s].width, shapes[s].height);

		for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
			check_number(pattern, &info, numbers[n], shapes[s].fits);
		}
		for (int n = 0; n < 10; n++) {
			check_number(pattern, &info, any_sequence(), shapes[s].fits);
		}
		pattern_destroy(pattern);
	}
}

static void numbers_come_back_at_random(void **state)
{
	struct pattern *pattern = pattern_create(PATTERN_COUNTER);

	(void)state;
	srand(5);
	for (int round = 0; round < 2000; round++) {
		struct frame_info info = info_of(pixel_format_at((size_t)rand() % 8),
		        64 + (uint32_t)rand() % 400, 2 + (uint32_t)rand() % 300);

		info.stride += 4 * ((uint32_t)rand() % 3);
		check_number(pattern, &info, any_sequence(), true);
	}
	pattern_destroy(pattern);
}

static bool is_shade(const uint8_t *pixel, uint8_t value)
{
	return pixel[0] == value && pixel[1] == value && pixel[2] == value;
}

/* Pixels that are black for 0 and white for its complement, or the other way round, are cells. */
static size_t damage_every_cell(const struct frame_info *info, uint64_t sequence)
{
	struct pattern *one = pattern_create(PATTERN_COUNTER);
	struct pattern *other = pattern_create(PATTERN_COUNTER);
	uint8_t *pixels = malloc(frame_info_bytes(info));
	const uint8_t *flipped = pattern_draw(other, info, EPOCH, ~sequence);
	size_t cells = 0;
	uint64_t found;

	memcpy(pixels, pattern_draw(one, info, EPOCH, sequence), frame_info_bytes(info));
	for (size_t at = 0; at < frame_info_bytes(info); at += 4) {
		uint8_t kept[4];

		memcpy(kept, pixels + at, 4);
		if (!(is_shade(kept, 0) && is_shade(flipped + at, 255)) &&
		        !(is_shade(kept, 255) && is_shade(flipped + at, 0))) {
			continue;
		}
		cells++;
		memcpy(pixels + at, flipped + at, 4);
		assert_false(pattern_read_counter(info, pixels, &found));
		memcpy(pixels + at, kept, 4);
		pixels[at + cells % 3] = 0x80;
		assert_false(pattern_read_counter(info, pixels, &found));
		memcpy(pixels + at, kept, 4);
	}
	assert_true(pattern_read_counter(info, pixels, &found));
	assert_int_equal(found, sequence);
	free(pixels);
	pattern_destroy(one);
	pattern_destroy(other);
	return cells;
}

static void every_damaged_cell_is_noticed(void **state)
{
	static const struct frame_info small = { DRM_FORMAT_XRGB8888, 64, 4, 256 };
	static const struct frame_info single = { DRM_FORMAT_XRGB8888, 64, 2, 256 };
	static const struct frame_info larger = { DRM_FORMAT_XRGB8888, 200, 100, 800 };

	(void)state;
	assert_int_equal(damage_every_cell(&small, 0x5a5a), 256);
	assert_int_equal(damage_every_cell(&single, 0x5a5a), 128);
	/* 2 blocks of 128 cells of 3 x 3 pixels */
	assert_int_equal(damage_every_cell(&larger, 0x123456789abcd), 2304);
}

/* Every pixel of it agrees with its neighbours, but not with the line above or below. */
static void a_line_of_another_frame_is_noticed(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 200, 100, 800 };
	struct pattern *one = pattern_create(PATTERN_COUNTER);
	struct pattern *two = pattern_create(PATTERN_COUNTER);
	const uint8_t *other = pattern_draw(two, &info, EPOCH, 6);
	uint8_t *pixels = malloc(frame_info_bytes(&info));
	uint32_t noticed = 0;
	uint64_t found;

	(void)state;
	memcpy(pixels, pattern_draw(one, &info, EPOCH, 5), frame_info_bytes(&info));
	for (size_t y = 0; y < info.height; y++) {
		uint8_t kept[800];

		memcpy(kept, pixels + y * info.stride, sizeof(kept));
		memcpy(pixels + y * info.stride, other + y * info.stride, sizeof(kept));
		noticed += !pattern_read_counter(&info, pixels, &found);
		memcpy(pixels + y * info.stride, kept, sizeof(kept));
	}
	/* 2 blocks of 2 rows of cells of 3 lines */
	assert_int_equal(noticed, 12);
	free(pixels);
	pattern_destroy(one);
	pattern_destroy(two);
}

static void torn_frames_have_no_number(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 320, 240, 1280 };
	struct pattern *one = pattern_create(PATTERN_COUNTER);
	struct pattern *two = pattern_create(PATTERN_COUNTER);
	uint8_t *pixels = malloc(frame_info_bytes(&info));
	uint64_t found;

	(void)state;
	for (uint64_t sequence = 1; sequence < 50; sequence++) {
		size_t torn = (size_t)120 * info.stride;

		memcpy(pixels, pattern_draw(one, &info, EPOCH, sequence), frame_info_bytes(&info));
		memcpy(pixels, pattern_draw(two, &info, EPOCH, sequence + 1), torn);
		assert_false(pattern_read_counter(&info, pixels, &found));
	}
	free(pixels);
	pattern_destroy(one);
	pattern_destroy(two);
}

static void other_pictures_have_no_number(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 320, 240, 1280 };
	static const struct frame_info none = { 0, 320, 240, 1280 };
	uint8_t *pixels = calloc(1, frame_info_bytes(&info));
	uint64_t found;

	(void)state;
	assert_false(pattern_read_counter(&info, pixels, &found));
	assert_false(pattern_read_counter(&none, pixels, &found));
	memset(pixels, 0xff, frame_info_bytes(&info));
	assert_false(pattern_read_counter(&info, pixels, &found));
	free(pixels);
	for (int kind = 0; kind < PATTERN_COUNTER; kind++) {
		struct pattern *pattern = pattern_create((enum pattern_kind)kind);

		for (uint64_t sequence = 1; sequence < 30; sequence++) {
			assert_false(pattern_read_counter(
			        &info, pattern_draw(pattern, &info, EPOCH, sequence), &found));
		}
		pattern_destroy(pattern);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back_in_every_shape),
		cmocka_unit_test(numbers_come_back_at_random),
		cmocka_unit_test(every_damaged_cell_is_noticed),
		cmocka_unit_test(a_line_of_another_frame_is_noticed),
		cmocka_unit_test(torn_frames_have_no_number),
		cmocka_unit_test(other_pictures_have_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
