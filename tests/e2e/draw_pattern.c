/* SPDX-License-Identifier: MIT */
/*
 * Draws one frame again, for a test to compare with what a program made of it:
 *
 *   draw_pattern PATTERN FORMAT WxH EPOCH SEQUENCE rgb|raw
 *
 * rgb: red, green, blue of each pixel. raw: its own bytes without padding, as guest-capture --input
 * reads them. EPOCH is hexadecimal, as in the CSV.
 */
#include "pattern.h"
#include "pixel_format.h"
#include "resolution.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_frame(const struct frame_info *info, const uint8_t *pixels, bool raw)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);
	size_t row_bytes = (size_t)info->width * (raw ? format->bytes : 3);
	uint8_t *row = malloc(row_bytes);

	for (uint32_t y = 0; row && y < info->height; y++, pixels += info->stride) {
		if (raw) {
			memcpy(row, pixels, row_bytes);
		} else {
			pixel_format_to_rgb(format, pixels, info->width, row);
		}
		if (fwrite(row, row_bytes, 1, stdout) != 1) {
			break;
		}
	}
	free(row);
	return fflush(stdout) != 0 || ferror(stdout);
}

int main(int argc, char **argv)
{
	struct resolution sizes[RESOLUTION_LIST_MAX];
	const struct pixel_format *format = argc == 7 ? pixel_format_by_name(argv[2]) : NULL;
	struct frame_info info = { 0 };
	struct pattern *pattern;
	struct complaint why;
	const void *pixels;
	int result;

	if (!format || pattern_kind_by_name(argv[1]) < 0 ||
	        resolution_parse_list(argv[3], sizes, &why) != 1) {
		fprintf(stderr, "usage: draw_pattern PATTERN FORMAT WxH EPOCH SEQUENCE rgb|raw\n");
		return 2;
	}
	info.fourcc = format->fourcc;
	info.width = sizes[0].width;
	info.height = sizes[0].height;
	info.stride = pixel_format_stride(format, info.width);
	pattern = pattern_create((enum pattern_kind)pattern_kind_by_name(argv[1]));
	pixels = pattern ? pattern_draw(pattern, &info, strtoull(argv[4], NULL, 16),
	                           strtoull(argv[5], NULL, 10))
	                 : NULL;
	result = pixels ? write_frame(&info, pixels, strcmp(argv[6], "raw") == 0) : 1;
	pattern_destroy(pattern);
	return result;
}
