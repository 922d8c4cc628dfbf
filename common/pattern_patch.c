/* SPDX-License-Identifier: MIT */
#include "pattern_patch.h"
#include "canvas.h"
#include "pattern_ops.h"
#include "pixel_format.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pattern_patch {
	double side; /* of a cell, as a share of the frame's */
	struct pattern *noise;
	struct pattern_buffer board;
	struct frame_info info; /* of what is on the board */
	uint64_t epoch;
	uint64_t sequence;
	bool is_drawn;
};

struct pattern_patch *pattern_patch_create(double share)
{
	struct pattern_patch *patch = calloc(1, sizeof(*patch));

	assert(share >= PATTERN_PATCH_LEAST && share <= 1);
	if (patch) {
		patch->side = sqrt(share);
		patch->noise = pattern_create(PATTERN_RANDOM);
	}
	if (patch && !patch->noise) {
		free(patch);
		return NULL;
	}
	return patch;
}

void pattern_patch_destroy(struct pattern_patch *patch)
{
	if (patch) {
		pattern_destroy(patch->noise);
		pattern_buffer_finish(&patch->board);
		free(patch);
	}
}

static uint16_t cell_side(double share, uint32_t frame_side)
{
	long side = lround(share * frame_side);

	return (uint16_t)(side < 1 ? 1 : side);
}

/* Cells lie side by side, row by row; the first is renewed by sequence 1. */
static struct frame_rect cell_of(
        const struct pattern_patch *patch, const struct frame_info *info, uint64_t sequence)
{
	const uint16_t width = cell_side(patch->side, info->width);
	const uint16_t height = cell_side(patch->side, info->height);
	const uint32_t columns = info->width / width;
	const uint64_t cell = (sequence - 1) % ((uint64_t)columns * (info->height / height));

	return (struct frame_rect) { (uint16_t)(cell % columns * width),
		(uint16_t)(cell / columns * height), width, height };
}

static uint64_t cell_count(const struct pattern_patch *patch, const struct frame_info *info)
{
	return (uint64_t)(info->width / cell_side(patch->side, info->width)) *
	       (info->height / cell_side(patch->side, info->height));
}

/* false: out of memory */
static bool renew_cell(struct pattern_patch *patch, const struct frame *frame, uint64_t sequence)
{
	const struct frame_rect cell = cell_of(patch, &frame->info, sequence);
	const size_t pixel = pixel_format_by_fourcc(frame->info.fourcc)->bytes;
	const size_t row_bytes = cell.width * pixel;
	const struct frame_info info = {
		.fourcc = frame->info.fourcc,
		.width = cell.width,
		.height = cell.height,
		.stride =
		        pixel_format_stride(pixel_format_by_fourcc(frame->info.fourcc), cell.width),
	};
	const uint8_t *noise = pattern_draw(patch->noise, &info, frame->epoch, sequence);
	uint8_t *to = patch->board.bytes + (size_t)cell.y * frame->info.stride + cell.x * pixel;

	for (uint32_t row = 0; noise && row < cell.height; row++) {
		memcpy(to + (size_t)row * frame->info.stride, noise + (size_t)row * info.stride,
		        row_bytes);
	}
	return noise != NULL;
}

static bool draw_all(struct pattern_patch *patch, const struct frame *frame)
{
	const uint64_t cells = cell_count(patch, &frame->info);
	const uint64_t first = frame->sequence > cells ? frame->sequence - cells + 1 : 1;
	const size_t bytes = frame_info_bytes(&frame->info);
	const void *noise = NULL;

	if (pattern_buffer_reserve(&patch->board, bytes)) {
		noise = pattern_draw(patch->noise, &frame->info, frame->epoch, 0);
	}
	if (!noise) {
		return false;
	}
	memcpy(patch->board.bytes, noise, bytes);
	for (uint64_t sequence = first; sequence <= frame->sequence; sequence++) {
		if (!renew_cell(patch, frame, sequence)) {
			return false;
		}
	}
	return true;
}

int pattern_patch_draw(struct pattern_patch *patch, struct frame *frame)
{
	bool follows = patch->is_drawn && frame_info_equal(&patch->info, &frame->info) &&
	               patch->epoch == frame->epoch && patch->sequence + 1 == frame->sequence;

	assert(canvas_info_fits(&frame->info));
	patch->is_drawn =
	        follows ? renew_cell(patch, frame, frame->sequence) : draw_all(patch, frame);
	if (!patch->is_drawn) {
		return -ENOMEM;
	}
	patch->info = frame->info;
	patch->epoch = frame->epoch;
	patch->sequence = frame->sequence;
	frame->pixels = patch->board.bytes;
	frame->damage.base_sequence = follows ? frame->sequence - 1 : 0;
	frame->damage.count = follows ? 1 : 0;
	if (follows) {
		frame->damage.rects[0] = cell_of(patch, &frame->info, frame->sequence);
	}
	return 0;
}
