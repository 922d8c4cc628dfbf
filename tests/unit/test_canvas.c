/* SPDX-License-Identifier: MIT */
#include "canvas.h"
#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <drm_fourcc.h>

#define WIDTH  13u
#define HEIGHT 7u
#define PAD    8u /* bytes between rows that must stay as they are */

static struct frame_info info_of(const struct pixel_format *format, uint32_t pad)
{
	return (struct frame_info) { format->fourcc, WIDTH, HEIGHT,
		pixel_format_stride(format, WIDTH) + pad };
}

static bool inside(struct canvas_rect rect, int64_t x, int64_t y)
{
	return x >= rect.x && x < (int64_t)rect.x + rect.width && y >= rect.y &&
	       y < (int64_t)rect.y + rect.height;
}

/* What a fill should do, pixel by pixel. */
static void fill_slowly(
        const struct canvas *canvas, uint8_t *pixels, struct canvas_rect rect, canvas_color color)
{
	uint32_t word = pixel_format_pack(
	        canvas->format, (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color);

	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint8_t *at = pixels + y * canvas->info.stride + x * canvas->format->bytes;

			for (uint32_t i = 0; i < canvas->format->bytes; i++) {
				if (inside(rect, x, y) && inside(canvas->clip, x, y)) {
					at[i] = (uint8_t)(word >> (8 * i));
				}
			}
		}
	}
}

static int32_t any_of(const int32_t *values, size_t count)
{
	return values[(size_t)rand() % count];
}

static struct canvas_rect any_rect(void)
{
	static const int32_t places[] = { INT32_MIN, -1000, -3, -1, 0, 1, 2, 6, 7, 12, 13, 14, 999,
		INT32_MAX };
	static const int32_t lengths[] = { INT32_MIN, -1, 0, 1, 2, 5, 7, 13, 14, 1002, INT32_MAX };
	const size_t place_count = sizeof(places) / sizeof(places[0]);
	const size_t length_count = sizeof(lengths) / sizeof(lengths[0]);

	return (struct canvas_rect) {
		any_of(places, place_count),
		any_of(places, place_count),
		any_of(lengths, length_count),
		any_of(lengths, length_count),
	};
}

static void fills_clip_and_stay_inside(void **state)
{
	(void)state;
	srand(1);
	for (size_t f = 0; pixel_format_at(f); f++) {
		/* The last row is followed by the guard at once, so it has no padding. */
		struct frame_info info = info_of(pixel_format_at(f), 0);
		struct guarded sides[2] = {
			guarded_map(frame_info_bytes(&info), GUARDED_BEFORE),
			guarded_map(frame_info_bytes(&info), GUARDED_BEHIND),
		};
		uint8_t *want = calloc(1, frame_info_bytes(&info));

		for (uint32_t round = 0; round < 4000; round++) {
			uint8_t *pixels = sides[round % 2].bytes;
			struct canvas whole = canvas_over(&info, pixels);
			struct canvas part = canvas_clipped(&whole, any_rect());
			struct canvas canvas = canvas_clipped(&part, any_rect());
			struct canvas_rect rect = any_rect();
			canvas_color color = (canvas_color)rand() & 0xffffff;

			memcpy(want, pixels, frame_info_bytes(&info));
			fill_slowly(&canvas, want, rect, color);
			canvas_fill(&canvas, rect, color);
			assert_memory_equal(pixels, want, frame_info_bytes(&info));
		}
		free(want);
		guarded_unmap(&sides[0]);
		guarded_unmap(&sides[1]);
	}
}

static void clips_are_where_both_are(void **state)
{
	struct frame_info info = info_of(pixel_format_at(0), 0);
	uint8_t pixels[WIDTH * HEIGHT * 4];
	struct canvas whole = canvas_over(&info, pixels);
	struct canvas part = canvas_clipped(&whole, (struct canvas_rect) { -2, 3, 7, 100 });
	struct canvas less = canvas_clipped(&part, (struct canvas_rect) { 4, 0, 9, 4 });
	struct canvas none = canvas_clipped(&part, (struct canvas_rect) { 5, 3, 2, 2 });

	(void)state;
	assert_int_equal(part.clip.x, 0);
	assert_int_equal(part.clip.y, 3);
	assert_int_equal(part.clip.width, 5);
	assert_int_equal(part.clip.height, 4);
	assert_int_equal(less.clip.x, 4);
	assert_int_equal(less.clip.y, 3);
	assert_int_equal(less.clip.width, 1);
	assert_int_equal(less.clip.height, 1);
	assert_int_equal(none.clip.width, 0);
}

static void padding_is_left_alone(void **state)
{
	(void)state;
	for (size_t f = 0; pixel_format_at(f); f++) {
		struct frame_info info = info_of(pixel_format_at(f), PAD);
		size_t row = (size_t)WIDTH * pixel_format_at(f)->bytes;
		size_t bytes = frame_info_bytes(&info);
		uint8_t *pixels = malloc(bytes);
		uint8_t source[WIDTH * 4] = { 0 };
		struct canvas canvas = canvas_over(&info, pixels);

		memset(pixels, 0x77, bytes);
		canvas_fill(&canvas, canvas.clip, 0);
		canvas_copy_row(&canvas, HEIGHT - 1, source);
		for (size_t i = 0; i < bytes; i++) {
			if (i % info.stride >= row) {
				assert_int_equal(pixels[i], 0x77);
			}
		}
		assert_int_not_equal(pixels[0], 0x77);
		assert_int_equal(pixels[(HEIGHT - 1) * info.stride], 0);
		free(pixels);
	}
}

static void only_possible_frames_fit(void **state)
{
	const struct frame_info good = { DRM_FORMAT_XRGB8888, 16384, 16384, 65536 };
	struct frame_info wrong[] = { good, good, good, good, good, good };

	(void)state;
	assert_true(canvas_info_fits(&good));
	wrong[0].fourcc = 0;
	wrong[1].width = 0;
	wrong[2].height = 0;
	wrong[3].width = 16385;
	wrong[3].stride = 70000;
	wrong[4].height = 16385;
	wrong[5].stride = 65532;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(canvas_info_fits(&wrong[i]));
	}
	/* A width whose row wraps in 32 bits. */
	wrong[0] = (struct frame_info) { DRM_FORMAT_XRGB8888, 0x40000001, 1, 4 };
	assert_false(canvas_info_fits(&wrong[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_clip_and_stay_inside),
		cmocka_unit_test(clips_are_where_both_are),
		cmocka_unit_test(padding_is_left_alone),
		cmocka_unit_test(only_possible_frames_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
