/* SPDX-License-Identifier: MIT */
/*
 * The pointer's bytes: tables, structs, assertions; no functions. They lie in G behind the last
 * payload, where a producer offers RING_FEATURE_POINTER. docs/protocol.md is the same in prose.
 *
 *   pointer_base = end of the payloads, a multiple of 64 KiB
 *       0      struct ring_pointer
 *       4096   pixels of shapes[0], shape_capacity bytes
 *       ...    pixels of shapes[1]
 */
#ifndef ORIEL_POINTER_LAYOUT_H
#define ORIEL_POINTER_LAYOUT_H

#include "layout.h"

#define RING_SHAPES             2u
#define RING_POINTER_SIZE       4096u
#define RING_SHAPE_ALIGNMENT    4096u
#define RING_SHAPE_CAPACITY_MIN 16384u   /* bytes: 64 x 64 pixels */
#define RING_SHAPE_CAPACITY_MAX 1048576u /* 512 x 512 */

/*
 * ring_pointer.place = (shape's number << 32) + ((y + 32768) << 16) + (x + 32768), the corner in
 * pixels of the frame; 0: no pointer is shown. Shapes are numbered from 1, and after 2^32 - 1 from
 * 1 again. Number n lies in shapes[n % RING_SHAPES].
 */
#define RING_PLACE_SHAPE_SHIFT 32
#define RING_PLACE_Y_SHIFT     16
#define RING_PLACE_MASK        UINT64_C(0xffff)
#define RING_PLACE_BIAS        32768

/* ring_shape.control = (number << 1) + WRITING; 0: never used */
#define RING_SHAPE_SHIFT   1
#define RING_SHAPE_WRITING UINT64_C(1)

/*
 * What the pointer looks like. Writer: the producer. 64 bytes.
 *
 * | off | type | field   | notes |
 * |   0 | u64  | control | (number << 1) + WRITING |
 * |   8 | u64  | size    | width + (height << 16) + (hot_x << 32) + (hot_y << 48), pixels |
 * |  16 | u64  | digest  | XXH64 of the pixels, seed: size |
 */
struct ring_shape {
	shared_u64 control;
	shared_u64 size;
	shared_u64 digest;
	shared_u64 reserved[5];
};

#define RING_SHAPE_HEIGHT_SHIFT 16
#define RING_SHAPE_HOT_X_SHIFT  32
#define RING_SHAPE_HOT_Y_SHIFT  48

/*
 * The pointer's page. Writer: the producer.
 *
 * | off | type   | field          | notes |
 * |   0 | u64    | place          | a line of its own |
 * |  64 | u32    | shape_capacity | bytes for the pixels of each shape |
 * | 128 | 2 x 64 | shapes         | struct ring_shape |
 */
struct ring_pointer {
	shared_u64 place;
	uint8_t reserved_0[56];
	shared_u32 shape_capacity;
	uint8_t reserved_1[60];
	struct ring_shape shapes[RING_SHAPES];
	uint8_t reserved_2[3840];
};

#define RING_AT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field " moved")
#define RING_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type " changed size")

RING_AT(ring_shape, control, 0);
RING_AT(ring_shape, size, 8);
RING_AT(ring_shape, digest, 16);
RING_AT(ring_shape, reserved, 24);
RING_SIZE(ring_shape, 64);

RING_AT(ring_pointer, place, 0);
RING_AT(ring_pointer, shape_capacity, 64);
RING_AT(ring_pointer, shapes, 128);
RING_SIZE(ring_pointer, RING_POINTER_SIZE);

#undef RING_AT
#undef RING_SIZE

#endif
