/* SPDX-License-Identifier: MIT */
/*
 * A stand (ring_stand.h) with the pointer's channel: shapes are a function of their size and a
 * seed, so that each one that is handed on is compared pixel by pixel. For tests only.
 */
#ifndef ORIEL_TEST_POINTER_STAND_H
#define ORIEL_TEST_POINTER_STAND_H

#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

struct pointer_stand {
	struct stand stand;
	struct ring_reader reader;
	struct pointer pointer; /* what was seen last */
	uint32_t *drawn;        /* a shape of the largest size */
	uint32_t *copied;       /* exactly as much as the reader asks for */
};

static inline void pointer_attach(struct pointer_stand *stand)
{
	stand_attach(&stand->stand, &stand->reader, 0, READER_LATEST);
	free(stand->copied);
	stand->copied = malloc(stand->reader.pointer.shape_capacity);
}

static inline void pointer_set_up(struct pointer_stand *stand, size_t region, uint32_t capacity)
{
	const struct ring_writer_config config = {
		.slot_count = 4,
		.version_text = "stand",
		.epoch = STAND_EPOCH,
		.shape_capacity = capacity,
	};

	memset(stand, 0, sizeof(*stand));
	stand_set_up(&stand->stand, region, &config);
	stand->drawn = malloc(RING_SHAPE_CAPACITY_MAX);
	assert_non_null(stand->drawn);
	pointer_attach(stand);
}

/* As most tests want it. */
static inline void pointer_set_up_plain(struct pointer_stand *stand)
{
	pointer_set_up(stand, STAND_REGION, RING_SHAPE_CAPACITY_MIN);
}

static inline void pointer_tear_down(struct pointer_stand *stand)
{
	free(stand->drawn);
	free(stand->copied);
	stand_tear_down(&stand->stand);
}

static inline uint32_t pointer_pixel(uint64_t seed, size_t i)
{
	return (uint32_t)((seed + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 32) ^
	       (uint32_t)(i * 0x01000193u);
}

/* The pixels are the stand's, until the next one is drawn. */
static inline struct pointer pointer_draw(
        struct pointer_stand *stand, uint16_t width, uint16_t height, uint64_t seed)
{
	for (size_t i = 0; i < (size_t)width * height; i++) {
		stand->drawn[i] = pointer_pixel(seed, i);
	}
	return (struct pointer) {
		.is_shown = true,
		.shape = { width, height, (uint16_t)(width - 1), (uint16_t)(height / 2),
		        stand->drawn },
	};
}

/* Is this the shape that was drawn with this seed? */
static inline bool pointer_is_drawn(const struct pointer_shape *shape, uint64_t seed)
{
	for (size_t i = 0; i < (size_t)shape->width * shape->height; i++) {
		if (shape->pixels[i] != pointer_pixel(seed, i)) {
			return false;
		}
	}
	return true;
}

static inline struct ring_pointer *pointer_area(const struct pointer_stand *stand)
{
	return (void *)(stand->stand.memory.bytes + stand->stand.writer.geometry.end);
}

/* Another shape at x, y. */
static inline void pointer_point(
        struct pointer_stand *stand, uint16_t side, uint64_t seed, int32_t x, int32_t y)
{
	struct pointer pointer = pointer_draw(stand, side, side, seed);

	pointer.x = x;
	pointer.y = y;
	ring_writer_point(&stand->stand.writer, &pointer, true);
}

/* The shape before at x, y. */
static inline void pointer_move(struct pointer_stand *stand, int32_t x, int32_t y)
{
	const struct pointer pointer = {
		.is_shown = true, .x = x, .y = y, .shape = { 1, 1, 0, 0, stand->drawn }
	};

	ring_writer_point(&stand->stand.writer, &pointer, false);
}

static inline void pointer_hide(struct pointer_stand *stand)
{
	const struct pointer pointer = { .is_shown = false };

	ring_writer_point(&stand->stand.writer, &pointer, false);
}

static inline enum point_result pointer_look(struct pointer_stand *stand)
{
	memset(&stand->pointer, 0xa5, sizeof(stand->pointer));
	return ring_reader_point(&stand->reader, stand->copied, &stand->pointer);
}

/* It is shown there, with a shape or with that of before. */
static inline void pointer_assert_at(const struct pointer_stand *stand, int32_t x, int32_t y)
{
	assert_true(stand->pointer.is_shown);
	assert_int_equal(stand->pointer.x, x);
	assert_int_equal(stand->pointer.y, y);
}

#endif
