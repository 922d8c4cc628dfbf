/* SPDX-License-Identifier: MIT */
#include "pattern.h"
#include "canvas.h"
#include "frame_memory.h"
#include "pattern_ops.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096u

static const struct pattern_ops *const patterns[] = {
	[PATTERN_RANDOM] = &pattern_random,
	[PATTERN_BARS] = &pattern_bars,
	[PATTERN_GRADIENT] = &pattern_gradient,
	[PATTERN_MOTION] = &pattern_motion,
	[PATTERN_COUNTER] = &pattern_counter,
};

#define PATTERN_COUNT (sizeof(patterns) / sizeof(patterns[0]))

int pattern_kind_by_name(const char *name)
{
	for (size_t kind = 0; kind < PATTERN_COUNT; kind++) {
		if (strcmp(patterns[kind]->name, name) == 0) {
			return (int)kind;
		}
	}
	return -1;
}

const char *pattern_names(void)
{
	return "random, bars, gradient, motion, counter";
}

struct pattern *pattern_create(enum pattern_kind kind)
{
	assert((size_t)kind < PATTERN_COUNT);
	return patterns[kind]->create();
}

void pattern_destroy(struct pattern *pattern)
{
	if (pattern) {
		pattern->ops->destroy(pattern);
	}
}

const void *pattern_draw(
        struct pattern *pattern, const struct frame_info *info, uint64_t epoch, uint64_t sequence)
{
	assert(canvas_info_fits(info));
	return pattern->ops->draw(pattern, info, epoch, sequence);
}

bool pattern_buffer_reserve(struct pattern_buffer *buffer, size_t size)
{
	uint8_t *grown;

	if (size <= buffer->size) {
		return true;
	}
	size = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	grown = frame_memory_alloc(size);
	if (!grown) {
		return false;
	}
	if (buffer->size) {
		memcpy(grown, buffer->bytes, buffer->size);
	}
	free(buffer->bytes);
	buffer->bytes = grown;
	buffer->size = size;
	return true;
}

void pattern_buffer_finish(struct pattern_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct pattern_buffer) { 0 };
}
