/* SPDX-License-Identifier: MIT */
/*
 * Noise of which a share changes: the same whatever was drawn before, and unchanged outside of what
 * it gives as damage.
 */
#include "pattern_patch.h"
#include "pixel_format.h"
#include "place.h"

#include <drm_fourcc.h>

#define EPOCH 77

static const struct frame_info shapes[] = {
	{ DRM_FORMAT_XRGB8888, 160, 120, 640 },
	{ DRM_FORMAT_RGB888, 33, 47, 132 },
	{ DRM_FORMAT_RGB565, 101, 7, 204 },
	{ DRM_FORMAT_XRGB8888, 1, 300, 4 },
	{ DRM_FORMAT_XRGB8888, 1, 1, 4 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static const double shares[] = { 0.001, 0.01, 0.1, 0.5, 1 };
#define SHARES (sizeof(shares) / sizeof(shares[0]))

static struct frame draw(struct pattern_patch *patch, const struct frame_info *info, uint64_t epoch,
        uint64_t sequence)
{
	struct frame frame = { .info = *info, .epoch = epoch, .sequence = sequence };

	assert_int_equal(pattern_patch_draw(patch, &frame), 0);
	return frame;
}

static bool lies_in(const struct frame_rect *rect, uint32_t x, uint32_t y)
{
	return x >= rect->x && x - rect->x < rect->width && y >= rect->y &&
	       y - rect->y < rect->height;
}

/* Padding included: it belongs to no rectangle. */
static void assert_same_outside(const struct frame *before, const struct frame *after)
{
	const struct frame_info *info = &after->info;
	const size_t pixel = pixel_format_by_fourcc(info->fourcc)->bytes;
	const uint8_t *one = before->pixels;
	const uint8_t *two = after->pixels;

	for (uint32_t y = 0; y < info->height; y++) {
		for (uint32_t at = 0; at < info->stride; at++) {
			if (!lies_in(&after->damage.rects[0], (uint32_t)(at / pixel), y)) {
				assert_int_equal(
				        one[y * info->stride + at], two[y * info->stride + at]);
			}
		}
	}
}

/* Two boards of one share; making one takes longer than drawing on it. */
static void for_each_shape(void (*check)(
        const struct frame_info *info, struct pattern_patch *one, struct pattern_patch *two))
{
	for (size_t i = 0; i < SHARES; i++) {
		struct pattern_patch *one = pattern_patch_create(shares[i]);
		struct pattern_patch *two = pattern_patch_create(shares[i]);

		for (size_t shape = 0; shape < SHAPES; shape++) {
			check(&shapes[shape], one, two);
		}
		pattern_patch_destroy(one);
		pattern_patch_destroy(two);
	}
}

static void check_anew(
        const struct frame_info *info, struct pattern_patch *on, struct pattern_patch *anew)
{
	for (uint64_t sequence = 1; sequence < 30; sequence++) {
		struct frame one = draw(on, info, EPOCH, sequence);
		struct frame two;

		draw(anew, info, EPOCH, 500);
		two = draw(anew, info, EPOCH, sequence);
		assert_memory_equal(one.pixels, two.pixels, frame_info_bytes(info));
	}
}

static void drawing_on_is_drawing_anew(void **state)
{
	(void)state;
	for_each_shape(check_anew);
}

static void check_outside(
        const struct frame_info *info, struct pattern_patch *one, struct pattern_patch *two)
{
	draw(two, info, EPOCH, 99);
	for (uint64_t sequence = 100; sequence < 120; sequence++) {
		struct frame before = draw(one, info, EPOCH, sequence - 1);
		struct frame after = draw(two, info, EPOCH, sequence);

		assert_int_equal(after.damage.base_sequence, sequence - 1);
		assert_int_equal(after.damage.count, 1);
		assert_same_outside(&before, &after);
	}
}

static void nothing_changes_outside_of_the_damage(void **state)
{
	(void)state;
	for_each_shape(check_outside);
}

static void damage_is_the_share_and_changes(void **state)
{
	struct pattern_patch *patch = pattern_patch_create(0.01);
	uint8_t before[160 * 120 * 4];
	struct frame frame = draw(patch, &shapes[0], EPOCH, 1);

	(void)state;
	for (uint64_t sequence = 2; sequence < 250; sequence++) {
		const struct frame_rect *rect = &frame.damage.rects[0];
		size_t at;

		memcpy(before, frame.pixels, sizeof(before));
		frame = draw(patch, &shapes[0], EPOCH, sequence);
		at = (size_t)rect->y * 640 + (size_t)rect->x * 4;
		assert_int_equal(rect->width * rect->height, 160 * 120 / 100);
		assert_memory_not_equal(before + at, (const uint8_t *)frame.pixels + at, 16);
	}
	pattern_patch_destroy(patch);
}

/* A hundred frames renew all of it. */
static void every_place_has_its_turn(void **state)
{
	struct pattern_patch *patch = pattern_patch_create(0.01);
	bool is_renewed[120][160] = { 0 };

	(void)state;
	draw(patch, &shapes[0], EPOCH, 4);
	for (uint64_t sequence = 5; sequence < 105; sequence++) {
		struct frame frame = draw(patch, &shapes[0], EPOCH, sequence);
		const struct frame_rect *rect = &frame.damage.rects[0];

		for (uint32_t y = rect->y; y < rect->y + rect->height; y++) {
			for (uint32_t x = rect->x; x < rect->x + rect->width; x++) {
				assert_false(is_renewed[y][x]);
				is_renewed[y][x] = true;
			}
		}
	}
	pattern_patch_destroy(patch);
}

static void what_does_not_follow_is_all_damage(void **state)
{
	static const struct {
		size_t shape;
		uint64_t epoch;
		uint64_t sequence;
		uint64_t base;
	} steps[] = { { 0, 1, 5, 0 }, { 0, 1, 6, 5 }, { 0, 1, 8, 0 }, { 0, 1, 8, 0 },
		{ 0, 1, 7, 0 }, { 0, 2, 8, 0 }, { 1, 2, 9, 0 }, { 1, 2, 10, 9 } };
	struct pattern_patch *patch = pattern_patch_create(0.1);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct frame frame =
		        draw(patch, &shapes[steps[i].shape], steps[i].epoch, steps[i].sequence);

		assert_int_equal(frame.damage.base_sequence, steps[i].base);
		assert_int_equal(frame.damage.count, steps[i].base ? 1 : 0);
	}
	pattern_patch_destroy(patch);
	pattern_patch_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drawing_on_is_drawing_anew),
		cmocka_unit_test(nothing_changes_outside_of_the_damage),
		cmocka_unit_test(damage_is_the_share_and_changes),
		cmocka_unit_test(every_place_has_its_turn),
		cmocka_unit_test(what_does_not_follow_is_all_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
