/* SPDX-License-Identifier: MIT */
/*
 * Boxes that move over a grid, each at its own pace, and turn round at the edges. Uneven motion
 * and edges that do not meet are what the eye finds first.
 */
#include "pattern_scene.h"

#define GROUND_COLOR 0x18202cu
#define LINE_COLOR   0x3a4a60u

/* Sides and steps in 1/480 of the picture's height, but one pixel at least. */
static const struct {
	uint32_t side;
	uint32_t step_x, step_y; /* per frame */
	canvas_color color;
} boxes[] = {
	{ 120, 1, 1, 0xe0a030 },
	{ 96, 2, 1, 0x4080e0 },
	{ 80, 1, 3, 0x50b060 },
	{ 64, 3, 2, 0xd05050 },
	{ 56, 4, 1, 0x9060d0 },
	{ 48, 2, 5, 0x40c0c0 },
	{ 40, 7, 3, 0xf0f0f0 },
	{ 32, 5, 8, 0xf0e040 },
};

static uint32_t scaled(const struct frame_info *info, uint32_t units)
{
	uint32_t pixels = units * info->height / 480;

	return pixels ? pixels : 1;
}

static void paint_grid(const struct canvas *canvas)
{
	int32_t width = (int32_t)canvas->info.width;
	int32_t height = (int32_t)canvas->info.height;
	int32_t pitch = (int32_t)scaled(&canvas->info, 30);
	int32_t line = (int32_t)scaled(&canvas->info, 1);
	int32_t right = canvas->clip.x + canvas->clip.width;
	int32_t bottom = canvas->clip.y + canvas->clip.height;

	canvas_fill(canvas, canvas->clip, GROUND_COLOR);
	for (int32_t x = canvas->clip.x / pitch * pitch; x < right; x += pitch) {
		canvas_fill(canvas, (struct canvas_rect) { x, 0, line, height }, LINE_COLOR);
	}
	for (int32_t y = canvas->clip.y / pitch * pitch; y < bottom; y += pitch) {
		canvas_fill(canvas, (struct canvas_rect) { 0, y, width, line }, LINE_COLOR);
	}
}

/* To and fro between 0 and room. */
static int32_t swing(uint64_t way, uint32_t room)
{
	uint64_t at = room ? way % (2 * (uint64_t)room) : 0;

	return (int32_t)(at <= room ? at : 2 * (uint64_t)room - at);
}

static size_t place_boxes(
        const struct frame_info *info, uint64_t sequence, struct pattern_mover *movers)
{
	size_t count = sizeof(boxes) / sizeof(boxes[0]);

	for (size_t i = 0; i < count; i++) {
		uint32_t side = scaled(info, boxes[i].side);
		uint32_t wide = side < info->width ? side : info->width;
		/* The first frames already show them apart from each other. */
		uint64_t start = i * (info->width / count);

		movers[i].rect = (struct canvas_rect) {
			swing(start + sequence * scaled(info, boxes[i].step_x), info->width - wide),
			swing(start + sequence * scaled(info, boxes[i].step_y),
			        info->height - side),
			(int32_t)wide,
			(int32_t)side,
		};
		movers[i].color = boxes[i].color;
	}
	return count;
}

const struct pattern_scene pattern_motion_scene = {
	.paint_still = paint_grid,
	.place_movers = place_boxes,
};

static struct pattern *motion_create(void)
{
	return pattern_scene_create(&pattern_motion, &pattern_motion_scene);
}

const struct pattern_ops pattern_motion = {
	.name = "motion",
	.create = motion_create,
	.draw = pattern_scene_draw,
	.destroy = pattern_scene_destroy,
};
