/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const uint32_t pixels[4] = { 0xffff0000, 0xff00ff00, 0xff0000ff, 0xffffffff };
static const struct frame small_frame = {
	.info = { .fourcc = DRM_FORMAT_XRGB8888, .width = 2, .height = 2, .stride = 8 },
	.sequence = 1,
	.pixels = pixels,
};

static void every_sink_is_found_by_its_name(void **state)
{
	(void)state;
	assert_string_equal(sink_by_name("bench")->name, "bench");
	assert_false(sink_by_name("bench")->is_interactive);
	assert_string_equal(sink_by_name("screenshot")->name, "screenshot");
	assert_false(sink_by_name("screenshot")->is_interactive);
#if ORIEL_WINDOW
	assert_string_equal(sink_by_name("window")->name, "window");
	assert_true(sink_by_name("window")->is_interactive);
#else
	assert_null(sink_by_name("window"));
#endif
	assert_null(sink_by_name("none"));
	assert_null(sink_by_name(""));
}

static void every_state_has_words_of_its_own(void **state)
{
	(void)state;
	for (int i = LINK_WAITING; i <= LINK_LOST; i++) {
		assert_non_null(link_state_text((enum link_state)i));
		assert_string_not_equal(link_state_text((enum link_state)i), "unknown");
		for (int j = LINK_WAITING; j < i; j++) {
			assert_string_not_equal(link_state_text((enum link_state)i),
			        link_state_text((enum link_state)j));
		}
	}
	assert_string_equal(link_state_text((enum link_state)(LINK_LOST + 1)), "unknown");
	assert_string_equal(link_state_text((enum link_state) - 1), "unknown");
}

static void bench_takes_everything(void **state)
{
	const struct sink_ops *ops = sink_by_name("bench");
	const struct sink_request request = { .argument = NULL };
	const struct view_status status = { .link = LINK_WAITING };
	struct complaint why;
	struct sink *sink = NULL;

	(void)state;
	assert_int_equal(ops->open(&sink, &request, &why), 0);
	assert_ptr_equal(sink->ops, ops);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ops->frame(sink, &small_frame, &why), SINK_OK);
		assert_int_equal(ops->tick(sink, &status, &why), SINK_OK);
	}
	ops->close(sink);
	ops->close(NULL);
}

static void screenshot_takes_one_frame(void **state)
{
	const struct sink_ops *ops = sink_by_name("screenshot");
	const struct view_status status = { .link = LINK_WAITING };
	char folder[] = "/tmp/oriel-test-XXXXXX";
	char path[64];
	struct sink_request request = { .argument = path };
	struct complaint why;
	struct sink *sink = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/shot.png", folder);
	assert_int_equal(ops->open(&sink, &request, &why), 0);
	assert_int_equal(ops->tick(sink, &status, &why), SINK_OK);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(ops->frame(sink, &small_frame, &why), SINK_DONE);
	assert_int_equal(unlink(path), 0);
	/* Another frame is not written, and every answer stays the same. */
	assert_int_equal(ops->frame(sink, &small_frame, &why), SINK_DONE);
	assert_int_equal(ops->tick(sink, &status, &why), SINK_DONE);
	assert_int_equal(access(path, F_OK), -1);
	ops->close(sink);
	ops->close(NULL);
	assert_int_equal(rmdir(folder), 0);
}

static void screenshot_refuses_early(void **state)
{
	const struct sink_ops *ops = sink_by_name("screenshot");
	struct sink_request request = { .argument = NULL };
	struct complaint why;
	struct sink *sink = NULL;

	(void)state;
	assert_int_equal(ops->open(&sink, &request, &why), -EINVAL);
	request.argument = "";
	assert_int_equal(ops->open(&sink, &request, &why), -EINVAL);
	request.argument = "/nonexistent/shot.png";
	why.text[0] = '\0';
	assert_int_equal(ops->open(&sink, &request, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent/"));
	assert_null(sink);
}

static void screenshot_fails_with_words(void **state)
{
	const struct sink_ops *ops = sink_by_name("screenshot");
	char folder[] = "/tmp/oriel-test-XXXXXX";
	char path[64];
	struct sink_request request = { .argument = path };
	struct complaint why = { .text = "" };
	struct sink *sink = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/shot.png", folder);
	assert_int_equal(ops->open(&sink, &request, &why), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(ops->frame(sink, &small_frame, &why), SINK_FAILED);
	assert_true(why.text[0] != '\0');
	ops->close(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sink_is_found_by_its_name),
		cmocka_unit_test(every_state_has_words_of_its_own),
		cmocka_unit_test(bench_takes_everything),
		cmocka_unit_test(screenshot_takes_one_frame),
		cmocka_unit_test(screenshot_refuses_early),
		cmocka_unit_test(screenshot_fails_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
