/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include "sink_bench.h"
#include "sink_screenshot.h"
#if ORIEL_WINDOW
#include "sink_window.h"
#endif

#include <stddef.h>
#include <string.h>

static const struct sink_ops *const sinks[] = {
#if ORIEL_WINDOW
	&sink_window_ops,
#endif
	&sink_bench_ops,
	&sink_screenshot_ops,
};

static const char *const link_state_texts[] = {
	[LINK_WAITING] = "waiting for a producer",
	[LINK_OTHER_VERSION] = "producer of another version",
	[LINK_LIVE] = "live",
	[LINK_IDLE] = "idle",
	[LINK_NO_SIGNAL] = "no signal",
	[LINK_PAUSED] = "paused",
	[LINK_STALE] = "stale",
	[LINK_GONE] = "producer gone",
	[LINK_ENDED] = "ended",
	[LINK_FAULT] = "producer failed",
	[LINK_QUARANTINED] = "producer quarantined",
	[LINK_LOST] = "region lost",
};

const struct sink_ops *sink_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		if (strcmp(sinks[i]->name, name) == 0) {
			return sinks[i];
		}
	}
	return NULL;
}

const char *link_state_text(enum link_state state)
{
	size_t index = (size_t)state;

	if (index >= sizeof(link_state_texts) / sizeof(link_state_texts[0])) {
		return "unknown";
	}
	return link_state_texts[index];
}
