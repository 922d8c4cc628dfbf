/* SPDX-License-Identifier: MIT */
/*
 * A shape, by its number n, in shapes[n % 2]:
 *
 *   control = n, WRITING; store fence; pixels, size, digest; control = n (release)
 *   place = n and where (release); full fence, ring
 *
 * The reader of the shape before has the other place to read from; who is slower than that finds
 * out by control. Model: protocol/model/pointer.pml; wake.pml with POINTER.
 */
#include "pointer_writer.h"
#include "ring_wake.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

void pointer_writer_open(
        struct pointer_writer *pointer, struct ring_pointer *area, uint32_t shape_capacity)
{
	shared_u64 *words = (void *)area;

	*pointer = (struct pointer_writer) { .area = area, .shape_capacity = shape_capacity };
	for (unsigned i = 0; i < RING_POINTER_SIZE / sizeof(words[0]); i++) {
		shared_store_u64(&words[i], 0);
	}
	shared_store_u32(&area->shape_capacity, shape_capacity);
	shared_fence_release();
}

bool ring_writer_can_point(const struct ring_writer *writer, const struct pointer_shape *shape)
{
	return writer->pointer.area && shape->width > 0 && shape->height > 0 &&
	       shape->width <= POINTER_SIDE_MAX && shape->height <= POINTER_SIDE_MAX &&
	       pointer_shape_bytes(shape) <= writer->pointer.shape_capacity;
}

/* In words of 8 bytes, as all of shared memory; an odd pixel at the end has a neighbour of 0. */
static void store_pixels(shared_u64 *to, const struct pointer_shape *shape)
{
	const size_t count = (size_t)shape->width * shape->height;

	shared_copy_in(to, shape->pixels, count / 2);
	if (count % 2) {
		shared_store_u64(&to[count / 2], shape->pixels[count - 1]);
	}
}

static void store_shape(struct pointer_writer *pointer, const struct pointer_shape *shape)
{
	uint32_t number = pointer->number + 1 ? pointer->number + 1 : 1;
	unsigned i = number % RING_SHAPES;
	struct ring_shape *line = &pointer->area->shapes[i];
	uint64_t control = (uint64_t)number << RING_SHAPE_SHIFT;
	uint64_t size = shape->width | (uint64_t)shape->height << RING_SHAPE_HEIGHT_SHIFT |
	                (uint64_t)shape->hot_x << RING_SHAPE_HOT_X_SHIFT |
	                (uint64_t)shape->hot_y << RING_SHAPE_HOT_Y_SHIFT;

	shared_store_u64(&line->control, control | RING_SHAPE_WRITING);
	/* Before the first pixel; pairs with the acquire fence in copy_shape(). */
	shared_fence_release();
	store_pixels((shared_u64 *)(void *)((uint8_t *)pointer->area + RING_POINTER_SIZE +
	                                    (size_t)i * pointer->shape_capacity),
	        shape);
	shared_store_u64(&line->size, size);
	shared_store_u64(&line->digest, XXH64(shape->pixels, pointer_shape_bytes(shape), size));
	/* Pairs with the acquire of control in copy_shape(). */
	shared_store_release_u64(&line->control, control);
	pointer->number = number;
	pointer->shapes++;
}

static bool is_in_reach(int32_t at)
{
	return at >= -RING_PLACE_BIAS && at < RING_PLACE_BIAS;
}

static uint64_t place_word(const struct pointer_writer *writer, const struct pointer *pointer)
{
	if (!pointer->is_shown || !is_in_reach(pointer->x) || !is_in_reach(pointer->y)) {
		return 0;
	}
	return (uint64_t)writer->number << RING_PLACE_SHAPE_SHIFT |
	       (uint64_t)(pointer->y + RING_PLACE_BIAS) << RING_PLACE_Y_SHIFT |
	       (uint64_t)(pointer->x + RING_PLACE_BIAS);
}

void ring_writer_point(struct ring_writer *writer, const struct pointer *pointer, bool is_new_shape)
{
	struct pointer_writer *mine = &writer->pointer;
	bool is_shown = pointer->is_shown && ring_writer_can_point(writer, &pointer->shape);
	uint64_t place;

	if (!mine->area || ring_writer_is_deposed(writer)) {
		return;
	}
	if (is_shown && (is_new_shape || mine->number == 0)) {
		store_shape(mine, &pointer->shape);
	}
	place = is_shown ? place_word(mine, pointer) : 0;
	if (place == mine->place) {
		return;
	}
	mine->place = place;
	mine->moves++;
	/* Pairs with the acquire of place in ring_reader_point(). */
	shared_store_release_u64(&mine->area->place, place);
	shared_fence_release();
	ring_writer_wake_pointer(writer);
}
