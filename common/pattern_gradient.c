/* SPDX-License-Identifier: MIT */
/*
 * Ramps of colour, red, green, blue and grey that wander sideways, each in a band of its own:
 * every pixel changes with every frame, and lost bits of a channel show as steps.
 *
 * A ramp repeats after one width, so two periods of it, laid out once, hold every row of its band:
 * a frame is one copy a row.
 */
#include "canvas.h"
#include "pattern_ops.h"

#include <stdlib.h>
#include <string.h>

#define BAND_COUNT 5u
#define LEVELS     255u

struct gradient_pattern {
	struct pattern base;
	struct pattern_buffer frame;
	struct pattern_buffer ramps; /* BAND_COUNT ramps of two widths each */
	struct frame_info info;      /* of the ramps; height 0: there are none */
};

/* Up and down again over one period, LEVELS at the middle. */
static uint32_t triangle(uint32_t at, uint32_t period)
{
	uint32_t up = 2 * at < period ? 2 * at : 2 * (period - at);

	return up * LEVELS / period;
}

/* One channel on the way round the colours: full for a third, ramps of a sixth beside it. */
static uint32_t hue_channel(uint32_t at, uint32_t period)
{
	uint32_t sixths = 6 * (at % period);
	uint32_t level;

	if (sixths >= 3 * period) {
		sixths = 6 * period - sixths; /* the way back is the way there */
	}
	if (sixths <= period) {
		return LEVELS;
	}
	if (sixths >= 2 * period) {
		return 0;
	}
	level = (2 * period - sixths) * LEVELS / period;
	return level;
}

static canvas_color ramp_color(uint32_t band, uint32_t at, uint32_t period)
{
	uint32_t level = triangle(at, period);

	switch (band) {
	case 0:
		return hue_channel(at, period) << 16 |
		       hue_channel(at + period * 2 / 3, period) << 8 |
		       hue_channel(at + period / 3, period);
	case 1:
		return level << 16;
	case 2:
		return level << 8;
	case 3:
		return level;
	default:
		return level << 16 | level << 8 | level;
	}
}

static bool make_ramps(struct gradient_pattern *gradient, const struct frame_info *info)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);
	size_t period_bytes = (size_t)info->width * format->bytes;

	if (!pattern_buffer_reserve(&gradient->ramps, 2 * BAND_COUNT * period_bytes)) {
		return false;
	}
	for (uint32_t band = 0; band < BAND_COUNT; band++) {
		uint8_t *ramp = gradient->ramps.bytes + 2 * band * period_bytes;

		for (uint32_t x = 0; x < info->width; x++) {
			canvas_fill_pixels(format, ramp + (size_t)x * format->bytes, 1,
			        ramp_color(band, x, info->width));
		}
		memcpy(ramp + period_bytes, ramp, period_bytes);
	}
	return true;
}

/* The picture's upper half is the band of colours, the others share the rest. */
static uint32_t band_of_row(uint32_t y, uint32_t height)
{
	uint32_t eighth = (uint32_t)((uint64_t)y * 8 / height);

	return eighth < 4 ? 0 : eighth - 3;
}

/* The colours lie aslant; neighbouring bands wander in opposite directions. */
static uint32_t shift_of_row(const struct frame_info *info, uint32_t y, uint64_t sequence)
{
	uint32_t band = band_of_row(y, info->height);
	uint64_t way = sequence % info->width * (info->width / 480 + 1) % info->width;

	if (band == 0) {
		way += y;
	}
	way %= info->width;
	return (uint32_t)(band % 2 ? info->width - 1 - way : way);
}

static const void *gradient_draw(
        struct pattern *pattern, const struct frame_info *info, uint64_t epoch, uint64_t sequence)
{
	struct gradient_pattern *gradient = (struct gradient_pattern *)pattern;
	size_t bytes = frame_info_bytes(info);
	struct canvas canvas;

	(void)epoch; /* a picture for people looks the same in every session */
	if (!pattern_buffer_reserve(&gradient->frame, bytes)) {
		return NULL;
	}
	if (!frame_info_equal(info, &gradient->info)) {
		gradient->info = (struct frame_info) { 0 };
		if (!make_ramps(gradient, info)) {
			return NULL;
		}
		memset(gradient->frame.bytes, 0, bytes);
		gradient->info = *info;
	}
	canvas = canvas_over(info, gradient->frame.bytes);
	for (uint32_t y = 0; y < info->height; y++) {
		size_t start = (size_t)2 * info->width * band_of_row(y, info->height) +
		               shift_of_row(info, y, sequence);

		canvas_copy_row(&canvas, y, gradient->ramps.bytes + start * canvas.format->bytes);
	}
	return gradient->frame.bytes;
}

static struct pattern *gradient_create(void)
{
	struct gradient_pattern *gradient = calloc(1, sizeof(*gradient));

	if (!gradient) {
		return NULL;
	}
	gradient->base.ops = &pattern_gradient;
	return &gradient->base;
}

static void gradient_destroy(struct pattern *pattern)
{
	struct gradient_pattern *gradient = (struct gradient_pattern *)pattern;

	pattern_buffer_finish(&gradient->frame);
	pattern_buffer_finish(&gradient->ramps);
	free(gradient);
}

const struct pattern_ops pattern_gradient = {
	.name = "gradient",
	.create = gradient_create,
	.draw = gradient_draw,
	.destroy = gradient_destroy,
};
