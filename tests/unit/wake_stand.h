/* SPDX-License-Identifier: MIT */
/*
 * A stand (ring_stand.h) whose sides have doorbells that do nothing but count, and a pointer that
 * each consumer follows. For tests only.
 */
#ifndef ORIEL_TEST_WAKE_STAND_H
#define ORIEL_TEST_WAKE_STAND_H

#include "ring_stand.h"
#include "ring_wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define PRODUCER_PEER 7u
#define SOMEBODY_FD   0 /* "can be rung": nobody reads it */

/* A doorbell, and where it was rung last. */
struct tower {
	struct doorbell doorbell;
	unsigned rings;
	unsigned peer;
	unsigned vector;
};

static inline int tower_ring(struct doorbell *doorbell, unsigned peer, unsigned vector)
{
	struct tower *tower = (struct tower *)doorbell;

	assert_true(peer <= DOORBELL_PEER_MAX);
	assert_true(vector <= DOORBELL_VECTOR_MAX);
	tower->rings++;
	tower->peer = peer;
	tower->vector = vector;
	return 0;
}

static const struct doorbell_ops tower_ops = { .name = "tower", .ring = tower_ring };

/* fd: -1 for one that cannot be rung */
static inline struct tower tower_of(unsigned peer, int fd)
{
	return (struct tower) {
		.doorbell = { .ops = &tower_ops, .peer = peer, .vector = peer % 3, .fd = fd },
	};
}

/* A producer with this doorbell, NULL for none. */
static inline void wake_set_up(struct stand *stand, bool lossless, struct tower *tower)
{
	const struct ring_writer_config config = {
		.slot_count = 4,
		.lossless = lossless,
		.version_text = "stand",
		.epoch = STAND_EPOCH,
		.shape_capacity = RING_SHAPE_CAPACITY_MIN,
		.doorbell = tower ? &tower->doorbell : NULL,
	};

	stand_set_up(stand, STAND_REGION, &config);
}

/* As stand_attach(), with a doorbell; the producer does not know yet. */
static inline void wake_attach(struct stand *stand, struct ring_reader *reader, unsigned block,
        enum reader_mode mode, struct tower *tower)
{
	const struct ring_reader_config config = {
		.g = { stand->memory.bytes, stand->ring.region_size },
		.h = stand->ring.h,
		.block = block,
		.mode = mode,
		.wants_pointer = true,
		.doorbell = tower ? &tower->doorbell : NULL,
	};
	struct ring_header header;

	assert_int_equal(region_header_read(config.g, &header), HEADER_GOOD);
	ring_reader_attach(reader, &config, &header);
}

/* The pointer is at x now; its shape is one pixel. */
static inline void wake_point(struct stand *stand, int32_t x)
{
	const uint32_t pixel = 0xff123456;
	const struct pointer pointer = {
		.is_shown = true, .x = x, .shape = { 1, 1, 0, 0, &pixel }
	};

	ring_writer_point(&stand->writer, &pointer, false);
}

#endif
