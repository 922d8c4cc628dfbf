/* SPDX-License-Identifier: MIT */
#include "pixel_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <drm_fourcc.h>

static void store(const struct pixel_format *format, uint32_t word, uint8_t *pixel)
{
	for (uint32_t i = 0; i < format->bytes; i++) {
		pixel[i] = (uint8_t)(word >> (8 * i));
	}
}

static void every_format_is_found_by_its_name_and_number(void **state)
{
	size_t count = 0;
	char names[400] = "";

	(void)state;
	for (; pixel_format_at(count); count++) {
		const struct pixel_format *format = pixel_format_at(count);

		assert_ptr_equal(pixel_format_by_fourcc(format->fourcc), format);
		assert_ptr_equal(pixel_format_by_name(format->name), format);
		strcat(names, count ? ", " : "");
		strcat(names, format->name);
	}
	assert_int_equal(count, 8);
	assert_null(pixel_format_at(count + 1));
	assert_null(pixel_format_at(SIZE_MAX));
	assert_string_equal(pixel_format_names(), names);
}

static void unknown_formats_are_not_found(void **state)
{
	(void)state;
	assert_null(pixel_format_by_fourcc(0));
	assert_null(pixel_format_by_fourcc(DRM_FORMAT_NV12));
	assert_null(pixel_format_by_fourcc(DRM_FORMAT_XRGB8888 | DRM_FORMAT_BIG_ENDIAN));
	assert_null(pixel_format_by_name(""));
	assert_null(pixel_format_by_name("xrgb888"));
	assert_null(pixel_format_by_name("xrgb88888"));
	assert_null(pixel_format_by_name("XRGB8888"));
}

/* The bytes in memory, as ffmpeg's name spells them. */
static void colors_lie_where_drm_says(void **state)
{
	static const struct {
		uint32_t fourcc;
		const char *ffmpeg;
		uint8_t bytes;
		uint8_t pixel[4]; /* of red 0x11, green 0x22, blue 0x33 */
	} known[] = {
		{ DRM_FORMAT_XRGB8888, "bgr0", 4, { 0x33, 0x22, 0x11, 0xff } },
		{ DRM_FORMAT_ARGB8888, "bgra", 4, { 0x33, 0x22, 0x11, 0xff } },
		{ DRM_FORMAT_XBGR8888, "rgb0", 4, { 0x11, 0x22, 0x33, 0xff } },
		{ DRM_FORMAT_ABGR8888, "rgba", 4, { 0x11, 0x22, 0x33, 0xff } },
		{ DRM_FORMAT_RGB888, "bgr24", 3, { 0x33, 0x22, 0x11 } },
		{ DRM_FORMAT_BGR888, "rgb24", 3, { 0x11, 0x22, 0x33 } },
		/* 00010 001000 00110 */
		{ DRM_FORMAT_RGB565, "rgb565le", 2, { 0x06, 0x11 } },
		/* 11, 0001000100, 0010001000, 0011001100 */
		{ DRM_FORMAT_XRGB2101010, "x2rgb10le", 4, { 0xcc, 0x20, 0x42, 0xc4 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct pixel_format *format = pixel_format_by_fourcc(known[i].fourcc);
		uint8_t pixel[4] = { 0 };

		assert_non_null(format);
		assert_string_equal(format->ffmpeg, known[i].ffmpeg);
		assert_int_equal(format->bytes, known[i].bytes);
		store(format, pixel_format_pack(format, 0x11, 0x22, 0x33), pixel);
		assert_memory_equal(pixel, known[i].pixel, 4);
	}
}

static void eight_bits_and_more_come_back_unchanged(void **state)
{
	(void)state;
	for (size_t i = 0; pixel_format_at(i); i++) {
		const struct pixel_format *format = pixel_format_at(i);

		for (uint32_t value = 0; value < 256 && format->red_bits >= 8; value++) {
			uint8_t sent[3] = { (uint8_t)value, (uint8_t)(value ^ 0x5a),
				(uint8_t)~value };
			uint8_t pixel[4];
			uint8_t rgb[3];

			store(format, pixel_format_pack(format, sent[0], sent[1], sent[2]), pixel);
			pixel_format_to_rgb(format, pixel, 1, rgb);
			assert_memory_equal(rgb, sent, 3);
		}
	}
}

/* Fewer bits lose less than a step, black and white stay so, and a second trip loses nothing. */
static void fewer_bits_round_and_stay(void **state)
{
	const struct pixel_format *format = pixel_format_by_fourcc(DRM_FORMAT_RGB565);

	(void)state;
	for (uint32_t value = 0; value < 256; value++) {
		uint8_t pixel[2][2];
		uint8_t rgb[3];

		store(format,
		        pixel_format_pack(format, (uint8_t)value, (uint8_t)value, (uint8_t)value),
		        pixel[0]);
		pixel_format_to_rgb(format, pixel[0], 1, rgb);
		assert_true(abs((int)rgb[0] - (int)value) < 8);
		assert_true(abs((int)rgb[1] - (int)value) < 4);
		assert_true(abs((int)rgb[2] - (int)value) < 8);
		if (value == 0 || value == 255) {
			assert_int_equal(rgb[0], value);
			assert_int_equal(rgb[1], value);
			assert_int_equal(rgb[2], value);
		}
		store(format, pixel_format_pack(format, rgb[0], rgb[1], rgb[2]), pixel[1]);
		assert_memory_equal(pixel[0], pixel[1], 2);
	}
}

static void channels_do_not_touch_each_other(void **state)
{
	static const uint8_t colors[][3] = { { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 } };

	(void)state;
	for (size_t i = 0; pixel_format_at(i); i++) {
		for (size_t c = 0; c < 3; c++) {
			const struct pixel_format *format = pixel_format_at(i);
			uint8_t pixel[4];
			uint8_t rgb[3];

			store(format,
			        pixel_format_pack(format, colors[c][0], colors[c][1], colors[c][2]),
			        pixel);
			pixel_format_to_rgb(format, pixel, 1, rgb);
			assert_memory_equal(rgb, colors[c], 3);
		}
	}
}

static void unused_bits_do_not_show(void **state)
{
	const uint8_t dark[4] = { 0x33, 0x22, 0x11, 0x00 };
	const uint8_t rgb_sent[3] = { 0x11, 0x22, 0x33 };
	uint8_t rgb[3];

	(void)state;
	pixel_format_to_rgb(pixel_format_by_name("xrgb8888"), dark, 1, rgb);
	assert_memory_equal(rgb, rgb_sent, 3);
	pixel_format_to_rgb(pixel_format_by_name("argb8888"), dark, 1, rgb);
	assert_memory_equal(rgb, rgb_sent, 3);
}

static void a_row_is_turned_pixel_by_pixel(void **state)
{
	const uint8_t row[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	const uint8_t want[10] = { 3, 2, 1, 6, 5, 4, 9, 8, 7, 0xee };
	uint8_t rgb[10];

	(void)state;
	memset(rgb, 0xee, sizeof(rgb));
	pixel_format_to_rgb(pixel_format_by_name("rgb888"), row, 3, rgb);
	assert_memory_equal(rgb, want, sizeof(want));
}

static void strides_are_whole_words(void **state)
{
	(void)state;
	assert_int_equal(pixel_format_stride(pixel_format_by_name("xrgb8888"), 1366), 5464);
	assert_int_equal(pixel_format_stride(pixel_format_by_name("rgb888"), 1), 4);
	assert_int_equal(pixel_format_stride(pixel_format_by_name("rgb888"), 4), 12);
	assert_int_equal(pixel_format_stride(pixel_format_by_name("rgb888"), 1366), 4100);
	assert_int_equal(pixel_format_stride(pixel_format_by_name("rgb565"), 3), 8);
	assert_int_equal(pixel_format_stride(pixel_format_by_name("rgb565"), 16384), 32768);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_found_by_its_name_and_number),
		cmocka_unit_test(unknown_formats_are_not_found),
		cmocka_unit_test(colors_lie_where_drm_says),
		cmocka_unit_test(eight_bits_and_more_come_back_unchanged),
		cmocka_unit_test(fewer_bits_round_and_stay),
		cmocka_unit_test(channels_do_not_touch_each_other),
		cmocka_unit_test(unused_bits_do_not_show),
		cmocka_unit_test(a_row_is_turned_pixel_by_pixel),
		cmocka_unit_test(strides_are_whole_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
