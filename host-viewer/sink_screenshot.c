/* SPDX-License-Identifier: MIT */
#include "sink_screenshot.h"

#include "png_file.h"
#include "whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sink_screenshot {
	struct sink sink;
	char *path;
	bool is_taken;
};

static int screenshot_open(
        struct sink **out, const struct sink_request *request, struct complaint *why)
{
	struct sink_screenshot *shot;
	struct complaint cause;
	int result;

	if (!request->argument || !*request->argument) {
		complain(why, "--screenshot: no file named; name a file that can be written");
		return -EINVAL;
	}
	result = whole_file_check(request->argument, &cause);
	if (result != 0) {
		complain(why, "--screenshot: %s; name a file that can be", cause.text);
		return result;
	}
	shot = calloc(1, sizeof(*shot));
	if (!shot || !(shot->path = strdup(request->argument))) {
		free(shot);
		complain(why, "out of memory");
		return -ENOMEM;
	}
	shot->sink.ops = &sink_screenshot_ops;
	*out = &shot->sink;
	return 0;
}

static enum sink_result screenshot_frame(
        struct sink *sink, const struct frame *frame, struct complaint *why)
{
	struct sink_screenshot *shot = (struct sink_screenshot *)sink;
	struct complaint cause;

	if (shot->is_taken) {
		return SINK_DONE;
	}
	if (png_file_write(shot->path, &frame->info, frame->pixels, &cause) != 0) {
		complain(why, "--screenshot: %s", cause.text);
		return SINK_FAILED;
	}
	shot->is_taken = true;
	return SINK_DONE;
}

static enum sink_result screenshot_tick(
        struct sink *sink, const struct view_status *status, struct complaint *why)
{
	const struct sink_screenshot *shot = (const struct sink_screenshot *)sink;

	(void)status;
	(void)why;
	return shot->is_taken ? SINK_DONE : SINK_OK;
}

static void screenshot_close(struct sink *sink)
{
	struct sink_screenshot *shot = (struct sink_screenshot *)sink;

	if (shot) {
		free(shot->path);
		free(shot);
	}
}

const struct sink_ops sink_screenshot_ops = {
	.name = "screenshot",
	.is_interactive = false,
	.open = screenshot_open,
	.frame = screenshot_frame,
	.tick = screenshot_tick,
	.close = screenshot_close,
};
