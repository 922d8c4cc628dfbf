/* SPDX-License-Identifier: MIT */
/*
 * What the rooms hand on to each other: a frame, its geometry, its damage, its times.
 *
 * A frame only moves forward: source -> ring_writer | shared memory | ring_reader -> sink.
 * Nothing in here lives in shared memory; see protocol/layout.h for that.
 */
#ifndef ORIEL_FRAME_H
#define ORIEL_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_SIDE_MAX   16384u /* pixels, width and height */
#define FRAME_DAMAGE_MAX 64u    /* rectangles; more are given as the whole frame */
#define FRAME_TIME_NONE  0u     /* a time that was not taken */

/* Geometry of linear, single-plane pixels. Row y starts at y * stride. */
struct frame_info {
	uint32_t fourcc; /* a DRM_FORMAT_* of pixel_format.h */
	uint32_t width;  /* pixels */
	uint32_t height; /* pixels, rows */
	uint32_t stride; /* bytes from row to row, a multiple of 4 */
};

/* A part of a frame in pixels, from its upper left corner. */
struct frame_rect {
	uint16_t x;
	uint16_t y;
	uint16_t width;
	uint16_t height;
};

/*
 * Outside of the rectangles no frame since base_sequence differs from it, this one included. A
 * base_sequence of 0 stands for the whole frame.
 */
struct frame_damage {
	uint64_t base_sequence;
	uint32_t count;
	struct frame_rect rects[FRAME_DAMAGE_MAX];
};

/*
 * The producer's stages, on the producer's CLOCK_MONOTONIC in ns, FRAME_TIME_NONE where not taken.
 * They are never compared with a consumer's clock unless the offset was measured.
 */
struct frame_times {
	uint64_t due_ns;       /* when the frame should have been captured */
	uint64_t captured_ns;  /* when its source was asked for it */
	uint64_t filled_ns;    /* when the source had it ready */
	uint64_t claimed_ns;   /* when a slot was found and the copy began */
	uint64_t published_ns; /* just before it became visible */
};

/* A frame on its way. It borrows its pixels. */
struct frame {
	struct frame_info info;
	struct frame_times times;
	struct frame_damage damage;
	uint64_t epoch;    /* the producer's session */
	uint64_t sequence; /* from 1 in each epoch */
	const void *pixels;
};

/* Bytes of the payload: stride * height in 64 bits, which cannot overflow. */
static inline uint64_t frame_info_bytes(const struct frame_info *info)
{
	return (uint64_t)info->stride * info->height;
}

/* Same geometry: neither buffer nor texture needs to change. */
static inline bool frame_info_equal(const struct frame_info *a, const struct frame_info *b)
{
	return a->fourcc == b->fourcc && a->width == b->width && a->height == b->height &&
	       a->stride == b->stride;
}

#endif
