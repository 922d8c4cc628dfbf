/* SPDX-License-Identifier: MIT */
#include "png_file.h"
#include "log.h"
#include "pixel_format.h"
#include "whole_file.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

/* libpng ends a failing call with a long jump; what it says is worth a debug line only. */
static void on_error(png_structp png, png_const_charp text)
{
	log_debug("libpng: %s", text);
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
	(void)png;
	log_debug("libpng: %s", text);
}

/* May leave by a long jump, so it owns nothing. */
static void write_rows(png_structp png, png_infop header, const struct frame_info *info,
        const uint8_t *pixels, uint8_t *rgb)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);

	png_set_IHDR(png, header, info->width, info->height, 8, PNG_COLOR_TYPE_RGB,
	        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, header);
	for (uint32_t y = 0; y < info->height; y++) {
		pixel_format_to_rgb(format, pixels + (size_t)y * info->stride, info->width, rgb);
		png_write_row(png, rgb);
	}
	png_write_end(png, header);
}

/* 0 or -errno. */
static int write_png(FILE *stream, const struct frame_info *info, const void *pixels, uint8_t *rgb)
{
	png_structp png =
	        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	png_infop header = png ? png_create_info_struct(png) : NULL;
	int error = 0;

	if (!header) {
		png_destroy_write_struct(&png, NULL);
		return -ENOMEM;
	}
	errno = 0;
	if (setjmp(png_jmpbuf(png)) == 0) {
		png_init_io(png, stream);
		write_rows(png, header, info, pixels, rgb);
	} else {
		error = errno ? -errno : -EIO;
	}
	png_destroy_write_struct(&png, &header);
	return error;
}

int png_file_write(
        const char *path, const struct frame_info *info, const void *pixels, struct complaint *why)
{
	struct whole_file file;
	uint8_t *rgb;
	int error;

	if (!pixel_format_by_fourcc(info->fourcc) || info->width == 0 || info->height == 0) {
		complain(why, "%.200s cannot be written: no picture in a format that is known",
		        path);
		return -EINVAL;
	}
	error = whole_file_begin(&file, path, why);
	if (error) {
		return error;
	}
	rgb = malloc((size_t)info->width * 3);
	error = rgb ? write_png(file.stream, info, pixels, rgb) : -ENOMEM;
	free(rgb);
	return whole_file_end(&file, error, why);
}
