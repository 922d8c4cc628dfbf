/* SPDX-License-Identifier: MIT */
#include "canvas.h"

#include <assert.h>
#include <string.h>

bool canvas_info_fits(const struct frame_info *info)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);

	return format && info->width >= 1 && info->width <= FRAME_SIDE_MAX && info->height >= 1 &&
	       info->height <= FRAME_SIDE_MAX && info->stride >= info->width * format->bytes;
}

struct canvas canvas_over(const struct frame_info *info, void *pixels)
{
	assert(canvas_info_fits(info));
	return (struct canvas) {
		.pixels = pixels,
		.info = *info,
		.format = pixel_format_by_fourcc(info->fourcc),
		.clip = { 0, 0, (int32_t)info->width, (int32_t)info->height },
	};
}

/* The part of a line [at, at + length) that lies in [low, low + room); 64 bits cannot overflow. */
static void clip_line(int32_t *at, int32_t *length, int32_t low, int32_t room)
{
	int64_t begin = *at > low ? *at : low;
	int64_t end = (int64_t)*at + *length;

	if (end > (int64_t)low + room) {
		end = (int64_t)low + room;
	}
	*length = end > begin ? (int32_t)(end - begin) : 0;
	*at = *length > 0 ? (int32_t)begin : low;
}

static struct canvas_rect clip_rect(struct canvas_rect rect, struct canvas_rect clip)
{
	clip_line(&rect.x, &rect.width, clip.x, clip.width);
	clip_line(&rect.y, &rect.height, clip.y, clip.height);
	return rect;
}

struct canvas canvas_clipped(const struct canvas *canvas, struct canvas_rect rect)
{
	struct canvas part = *canvas;

	part.clip = clip_rect(rect, canvas->clip);
	return part;
}

void canvas_fill_pixels(
        const struct pixel_format *format, uint8_t *pixels, size_t count, canvas_color color)
{
	uint32_t word = pixel_format_pack(
	        format, (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color);
	size_t bytes = count * format->bytes;
	size_t done = 0;

	for (; done < format->bytes && done < bytes; done++) {
		pixels[done] = (uint8_t)(word >> (8 * done));
	}
	/* Each turn copies what is there already, so a row takes a dozen calls of memcpy(). */
	while (done < bytes) {
		size_t more = done < bytes - done ? done : bytes - done;

		memcpy(pixels + done, pixels, more);
		done += more;
	}
}

void canvas_fill(const struct canvas *canvas, struct canvas_rect rect, canvas_color color)
{
	size_t stride = canvas->info.stride;
	size_t row_bytes;
	uint8_t *first;

	rect = clip_rect(rect, canvas->clip);
	if (rect.width <= 0 || rect.height <= 0) {
		return;
	}
	row_bytes = (size_t)rect.width * canvas->format->bytes;
	first = canvas->pixels + (size_t)rect.y * stride + (size_t)rect.x * canvas->format->bytes;
	canvas_fill_pixels(canvas->format, first, (size_t)rect.width, color);
	for (size_t y = 1; y < (size_t)rect.height; y++) {
		memcpy(first + y * stride, first, row_bytes);
	}
}

void canvas_copy_row(const struct canvas *canvas, uint32_t y, const void *row)
{
	assert(y < canvas->info.height);
	memcpy(canvas->pixels + (size_t)y * canvas->info.stride, row,
	        (size_t)canvas->info.width * canvas->format->bytes);
}
