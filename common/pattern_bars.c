/* SPDX-License-Identifier: MIT */
/*
 * Colour bars after SMPTE EG 1: three strips, and a white line that sweeps over them, in which a
 * torn or a late frame shows.
 */
#include "pattern_scene.h"

#define LINE_COLOR 0xffffffu
#define EDGE_COLOR 0x000000u

/* Widths in 84ths of the picture's, heights in 12ths, so that every edge of EG 1 is a whole one. */
#define UNITS_ACROSS 84
#define UNITS_DOWN   12

static const struct {
	uint8_t x, y, width, height;
	canvas_color color;
} bars[] = {
	{ 0, 0, 12, 8, 0xc0c0c0 },
	{ 12, 0, 12, 8, 0xc0c000 },
	{ 24, 0, 12, 8, 0x00c0c0 },
	{ 36, 0, 12, 8, 0x00c000 },
	{ 48, 0, 12, 8, 0xc000c0 },
	{ 60, 0, 12, 8, 0xc00000 },
	{ 72, 0, 12, 8, 0x0000c0 },
	/* the same the other way round for the blue channel */
	{ 0, 8, 12, 1, 0x0000c0 },
	{ 12, 8, 12, 1, 0x131313 },
	{ 24, 8, 12, 1, 0xc000c0 },
	{ 36, 8, 12, 1, 0x131313 },
	{ 48, 8, 12, 1, 0x00c0c0 },
	{ 60, 8, 12, 1, 0x131313 },
	{ 72, 8, 12, 1, 0xc0c0c0 },
	/* -I, white, +Q, black, and the three steps around black */
	{ 0, 9, 15, 3, 0x00214c },
	{ 15, 9, 15, 3, 0xffffff },
	{ 30, 9, 15, 3, 0x32006a },
	{ 45, 9, 15, 3, 0x131313 },
	{ 60, 9, 4, 3, 0x090909 },
	{ 64, 9, 4, 3, 0x131313 },
	{ 68, 9, 4, 3, 0x1d1d1d },
	{ 72, 9, 12, 3, 0x131313 },
};

static int32_t part(uint32_t side, uint32_t units, uint32_t of)
{
	return (int32_t)(side * units / of);
}

static void paint_bars(const struct canvas *canvas)
{
	uint32_t width = canvas->info.width;
	uint32_t height = canvas->info.height;

	for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
		uint32_t right = (uint32_t)bars[i].x + bars[i].width;
		uint32_t bottom = (uint32_t)bars[i].y + bars[i].height;
		int32_t x = part(width, bars[i].x, UNITS_ACROSS);
		int32_t y = part(height, bars[i].y, UNITS_DOWN);
		struct canvas_rect rect = {
			.x = x,
			.y = y,
			.width = part(width, right, UNITS_ACROSS) - x,
			.height = part(height, bottom, UNITS_DOWN) - y,
		};

		canvas_fill(canvas, rect, bars[i].color);
	}
}

static size_t place_line(
        const struct frame_info *info, uint64_t sequence, struct pattern_mover *movers)
{
	uint32_t step = info->width / 240 + 1; /* four seconds from side to side at 60 fps */
	int32_t half = (int32_t)(info->width / 320 + 1);
	int32_t x = (int32_t)(sequence % info->width * step % info->width);
	int32_t height = (int32_t)info->height;

	movers[0].rect = (struct canvas_rect) { x - half, 0, 3 * half, height };
	movers[0].color = EDGE_COLOR;
	movers[1].rect = (struct canvas_rect) { x, 0, half, height };
	movers[1].color = LINE_COLOR;
	return 2;
}

const struct pattern_scene pattern_bars_scene = {
	.paint_still = paint_bars,
	.place_movers = place_line,
};

static struct pattern *bars_create(void)
{
	return pattern_scene_create(&pattern_bars, &pattern_bars_scene);
}

const struct pattern_ops pattern_bars = {
	.name = "bars",
	.create = bars_create,
	.draw = pattern_scene_draw,
	.destroy = pattern_scene_destroy,
};
