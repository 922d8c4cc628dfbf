/* SPDX-License-Identifier: MIT */
/*
 * PNG files, read again with libpng.
 */
#include "png_file.h"
#include "pixel_format.h"
#include "place.h"

#include <drm_fourcc.h>
#include <png.h>

static uint8_t *read_rgb(const char *path, const struct frame_info *info)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	uint8_t *rgb;

	assert_true(png_image_begin_read_from_file(&image, path));
	assert_int_equal(image.width, info->width);
	assert_int_equal(image.height, info->height);
	assert_int_equal(image.format, PNG_FORMAT_RGB);
	rgb = malloc(PNG_IMAGE_SIZE(image));
	assert_non_null(rgb);
	assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	return rgb;
}

static uint8_t *noise(size_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)random();
	}
	return bytes;
}

static void try_picture(const struct place *place, const struct frame_info *info)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);
	size_t row_bytes = (size_t)info->width * 3;
	uint8_t *pixels = noise(frame_info_bytes(info));
	uint8_t *expected = malloc(row_bytes);
	struct complaint why = { "" };
	uint8_t *rgb;

	assert_non_null(expected);
	assert_int_equal(png_file_write(place->path, info, pixels, &why), 0);
	rgb = read_rgb(place->path, info);
	for (uint32_t y = 0; y < info->height; y++) {
		pixel_format_to_rgb(
		        format, pixels + (size_t)y * info->stride, info->width, expected);
		assert_memory_equal(rgb + y * row_bytes, expected, row_bytes);
	}
	free(rgb);
	free(expected);
	free(pixels);
}

static void every_format_comes_back(void **state)
{
	static const uint32_t sizes[][2] = { { 1, 1 }, { 3, 2 }, { 1366, 77 }, { 7, 1000 } };

	for (size_t i = 0; pixel_format_at(i); i++) {
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			struct frame_info info = {
				.fourcc = pixel_format_at(i)->fourcc,
				.width = sizes[k][0],
				.height = sizes[k][1],
				.stride = pixel_format_stride(pixel_format_at(i), sizes[k][0]),
			};

			try_picture(*state, &info);
			info.stride += 64;
			try_picture(*state, &info);
		}
	}
}

static void colours_are_where_they_belong(void **state)
{
	const struct frame_info info = { DRM_FORMAT_XRGB8888, 2, 1, 8 };
	const uint8_t pixels[] = { 3, 2, 1, 0, 30, 20, 10, 0xff };
	const uint8_t expected[] = { 1, 2, 3, 10, 20, 30 };
	const struct place *place = *state;
	struct complaint why;
	uint8_t *rgb;

	assert_int_equal(png_file_write(place->path, &info, pixels, &why), 0);
	rgb = read_rgb(place->path, &info);
	assert_memory_equal(rgb, expected, sizeof(expected));
	free(rgb);
}

static void what_cannot_be_written_is_an_error(void **state)
{
	struct frame_info info = { DRM_FORMAT_XRGB8888, 640, 480, 640 * 4 };
	const struct place *place = *state;
	uint8_t *pixels = noise(frame_info_bytes(&info));
	struct complaint why = { "" };

	/* Through a link, so that a fault in here costs the link and not the machine's device. */
	assert_int_equal(symlink("/dev/full", place->path), 0);
	assert_int_equal(png_file_write(place->path, &info, pixels, &why), -ENOSPC);
	assert_says(&why, place->path);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(png_file_write("/nowhere/at/all", &info, pixels, &why), -ENOENT);
	info.fourcc = DRM_FORMAT_NV12;
	assert_int_equal(png_file_write(place->path, &info, pixels, &why), -EINVAL);
	info.fourcc = DRM_FORMAT_XRGB8888;
	info.width = 0;
	assert_int_equal(png_file_write(place->path, &info, pixels, &why), -EINVAL);
	free(pixels);
	/* That nothing is left is checked by the folder's removal. */
	assert_int_equal(access(place->path, F_OK), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_format_comes_back),
		TEST(colours_are_where_they_belong),
		TEST(what_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
