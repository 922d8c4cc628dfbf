/* SPDX-License-Identifier: MIT */
#include "guarded.h"
#include "pattern.h"
#include "pattern_scene.h"
#include "pixel_format.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <drm_fourcc.h>
#include <xxhash.h>

#define KINDS   5
#define EPOCH   UINT64_C(0x0123456789abcdef)
#define SEQ_MAX ((UINT64_C(1) << 56) - 1)
#define STRIP   ((size_t)1024 * 1024)

static const struct frame_info shapes[] = {
	{ DRM_FORMAT_XRGB8888, 1, 1, 4 },
	{ DRM_FORMAT_RGB565, 1, 1, 4 },
	{ DRM_FORMAT_RGB888, 2, 3, 64 },
	{ DRM_FORMAT_BGR888, 1366, 768, 4100 },
	{ DRM_FORMAT_XRGB8888, 16384, 1, 65536 },
	{ DRM_FORMAT_XRGB2101010, 1, 16384, 4 },
	{ DRM_FORMAT_XBGR8888, 63, 65, 256 },
	{ DRM_FORMAT_ARGB8888, 640, 480, 4096 },
	{ DRM_FORMAT_ABGR8888, 321, 17, 1284 },
	{ DRM_FORMAT_RGB565, 333, 222, 668 },
	{ DRM_FORMAT_XRGB8888, 64, 4, 256 },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static uint64_t digest(const void *pixels, const struct frame_info *info)
{
	return XXH3_64bits(pixels, frame_info_bytes(info));
}

/* What a pattern that has drawn nothing before gives. */
static uint64_t fresh_digest(
        enum pattern_kind kind, const struct frame_info *info, uint64_t epoch, uint64_t sequence)
{
	struct pattern *pattern = pattern_create(kind);
	const void *pixels = pattern_draw(pattern, info, epoch, sequence);
	uint64_t value;

	assert_non_null(pixels);
	value = digest(pixels, info);
	pattern_destroy(pattern);
	return value;
}

static uint64_t any_sequence(void)
{
	uint64_t bits = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();

	return (bits & SEQ_MAX) >> (rand() % 56);
}

static void names_and_kinds_agree(void **state)
{
	char names[100];
	int kind = 0;

	(void)state;
	strcpy(names, pattern_names());
	for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", "), kind++) {
		assert_int_equal(pattern_kind_by_name(name), kind);
	}
	assert_int_equal(kind, KINDS);
	assert_int_equal(pattern_kind_by_name("random"), PATTERN_RANDOM);
	assert_int_equal(pattern_kind_by_name("counter"), PATTERN_COUNTER);
	assert_int_equal(pattern_kind_by_name(""), -1);
	assert_int_equal(pattern_kind_by_name("Bars"), -1);
	assert_int_equal(pattern_kind_by_name("bar"), -1);
	pattern_destroy(NULL);
}

/* A change of any of these makes frames recorded by one version wrong for another. */
static void frames_are_what_they_always_were(void **state)
{
	static const struct frame_info known_shapes[] = {
		{ DRM_FORMAT_XRGB8888, 640, 480, 2560 },
		{ DRM_FORMAT_BGR888, 101, 77, 312 },
	};
	static const uint64_t sequences[] = { 1, 1234567890, SEQ_MAX };
	static const struct {
		enum pattern_kind kind;
		int shape;
		uint64_t digests[3];
	} known[] = {
		{ PATTERN_RANDOM, 0,
		        { 0x573b8fb6f955f01a, 0x2d376589de055a0c, 0x8e6e40ce79566b45 } },
		{ PATTERN_RANDOM, 1,
		        { 0x8eb16e3c79c2cfdc, 0x32b42496d6371a1f, 0x051f1484314992b1 } },
		{ PATTERN_BARS, 0, { 0xe896ee6dee10e58e, 0x4d5f4edbec3f8ca0, 0xf3ff4e5c11b36aa2 } },
		{ PATTERN_BARS, 1, { 0x6036bc8b46361bd2, 0x6e95d914cd5d4245, 0x7741e785839f4d00 } },
		{ PATTERN_GRADIENT, 0,
		        { 0xe73c90be21ecd8ea, 0xc3091b3adc4a65ba, 0xa0e1ea9794066508 } },
		{ PATTERN_GRADIENT, 1,
		        { 0x50aa815baeebce9f, 0x19a0afbefd806373, 0x3c457f4194ff0e0f } },
		{ PATTERN_MOTION, 0,
		        { 0x0f284872fec5fedc, 0x496bd596a597f4cb, 0xa28ab258e04a96f9 } },
		{ PATTERN_MOTION, 1,
		        { 0x806c19416a3de0a3, 0x3c83bbe439c5abe8, 0xa62d12ebc823a328 } },
		{ PATTERN_COUNTER, 0,
		        { 0x9467630eea7c5d60, 0x8f4762ff5f08ed5a, 0x8a4bce5fdaa7ccf2 } },
		{ PATTERN_COUNTER, 1,
		        { 0xf2bf22523bdf1693, 0x882919e421bbf379, 0xdb18c7710592140f } },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
		for (size_t q = 0; q < 3; q++) {
			uint64_t found = fresh_digest(
			        known[k].kind, &known_shapes[known[k].shape], EPOCH, sequences[q]);

			assert_int_equal(found, known[k].digests[q]);
		}
	}
}

/* The same geometry for a while, then another; to and fro in sequences, now and then an epoch. */
static void history_does_not_matter(void **state)
{
	(void)state;
	srand(2);
	for (int kind = 0; kind < KINDS; kind++) {
		struct pattern *pattern = pattern_create((enum pattern_kind)kind);
		uint64_t epoch = EPOCH;

		for (int round = 0; round < 25; round++) {
			const struct frame_info *info = &shapes[(size_t)rand() % SHAPES];
			uint64_t sequence = any_sequence();

			epoch += round % 8 == 7;
			for (int i = 0; i < 4; i++) {
				uint64_t now = sequence + (uint64_t)(i * i);
				uint64_t got =
				        digest(pattern_draw(pattern, info, epoch, now), info);

				assert_int_equal(got,
				        fresh_digest((enum pattern_kind)kind, info, epoch, now));
			}
		}
		pattern_destroy(pattern);
	}
}

/* Every shape's movers in turn, at the edges too; and a counter that gains and loses a digit. */
static void painting_on_is_painting_anew(void **state)
{
	static const uint64_t starts[] = { 1, 999970, 0 };

	(void)state;
	for (int kind = PATTERN_BARS; kind < KINDS; kind++) {
		struct pattern *pattern = pattern_create((enum pattern_kind)kind);

		for (size_t s = 0; s < SHAPES; s++) {
			for (uint64_t i = 0; i < 120; i++) {
				uint64_t now = starts[i / 40] + i % 40;

				assert_int_equal(
				        digest(pattern_draw(pattern, &shapes[s], EPOCH, now),
				                &shapes[s]),
				        fresh_digest(
				                (enum pattern_kind)kind, &shapes[s], EPOCH, now));
			}
		}
		pattern_destroy(pattern);
	}
}

static void paint_black(const struct canvas *canvas)
{
	canvas_fill(canvas, canvas->clip, 0);
}

/* One stays where it is, another crosses it. */
static size_t place_crossing(
        const struct frame_info *info, uint64_t sequence, struct pattern_mover *movers)
{
	(void)info;
	movers[0] = (struct pattern_mover) { { 5, 0, 5, 4 }, 0xff0000 };
	movers[1] = (struct pattern_mover) { { (int32_t)sequence, 0, 2, 2 }, 0x00ff00 };
	return 2;
}

static void what_stays_is_mended_where_it_was_crossed(void **state)
{
	static const struct pattern_scene scene = { paint_black, place_crossing, false };
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 16, 4, 64 };
	uint8_t painted_on[256];
	uint8_t painted_anew[256];
	struct canvas on = canvas_over(&info, painted_on);
	struct canvas anew = canvas_over(&info, painted_anew);

	(void)state;
	pattern_scene_paint(&scene, &on, 0);
	for (uint64_t sequence = 1; sequence < 16; sequence++) {
		pattern_scene_repaint(&scene, &on, sequence - 1, sequence);
		pattern_scene_paint(&scene, &anew, sequence);
		assert_memory_equal(painted_on, painted_anew, sizeof(painted_on));
	}
}

static void every_shape_can_be_drawn_and_read_whole(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t s = 0; s < SHAPES; s++) {
			assert_int_equal(
			        fresh_digest((enum pattern_kind)kind, &shapes[s], EPOCH, SEQ_MAX),
			        fresh_digest((enum pattern_kind)kind, &shapes[s], EPOCH, SEQ_MAX));
		}
	}
}

static void scenes_stay_inside_their_pixels(void **state)
{
	static const struct pattern_scene *const scenes[] = { &pattern_bars_scene,
		&pattern_motion_scene, &pattern_counter_scene };

	(void)state;
	srand(3);
	for (size_t s = 0; s < SHAPES; s++) {
		for (int side = 0; side < 2; side++) {
			struct guarded guarded =
			        guarded_map(frame_info_bytes(&shapes[s]), (enum guarded_side)side);
			struct canvas canvas = canvas_over(&shapes[s], guarded.bytes);

			for (size_t i = 0; i < 3; i++) {
				uint64_t before = any_sequence();

				pattern_scene_paint(scenes[i], &canvas, before);
				for (int round = 0; round < 20; round++) {
					uint64_t next = round % 2 ? before + 1 : any_sequence();

					pattern_scene_repaint(scenes[i], &canvas, before, next);
					before = next;
				}
			}
			guarded_unmap(&guarded);
		}
	}
}

static void padding_is_zero_in_pictures(void **state)
{
	(void)state;
	for (int kind = PATTERN_BARS; kind < KINDS; kind++) {
		struct pattern *pattern = pattern_create((enum pattern_kind)kind);

		/* The first leaves bytes behind where the others have padding. */
		pattern_draw(pattern, &shapes[3], EPOCH, 1);
		for (size_t s = 0; s < SHAPES; s++) {
			const struct frame_info *info = &shapes[s];
			const uint8_t *pixels = pattern_draw(pattern, info, EPOCH, 1);
			size_t row =
			        (size_t)info->width * pixel_format_by_fourcc(info->fourcc)->bytes;

			for (size_t y = 0; y < info->height; y++) {
				for (size_t i = row; i < info->stride; i++) {
					assert_int_equal(pixels[y * info->stride + i], 0);
				}
			}
		}
		pattern_destroy(pattern);
	}
}

static void frames_after_each_other_differ(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 320, 240, 1280 };

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct pattern *pattern = pattern_create((enum pattern_kind)kind);
		uint64_t before = 0;

		for (uint64_t sequence = 1; sequence < 400; sequence++) {
			uint64_t now = digest(pattern_draw(pattern, &info, EPOCH, sequence), &info);

			assert_int_not_equal(now, before);
			before = now;
		}
		pattern_destroy(pattern);
	}
}

/* The same picture in every format, as far as its bits go. */
static void pictures_do_not_depend_on_the_format(void **state)
{
	enum { WIDTH = 133, HEIGHT = 71 };
	uint8_t rgb[3 * WIDTH];

	(void)state;
	for (int kind = PATTERN_BARS; kind < KINDS; kind++) {
		uint64_t first = 0;

		for (size_t f = 0; pixel_format_at(f); f++) {
			const struct pixel_format *format = pixel_format_at(f);
			struct frame_info info = { format->fourcc, WIDTH, HEIGHT,
				pixel_format_stride(format, WIDTH) };
			struct pattern *pattern = pattern_create((enum pattern_kind)kind);
			const uint8_t *pixels = pattern_draw(pattern, &info, EPOCH, 77);
			uint64_t value = 0;

			for (size_t y = 0; y < HEIGHT; y++) {
				pixel_format_to_rgb(format, pixels + y * info.stride, WIDTH, rgb);
				value = XXH3_64bits_withSeed(rgb, sizeof(rgb), value);
			}
			first = f ? first : value;
			if (format->red_bits >= 8) {
				assert_int_equal(value, first);
			}
			pattern_destroy(pattern);
		}
	}
}

static void noise_differs_in_every_strip(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 1920, 1080, 7680 };
	/* 2^18 frames on, the window into the noise is the same again. */
	static const uint64_t steps[] = { 1, 2, 60, 1 << 18, UINT64_C(1) << 40 };
	struct pattern *one = pattern_create(PATTERN_RANDOM);
	struct pattern *two = pattern_create(PATTERN_RANDOM);
	size_t bytes = frame_info_bytes(&info);

	(void)state;
	for (uint64_t sequence = 1; sequence < 20; sequence++) {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			const uint8_t *a = pattern_draw(one, &info, EPOCH, sequence);
			const uint8_t *b = pattern_draw(two, &info, EPOCH, sequence + steps[i]);

			for (size_t at = 0; at + STRIP / 2 <= bytes; at += STRIP / 2) {
				assert_memory_not_equal(a + at, b + at, STRIP / 2);
			}
		}
	}
	pattern_destroy(one);
	pattern_destroy(two);
}

static void noise_has_no_favourite_byte(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 1024, 1024, 4096 };
	struct pattern *pattern = pattern_create(PATTERN_RANDOM);
	const uint8_t *pixels = pattern_draw(pattern, &info, EPOCH, 5);
	size_t counts[256] = { 0 };

	(void)state;
	for (size_t i = 0; i < frame_info_bytes(&info); i++) {
		counts[pixels[i]]++;
	}
	/* 16384 each expected, with a standard deviation of 128. */
	for (size_t i = 0; i < 256; i++) {
		assert_in_range(counts[i], 16384 - 8 * 128, 16384 + 8 * 128);
	}
	pattern_destroy(pattern);
}

static void noise_begins_with_sequence_and_epoch(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 64, 64, 256 };
	struct pattern *pattern = pattern_create(PATTERN_RANDOM);
	uint64_t stamp[2];

	(void)state;
	memcpy(stamp, pattern_draw(pattern, &info, EPOCH, 4711), sizeof(stamp));
	assert_int_equal(le64toh(stamp[0]), 4711);
	assert_int_equal(le64toh(stamp[1]), EPOCH);
	pattern_destroy(pattern);
}

static void noise_of_two_epochs_differs_behind_the_stamp(void **state)
{
	static const struct frame_info info = { DRM_FORMAT_XRGB8888, 64, 64, 256 };
	struct pattern *one = pattern_create(PATTERN_RANDOM);
	struct pattern *two = pattern_create(PATTERN_RANDOM);
	const uint8_t *a = pattern_draw(one, &info, EPOCH, 9);
	/* As many windows on as there are: only the noise can tell the two apart. */
	const uint8_t *b = pattern_draw(two, &info, EPOCH + (1 << 18), 9);

	(void)state;
	for (size_t at = 16; at < frame_info_bytes(&info); at += 16) {
		assert_memory_not_equal(a + at, b + at, 16);
	}
	pattern_destroy(one);
	pattern_destroy(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_kinds_agree),
		cmocka_unit_test(frames_are_what_they_always_were),
		cmocka_unit_test(history_does_not_matter),
		cmocka_unit_test(painting_on_is_painting_anew),
		cmocka_unit_test(what_stays_is_mended_where_it_was_crossed),
		cmocka_unit_test(every_shape_can_be_drawn_and_read_whole),
		cmocka_unit_test(scenes_stay_inside_their_pixels),
		cmocka_unit_test(padding_is_zero_in_pictures),
		cmocka_unit_test(frames_after_each_other_differ),
		cmocka_unit_test(pictures_do_not_depend_on_the_format),
		cmocka_unit_test(noise_differs_in_every_strip),
		cmocka_unit_test(noise_has_no_favourite_byte),
		cmocka_unit_test(noise_begins_with_sequence_and_epoch),
		cmocka_unit_test(noise_of_two_epochs_differs_behind_the_stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
