/* SPDX-License-Identifier: MIT */
#include "pattern.h"
#include "pixel_format.h"
#include "source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <drm_fourcc.h>

static const struct frame_info small = { DRM_FORMAT_XRGB8888, 160, 120, 640 };
static const struct frame_info other = { DRM_FORMAT_RGB888, 33, 9, 128 };

static void sources_are_found_by_name(void **state)
{
	(void)state;
	assert_string_equal(source_by_name("pattern")->name, "pattern");
	assert_string_equal(source_by_name("raw")->name, "raw");
	assert_null(source_by_name(""));
	assert_null(source_by_name("patterns"));
	assert_string_equal(source_by_name("kms")->name, "kms");
	assert_string_equal(source_names(), "pattern, raw, kms");
}

static struct source *open_pattern(const char *name)
{
	struct source_request request = { .argument = name, .info = small };
	struct source *source = NULL;
	struct complaint why;

	assert_int_equal(source_by_name("pattern")->open(&source, &request, &why), 0);
	assert_ptr_equal(source->ops, source_by_name("pattern"));
	assert_false(source->is_live);
	return source;
}

static void frames_are_the_patterns(void **state)
{
	static const char *const names[] = { "random", "bars", "gradient", "motion", "counter" };
	static const struct frame_info *const infos[] = { &small, &other, &small };
	struct complaint why;

	(void)state;
	for (size_t n = 0; n < 5; n++) {
		struct source *source = open_pattern(names[n]);
		struct pattern *pattern = pattern_create((enum pattern_kind)n);

		for (uint64_t i = 0; i < 3; i++) {
			struct frame frame = { .info = *infos[i], .epoch = 5, .sequence = 40 + i };
			struct frame_times no_times = { 0 };

			frame.damage.base_sequence = 3;
			frame.damage.count = 2;
			assert_int_equal(source->ops->wait(source, 0, &why), SOURCE_FRAME);
			assert_int_equal(source->ops->read(source, &frame, &why), 0);
			assert_memory_equal(frame.pixels,
			        pattern_draw(pattern, infos[i], 5, 40 + i),
			        frame_info_bytes(infos[i]));
			assert_true(frame_info_equal(&frame.info, infos[i]));
			assert_int_equal(frame.damage.base_sequence, 0);
			assert_int_equal(frame.damage.count, 0);
			assert_int_equal(frame.sequence, 40 + i);
			assert_int_equal(frame.epoch, 5);
			assert_memory_equal(&frame.times, &no_times, sizeof(no_times));
		}
		pattern_destroy(pattern);
		source->ops->close(source);
	}
}

static void a_share_comes_with_its_damage(void **state)
{
	struct source_request request = {
		.argument = "random", .info = small, .damage_share = 0.01
	};
	struct source *source = NULL;
	struct complaint why;

	(void)state;
	assert_int_equal(source_by_name("pattern")->open(&source, &request, &why), 0);
	for (uint64_t sequence = 7; sequence < 9; sequence++) {
		struct frame frame = { .info = small, .epoch = 5, .sequence = sequence };

		frame.damage.count = 3;
		assert_int_equal(source->ops->read(source, &frame, &why), 0);
		assert_int_equal(frame.damage.base_sequence, sequence == 7 ? 0 : 7);
		assert_int_equal(frame.damage.count, sequence == 7 ? 0 : 1);
		if (sequence == 8) {
			assert_int_equal(frame.damage.rects[0].width, 16);
			assert_int_equal(frame.damage.rects[0].height, 12);
		}
	}
	source->ops->close(source);
}

static void without_a_name_something_moves(void **state)
{
	struct source *source = open_pattern(NULL);
	struct pattern *pattern = pattern_create(PATTERN_MOTION);
	struct frame frame = { .info = small, .epoch = 1, .sequence = 1 };
	struct complaint why;

	(void)state;
	assert_int_equal(source->ops->read(source, &frame, &why), 0);
	assert_memory_equal(
	        frame.pixels, pattern_draw(pattern, &small, 1, 1), frame_info_bytes(&small));
	pattern_destroy(pattern);
	source->ops->close(source);
}

static void unknown_patterns_are_refused_with_the_known(void **state)
{
	struct source_request request = { .argument = "plaid", .info = small };
	struct source *source = NULL;
	struct complaint why = { "" };

	(void)state;
	assert_int_equal(source_by_name("pattern")->open(&source, &request, &why), -EINVAL);
	assert_non_null(strstr(why.text, "'plaid'"));
	assert_non_null(strstr(why.text, pattern_names()));
	assert_null(source);
	source_by_name("pattern")->close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_found_by_name),
		cmocka_unit_test(frames_are_the_patterns),
		cmocka_unit_test(a_share_comes_with_its_damage),
		cmocka_unit_test(without_a_name_something_moves),
		cmocka_unit_test(unknown_patterns_are_refused_with_the_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
