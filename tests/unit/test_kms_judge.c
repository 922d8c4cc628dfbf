/* SPDX-License-Identifier: MIT */
/*
 * What a driver may say of a framebuffer: what can be carried is, in every format; what cannot, or
 * contradicts itself, is refused in words that name it. No emulated card says most of this.
 */
#include "kms_judge.h"
#include "pixel_format.h"

#include <drm_fourcc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Needs the five above. */
#include <cmocka.h>

#define WIDTH  640u
#define HEIGHT 480u

static drmModeFB2 plain(uint32_t fourcc)
{
	const struct pixel_format *format = pixel_format_by_fourcc(fourcc);

	return (drmModeFB2) {
		.fb_id = 7,
		.width = WIDTH,
		.height = HEIGHT,
		.pixel_format = fourcc,
		.handles = { 1 },
		.pitches = { WIDTH * (format ? format->bytes : 4u) },
	};
}

static void assert_refused(const drmModeFB2 *buffer, enum kms_look look, const char *words)
{
	struct complaint why = { 0 };

	assert_int_equal(kms_judge_buffer(buffer, &why), look);
	assert_non_null(strstr(why.text, words));
	assert_null(strchr(why.text, '\n'));
}

static void assert_carried(const drmModeFB2 *buffer)
{
	struct complaint why = { 0 };

	assert_int_equal(kms_judge_buffer(buffer, &why), KMS_SHOWN);
	assert_string_equal(why.text, "");
}

static void formats_of_screens_are_carried(void **state)
{
	static const uint32_t carried[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888,
		DRM_FORMAT_XBGR8888, DRM_FORMAT_RGB565, DRM_FORMAT_RGB888, DRM_FORMAT_XRGB2101010 };

	(void)state;
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		const drmModeFB2 buffer = plain(carried[i]);

		assert_carried(&buffer);
	}
}

static void other_formats_are_named(void **state)
{
	const drmModeFB2 nv12 = plain(DRM_FORMAT_NV12);
	const drmModeFB2 none = plain(0);

	(void)state;
	assert_refused(&nv12, KMS_WRONG, "its pixel format is NV12; it can be one of xrgb8888, ");
	assert_refused(&none, KMS_WRONG, "its pixel format is ");
}

static void tiled_pixels_are_named(void **state)
{
	drmModeFB2 buffer = plain(DRM_FORMAT_XRGB8888);

	(void)state;
	buffer.flags = DRM_MODE_FB_MODIFIERS;
	buffer.modifier = DRM_FORMAT_MOD_LINEAR;
	assert_carried(&buffer);
	buffer.modifier = I915_FORMAT_MOD_X_TILED;
	assert_refused(&buffer, KMS_WRONG, "tiled (X_TILED)");
	buffer.modifier = DRM_FORMAT_MOD_BROADCOM_VC4_T_TILED;
	assert_refused(&buffer, KMS_WRONG, "tiled (VC4_T_TILED)");
	buffer.modifier = ~0ull >> 1;
	assert_refused(&buffer, KMS_WRONG, "tiled (");
	/* Without the flag the field means nothing. */
	buffer.flags = 0;
	assert_carried(&buffer);
}

static void who_may_not_see_is_told(void **state)
{
	drmModeFB2 buffer = plain(DRM_FORMAT_XRGB8888);

	(void)state;
	buffer.handles[0] = 0;
	assert_refused(&buffer, KMS_GONE, "CAP_SYS_ADMIN; run this as root");
}

static void sides_have_limits(void **state)
{
	static const uint32_t wrong[][2] = { { 0, HEIGHT }, { WIDTH, 0 }, { 0, 0 },
		{ FRAME_SIDE_MAX + 1, HEIGHT }, { WIDTH, FRAME_SIDE_MAX + 1 },
		{ UINT32_MAX, UINT32_MAX } };
	drmModeFB2 buffer = plain(DRM_FORMAT_XRGB8888);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char size[32];

		snprintf(size, sizeof(size), "it is %ux%u; ", wrong[i][0], wrong[i][1]);
		buffer.width = wrong[i][0];
		buffer.height = wrong[i][1];
		buffer.pitches[0] = UINT32_MAX;
		assert_refused(&buffer, KMS_WRONG, size);
	}
	buffer.width = FRAME_SIDE_MAX;
	buffer.height = FRAME_SIDE_MAX;
	buffer.pitches[0] = FRAME_SIDE_MAX * 4;
	assert_carried(&buffer);
	buffer.width = 1;
	buffer.height = 1;
	buffer.pitches[0] = 4;
	assert_carried(&buffer);
}

static void rows_that_are_too_short_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; pixel_format_at(i); i++) {
		drmModeFB2 buffer = plain(pixel_format_at(i)->fourcc);

		assert_carried(&buffer);
		buffer.pitches[0]++;
		assert_carried(&buffer);
		buffer.pitches[0] -= 2;
		assert_refused(&buffer, KMS_WRONG, "a row is ");
		buffer.pitches[0] = 0;
		assert_refused(&buffer, KMS_WRONG, "a row is 0 bytes long");
	}
}

/* In 64 bits, so that no mapping is smaller than what is read of it. */
static void size_does_not_wrap(void **state)
{
	drmModeFB2 buffer = plain(DRM_FORMAT_XRGB8888);

	(void)state;
	assert_int_equal(kms_judge_size(&buffer), WIDTH * 4 * HEIGHT);
	buffer.offsets[0] = UINT32_MAX;
	buffer.pitches[0] = UINT32_MAX;
	buffer.height = FRAME_SIDE_MAX;
	assert_true(kms_judge_size(&buffer) == (uint64_t)UINT32_MAX * (FRAME_SIDE_MAX + 1ull));
}

static void what_is_shown_lies_within_the_buffer(void **state)
{
	static const struct {
		uint32_t x, y;
		uint16_t width, height;
		struct frame_rect part; /* of width 0: none */
	} rows[] = {
		{ 0, 0, WIDTH, HEIGHT, { 0, 0, WIDTH, HEIGHT } },
		{ 320, 240, 320, 240, { 320, 240, 320, 240 } },
		{ 1, 2, WIDTH, HEIGHT, { 1, 2, WIDTH - 1, HEIGHT - 2 } },
		{ WIDTH - 1, HEIGHT - 1, UINT16_MAX, UINT16_MAX, { WIDTH - 1, HEIGHT - 1, 1, 1 } },
		{ WIDTH, 0, WIDTH, HEIGHT, { 0 } },
		{ 0, HEIGHT, WIDTH, HEIGHT, { 0 } },
		{ UINT32_MAX, UINT32_MAX, WIDTH, HEIGHT, { 0 } },
		{ UINT32_MAX, 0, WIDTH, HEIGHT, { 0 } },
		{ 0, UINT32_MAX, WIDTH, HEIGHT, { 0 } },
		{ 0, 0, 0, HEIGHT, { 0 } },
		{ 0, 0, WIDTH, 0, { 0 } },
	};
	const drmModeFB2 buffer = plain(DRM_FORMAT_XRGB8888);
	struct frame_rect part;

	(void)state;
	assert_false(kms_judge_part(&buffer, NULL, &part));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		drmModeCrtc crtc = { .mode_valid = 1, .x = rows[i].x, .y = rows[i].y };

		crtc.mode.hdisplay = rows[i].width;
		crtc.mode.vdisplay = rows[i].height;
		assert_int_equal(kms_judge_part(&buffer, &crtc, &part), rows[i].part.width != 0);
		if (rows[i].part.width) {
			assert_memory_equal(&part, &rows[i].part, sizeof(part));
		}
		crtc.mode_valid = 0;
		assert_false(kms_judge_part(&buffer, &crtc, &part));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_of_screens_are_carried),
		cmocka_unit_test(other_formats_are_named),
		cmocka_unit_test(tiled_pixels_are_named),
		cmocka_unit_test(who_may_not_see_is_told),
		cmocka_unit_test(sides_have_limits),
		cmocka_unit_test(rows_that_are_too_short_are_refused),
		cmocka_unit_test(size_does_not_wrap),
		cmocka_unit_test(what_is_shown_lies_within_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
