/* SPDX-License-Identifier: MIT */
#include "window_stand.h"

#include "pixel_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SHOWN_MAX (2000u * 1200u)

const struct sink_request window_stand_software = { .renderer = "software" };

void window_stand_prepare(void)
{
	setenv("SDL_VIDEODRIVER", "dummy", 1);
}

void window_stand_open(struct window_stand *stand, const struct sink_request *request)
{
	struct complaint why = { .text = "" };

	memset(stand, 0, sizeof(*stand));
	if (sink_window_ops.open(&stand->sink, request, &why) != 0) {
		fail_msg("%s", why.text);
	}
	stand->shown = malloc(SHOWN_MAX * sizeof(*stand->shown));
	stand->status = (struct view_status) { .link = LINK_LIVE,
		.region = "/dev/shm/oriel",
		.detail = "",
		.mode = "latest",
		.digest = "xxh64" };
}

void window_stand_close(struct window_stand *stand)
{
	sink_window_ops.close(stand->sink);
	free(stand->pixels);
	free(stand->shown);
}

enum sink_result window_stand_tick(struct window_stand *stand)
{
	struct complaint why;

	return sink_window_ops.tick(stand->sink, &stand->status, &why);
}

enum sink_result window_stand_show(struct window_stand *stand)
{
	struct complaint why;

	return sink_window_ops.frame(stand->sink, &stand->frame, &why);
}

void window_stand_draw(struct window_stand *stand, const char *format_name, uint32_t width,
        uint32_t height, uint32_t padding)
{
	const struct pixel_format *format = pixel_format_by_name(format_name);
	uint32_t noise = 12345u + (uint32_t)stand->frame.sequence;

	stand->frame.info = (struct frame_info) { .fourcc = format->fourcc,
		.width = width,
		.height = height,
		.stride = pixel_format_stride(format, width) + padding };
	stand->frame.sequence++;
	free(stand->pixels);
	stand->pixels = malloc(frame_info_bytes(&stand->frame.info));
	for (uint64_t i = 0; i < frame_info_bytes(&stand->frame.info); i++) {
		noise = noise * 1664525u + 1013904223u;
		stand->pixels[i] = (uint8_t)(noise >> 24);
	}
	stand->frame.pixels = stand->pixels;
}

void window_stand_show_noise(struct window_stand *stand, const char *format_name, uint32_t width,
        uint32_t height, uint32_t padding)
{
	window_stand_draw(stand, format_name, width, height, padding);
	assert_int_equal(window_stand_show(stand), SINK_OK);
	SDL_SetWindowSize(sink_window_handle(stand->sink), (int)width, (int)height);
	assert_int_equal(window_stand_tick(stand), SINK_OK);
}

void window_stand_look(struct window_stand *stand)
{
	assert_int_equal(sink_window_read_pixels(stand->sink, stand->shown, SHOWN_MAX,
	                         &stand->width, &stand->height),
	        0);
}

uint64_t window_stand_differences(struct window_stand *stand, int left, int top, int scale)
{
	const struct frame_info *info = &stand->frame.info;
	uint8_t *rgb = malloc((size_t)info->width * 3);
	uint64_t differences = 0;

	window_stand_look(stand);
	for (int y = 0; y < (int)info->height * scale; y++) {
		pixel_format_to_rgb(pixel_format_by_fourcc(info->fourcc),
		        stand->pixels + (size_t)(y / scale) * info->stride, info->width, rgb);
		for (int x = 0; x < (int)info->width * scale; x++) {
			const uint8_t *of = &rgb[3 * (x / scale)];
			uint32_t expected = (uint32_t)(of[0] << 16 | of[1] << 8 | of[2]);
			uint32_t pixel = stand->shown[(top + y) * stand->width + left + x];

			differences += (pixel & 0xffffff) != expected;
		}
	}
	free(rgb);
	return differences;
}

void window_stand_assert_exact(struct window_stand *stand)
{
	uint64_t differences = window_stand_differences(stand, 0, 0, 1);

	assert_int_equal(stand->width, stand->frame.info.width);
	assert_int_equal(stand->height, stand->frame.info.height);
	assert_int_equal(differences, 0);
}

uint64_t window_stand_white(struct window_stand *stand)
{
	uint64_t white = 0;

	window_stand_look(stand);
	for (int i = 0; i < stand->width * stand->height; i++) {
		white += (stand->shown[i] & 0xffffff) == 0xffffff;
	}
	return white;
}

void window_stand_press(SDL_Keycode key)
{
	SDL_Event event = { .key = { .type = SDL_KEYDOWN, .keysym = { .sym = key } } };

	assert_int_equal(SDL_PushEvent(&event), 1);
}
