/* SPDX-License-Identifier: MIT */
#include "view_pointer.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct view_pointer *pointer, struct pointer_reader *channel)
{
	if (channel->shape_capacity <= pointer->capacity) {
		return true;
	}
	free(pointer->pixels);
	pointer->pixels = malloc(channel->shape_capacity);
	pointer->capacity = pointer->pixels ? channel->shape_capacity : 0;
	if (!pointer->pixels) {
		log_warning("out of memory: the pointer is not shown; its shapes need %u bytes",
		        channel->shape_capacity);
		/* Else its moves would be news that nobody takes. */
		memset(channel, 0, sizeof(*channel));
	}
	return pointer->pixels != NULL;
}

static bool show(struct view_pointer *mine, const struct pointer *pointer, struct sink *sink)
{
	mine->is_shown = pointer->is_shown;
	mine->moves++;
	sink->ops->pointer(sink, pointer);
	return true;
}

bool view_pointer_turn(struct view_pointer *pointer, struct ring_reader *reader, struct sink *sink)
{
	struct pointer seen = { .is_shown = false };

	if (!sink->ops->pointer) {
		return false;
	}
	if (!reader) {
		return pointer->is_shown && show(pointer, &seen, sink);
	}
	if (!reader->pointer.area || !reserve(pointer, &reader->pointer)) {
		return false;
	}
	pointer->is_followed = true;
	switch (ring_reader_point(reader, pointer->pixels, &seen)) {
	case POINT_SAME:
		break;
	case POINT_SHAPE:
		pointer->shapes++;
		return show(pointer, &seen, sink);
	case POINT_MOVED:
		return show(pointer, &seen, sink);
	case POINT_TORN:
		pointer->torn++;
		break;
	case POINT_BAD:
		pointer->bad++;
		break;
	}
	return false;
}

json_t *view_pointer_summary(const struct view_pointer *pointer)
{
	return pointer->is_followed
	               ? json_pack("{sI sI sI sI}", "moves", (json_int_t)pointer->moves, "shapes",
	                         (json_int_t)pointer->shapes, "torn", (json_int_t)pointer->torn,
	                         "bad", (json_int_t)pointer->bad)
	               : json_null();
}

void view_pointer_finish(struct view_pointer *pointer)
{
	free(pointer->pixels);
	*pointer = (struct view_pointer) { 0 };
}
