/* SPDX-License-Identifier: MIT */
/*
 * What a test pattern is made of, inside. pattern.c picks one by its kind; each lives in a file of
 * its own. The way to a new one: a file with a struct pattern_ops, its line here and in pattern.c,
 * and its kind in pattern.h.
 */
#ifndef ORIEL_PATTERN_OPS_H
#define ORIEL_PATTERN_OPS_H

#include "pattern.h"

#include <stddef.h>

struct pattern_ops {
	const char *name;
	/* NULL: out of memory. */
	struct pattern *(*create)(void);
	/* As pattern_draw(), which has checked that info is one. */
	const void *(*draw)(struct pattern *pattern, const struct frame_info *info, uint64_t epoch,
	        uint64_t sequence);
	void (*destroy)(struct pattern *pattern);
};

/* Each implementation embeds it as its first member. */
struct pattern {
	const struct pattern_ops *ops;
};

extern const struct pattern_ops pattern_random;
extern const struct pattern_ops pattern_bars;
extern const struct pattern_ops pattern_gradient;
extern const struct pattern_ops pattern_motion;
extern const struct pattern_ops pattern_counter;

/* Memory that grows and keeps what it holds; starts as { NULL, 0 }. */
struct pattern_buffer {
	uint8_t *bytes; /* aligned to a page, so that copies out of it run at full speed */
	size_t size;
};

/* false: out of memory, and the buffer is as it was. */
bool pattern_buffer_reserve(struct pattern_buffer *buffer, size_t size);
void pattern_buffer_finish(struct pattern_buffer *buffer);

#endif
