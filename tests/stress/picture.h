/* SPDX-License-Identifier: MIT */
/*
 * Pictures that cost next to nothing: noise keyed by epoch and sequence, padding included, so that
 * a consumer can compute again every frame it accepted, its geometry too. (The RANDOM pattern of
 * common/ makes a pool of 16 MiB for each epoch: too slow for thousands of sessions.)
 */
#ifndef ORIEL_STRESS_PICTURE_H
#define ORIEL_STRESS_PICTURE_H

#include "frame.h"

#include <stdint.h>

#define PICTURE_SIDE_MAX 160u /* of changing pictures */

/* Which geometry the frames of a session have. */
struct picture_plan {
	uint32_t width; /* 0: changing */
	uint32_t height;
	uint32_t change_every; /* so many frames have one geometry; 1 at least */
};

/* A well mixed function of its argument. */
uint64_t picture_mix(uint64_t value);

/* The geometry of a frame. Changing ones have any format, odd sides and padded rows. */
struct frame_info picture_info(const struct picture_plan *plan, uint64_t epoch, uint64_t sequence);

/* No frame of the plan needs more bytes. */
uint64_t picture_bytes_max(const struct picture_plan *plan);

/* Fills stride * height bytes. */
void picture_draw(
        const struct frame_info *info, uint64_t epoch, uint64_t sequence, uint8_t *pixels);

#endif
