/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include "pixel_format.h"

#include <string.h>

#define PADDING_MAX 16u /* words behind a row */

uint64_t picture_mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static struct frame_info make_info(
        const struct pixel_format *format, uint32_t width, uint32_t height, uint32_t padding)
{
	return (struct frame_info) {
		.fourcc = format->fourcc,
		.width = width,
		.height = height,
		.stride = pixel_format_stride(format, width) + padding,
	};
}

struct frame_info picture_info(const struct picture_plan *plan, uint64_t epoch, uint64_t sequence)
{
	uint64_t dice = picture_mix(epoch + picture_mix(sequence / plan->change_every));
	size_t formats = 0;

	if (plan->width) {
		return make_info(pixel_format_at(0), plan->width, plan->height, 0);
	}
	while (pixel_format_at(formats)) {
		formats++;
	}
	return make_info(pixel_format_at(dice % formats),
	        1 + (uint32_t)(dice >> 8 & 0xffff) % PICTURE_SIDE_MAX,
	        1 + (uint32_t)(dice >> 24 & 0xffff) % PICTURE_SIDE_MAX,
	        4 * (uint32_t)((dice >> 40 & 0xffff) % PADDING_MAX));
}

uint64_t picture_bytes_max(const struct picture_plan *plan)
{
	if (plan->width) {
		return (uint64_t)plan->width * plan->height * 4;
	}
	return (uint64_t)PICTURE_SIDE_MAX * (PICTURE_SIDE_MAX + PADDING_MAX) * 4;
}

void picture_draw(const struct frame_info *info, uint64_t epoch, uint64_t sequence, uint8_t *pixels)
{
	uint64_t word = picture_mix(epoch ^ picture_mix(sequence));
	uint64_t bytes = frame_info_bytes(info);

	for (uint64_t at = 0; at < bytes; at += sizeof(word)) {
		uint64_t room = bytes - at;

		word = word * UINT64_C(0xd1342543de82ef95) + 1;
		memcpy(pixels + at, &word, room < sizeof(word) ? room : sizeof(word));
	}
}
