/* SPDX-License-Identifier: MIT */
/*
 *   1 load place once; the one seen last: nothing new. 0: hidden
 *   2 it names the shape that we have: moved
 *   3 control of that shape is stable for its number, else torn
 *   4 copy size and digest once, judge the size; copy the pixels
 *   5 acquire fence; control as before, else torn
 *   6 compare the digest, else bad
 *   7 moved or copied: acquire fence; the epoch is ours, else nothing is taken
 *
 * What is torn or bad is not looked at again: who overwrites a shape names another one next.
 * Model: protocol/model/pointer.pml.
 */
#include "pointer_reader.h"
#include "ring_reader.h"

#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

void pointer_reader_open(
        struct pointer_reader *pointer, struct span g, const struct ring_header *header)
{
	const struct ring_pointer *area = (const void *)(g.bytes + header->geometry.end);
	uint32_t untrusted_capacity;

	memset(pointer, 0, sizeof(*pointer));
	if (!(header->features_offered & RING_FEATURE_POINTER) ||
	        header->geometry.end + RING_POINTER_SIZE > g.size) {
		return;
	}
	untrusted_capacity = shared_load_u32(&area->shape_capacity);
	if (untrusted_capacity < RING_SHAPE_CAPACITY_MIN ||
	        untrusted_capacity > RING_SHAPE_CAPACITY_MAX ||
	        untrusted_capacity % RING_SHAPE_ALIGNMENT ||
	        header->geometry.end + RING_POINTER_SIZE +
	                        (uint64_t)RING_SHAPES * untrusted_capacity >
	                g.size) {
		return;
	}
	pointer->area = area;
	pointer->shape_capacity = untrusted_capacity;
}

bool pointer_reader_has_news(const struct pointer_reader *pointer)
{
	return pointer->area && shared_load_u64(&pointer->area->place) != pointer->seen;
}

static bool shape_from_size(uint64_t untrusted_size, uint32_t capacity, struct pointer_shape *shape)
{
	*shape = (struct pointer_shape) {
		.width = (uint16_t)untrusted_size,
		.height = (uint16_t)(untrusted_size >> RING_SHAPE_HEIGHT_SHIFT),
		.hot_x = (uint16_t)(untrusted_size >> RING_SHAPE_HOT_X_SHIFT),
		.hot_y = (uint16_t)(untrusted_size >> RING_SHAPE_HOT_Y_SHIFT),
	};
	return shape->width > 0 && shape->height > 0 && shape->width <= POINTER_SIDE_MAX &&
	       shape->height <= POINTER_SIDE_MAX && shape->hot_x < shape->width &&
	       shape->hot_y < shape->height && pointer_shape_bytes(shape) <= capacity;
}

static void copy_pixels(uint32_t *to, const shared_u64 *from, size_t count)
{
	uint32_t pair[2];

	shared_copy_out(to, from, count / 2);
	if (count % 2) {
		shared_copy_out(pair, from + count / 2, 1);
		to[count - 1] = pair[0];
	}
}

static enum point_result copy_shape(const struct pointer_reader *pointer, uint32_t number,
        uint32_t *pixels, struct pointer_shape *shape)
{
	const unsigned i = number % RING_SHAPES;
	const struct ring_shape *line = &pointer->area->shapes[i];
	const uint64_t control = (uint64_t)number << RING_SHAPE_SHIFT;
	uint64_t untrusted_size;
	uint64_t untrusted_digest;
	bool fits;

	/* Pairs with the release of control in store_shape(). */
	if (shared_load_acquire_u64(&line->control) != control) {
		return POINT_TORN;
	}
	untrusted_size = shared_load_u64(&line->size);
	untrusted_digest = shared_load_u64(&line->digest);
	fits = shape_from_size(untrusted_size, pointer->shape_capacity, shape);
	if (fits) {
		copy_pixels(pixels,
		        (const void *)((const uint8_t *)pointer->area + RING_POINTER_SIZE +
		                       (size_t)i * pointer->shape_capacity),
		        (size_t)shape->width * shape->height);
	}
	/* Pairs with the release fence in store_shape(). */
	shared_fence_acquire();
	if (shared_load_u64(&line->control) != control) {
		return POINT_TORN;
	}
	if (!fits ||
	        XXH64(pixels, pointer_shape_bytes(shape), untrusted_size) != untrusted_digest) {
		return POINT_BAD;
	}
	shape->pixels = pixels;
	return POINT_SHAPE;
}

/* Nothing that was loaded before is of the session that follows. */
static bool session_is_over(const struct ring_reader *reader)
{
	/* Pairs with the full fence in ring_writer_occupy(). */
	shared_fence_acquire();
	return shared_load_u64(&reader->identity->epoch) != reader->epoch;
}

/* The place's corner. The shape is that of before. */
static void set_place(struct pointer *pointer, uint64_t place)
{
	*pointer = (struct pointer) {
		.is_shown = place != 0,
		.x = (int32_t)(place & RING_PLACE_MASK) - RING_PLACE_BIAS,
		.y = (int32_t)(place >> RING_PLACE_Y_SHIFT & RING_PLACE_MASK) - RING_PLACE_BIAS,
	};
}

enum point_result ring_reader_point(
        struct ring_reader *reader, uint32_t *pixels, struct pointer *pointer)
{
	struct pointer_reader *mine = &reader->pointer;
	enum point_result result;
	uint64_t untrusted_place;
	uint32_t number;

	if (!mine->area || reader->quarantined) {
		return POINT_SAME;
	}
	/* Pairs with the release of place in ring_writer_point(). */
	untrusted_place = shared_load_acquire_u64(&mine->area->place);
	if (untrusted_place == mine->seen) {
		return POINT_SAME;
	}
	mine->seen = untrusted_place;
	number = (uint32_t)(untrusted_place >> RING_PLACE_SHAPE_SHIFT);
	/* No shape has the number 0: hidden, whatever else the word says. */
	set_place(pointer, number ? untrusted_place : 0);
	result = number && number != mine->number
	                 ? copy_shape(mine, number, pixels, &pointer->shape)
	                 : POINT_MOVED;
	if (session_is_over(reader)) {
		return POINT_SAME;
	}
	if (result == POINT_SHAPE) {
		mine->number = number;
	}
	return result;
}
