/* SPDX-License-Identifier: MIT */
#include "sink_bench.h"

#include <errno.h>
#include <stdlib.h>

static int bench_open(struct sink **out, const struct sink_request *request, struct complaint *why)
{
	struct sink *sink = malloc(sizeof(*sink));

	(void)request;
	if (!sink) {
		complain(why, "out of memory");
		return -ENOMEM;
	}
	sink->ops = &sink_bench_ops;
	*out = sink;
	return 0;
}

static enum sink_result bench_frame(
        struct sink *sink, const struct frame *frame, struct complaint *why)
{
	(void)sink;
	(void)frame;
	(void)why;
	return SINK_OK;
}

static enum sink_result bench_tick(
        struct sink *sink, const struct view_status *status, struct complaint *why)
{
	(void)sink;
	(void)status;
	(void)why;
	return SINK_OK;
}

static void bench_close(struct sink *sink)
{
	free(sink);
}

const struct sink_ops sink_bench_ops = {
	.name = "bench",
	.is_interactive = false,
	.open = bench_open,
	.frame = bench_frame,
	.tick = bench_tick,
	.close = bench_close,
};
