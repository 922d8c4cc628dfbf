/* SPDX-License-Identifier: MIT */
/*
 * Test pictures as a source. It has no pace and no geometry of its own: it draws whatever frame it
 * is asked for, whenever it is asked.
 */
#include "pattern.h"
#include "pattern_patch.h"
#include "source_table.h"

#include <errno.h>
#include <stdlib.h>

#define DEFAULT_PATTERN "motion"

struct pattern_source {
	struct source base;
	struct pattern *pattern;
	struct pattern_patch *patch; /* in its place where only a share is to change */
};

static int pattern_open(
        struct source **out, const struct source_request *request, struct complaint *why)
{
	const char *name = request->argument ? request->argument : DEFAULT_PATTERN;
	int kind = pattern_kind_by_name(name);
	struct pattern_source *source;

	if (kind < 0) {
		complain(why, "'%.60s' is no pattern; use one of %s", name, pattern_names());
		return -EINVAL;
	}
	source = calloc(1, sizeof(*source));
	if (source && request->damage_share > 0 && request->damage_share < 1) {
		source->patch = pattern_patch_create(request->damage_share);
	} else if (source) {
		source->pattern = pattern_create((enum pattern_kind)kind);
	}
	if (!source || (!source->pattern && !source->patch)) {
		free(source);
		complain(why, "out of memory for the pattern '%s'", name);
		return -ENOMEM;
	}
	source->base.ops = &source_pattern;
	*out = &source->base;
	return 0;
}

static enum source_result pattern_wait(struct source *source, int timeout_ms, struct complaint *why)
{
	(void)source;
	(void)timeout_ms;
	(void)why;
	return SOURCE_FRAME;
}

static int pattern_read(struct source *source, struct frame *frame, struct complaint *why)
{
	struct pattern_source *mine = (struct pattern_source *)source;

	frame->damage.base_sequence = 0;
	frame->damage.count = 0;
	frame->pixels = NULL;
	if (mine->patch) {
		(void)pattern_patch_draw(mine->patch, frame);
	} else {
		frame->pixels =
		        pattern_draw(mine->pattern, &frame->info, frame->epoch, frame->sequence);
	}
	if (!frame->pixels) {
		complain(why, "out of memory for a frame of %ux%u; use a smaller size",
		        frame->info.width, frame->info.height);
		return -ENOMEM;
	}
	return 0;
}

static void pattern_close(struct source *source)
{
	if (source) {
		pattern_destroy(((struct pattern_source *)source)->pattern);
		pattern_patch_destroy(((struct pattern_source *)source)->patch);
		free(source);
	}
}

const struct source_ops source_pattern = {
	.name = "pattern",
	.open = pattern_open,
	.wait = pattern_wait,
	.read = pattern_read,
	.close = pattern_close,
};
