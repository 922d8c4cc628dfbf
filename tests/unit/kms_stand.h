/* SPDX-License-Identifier: MIT */
/*
 * A card to stand on: kms_stand.c is the drmIoctl() of a test, libdrm's own calls included, and
 * answers out of this struct. What it is asked is counted.
 */
#ifndef ORIEL_KMS_STAND_H
#define ORIEL_KMS_STAND_H

#include "kms_card.h"

#include <stdbool.h>
#include <stdint.h>

#define STAND_PLANES     20u
#define STAND_CRTCS      3u
#define STAND_PROPERTIES 70u /* more than a kernel has */

/* Names have the same number wherever they are, as they have on real cards. */
enum stand_name {
	STAND_TYPE = 500,
	STAND_X,
	STAND_Y,
	STAND_HOT_X,
	STAND_HOT_Y,
	STAND_ACTIVE,
	STAND_OTHER, /* this one and all behind it */
};

struct stand_object {
	uint32_t id;
	uint32_t count;
	uint32_t properties[STAND_PROPERTIES];
	uint64_t values[STAND_PROPERTIES];
};

struct stand_plane {
	struct stand_object object;
	uint32_t possible_crtcs;
	uint32_t crtc;
	uint32_t buffer;
};

struct stand_card {
	uint32_t plane_count;
	struct stand_plane planes[STAND_PLANES];
	uint32_t crtc_count;
	struct stand_object crtcs[STAND_CRTCS];
	bool is_gone;     /* it answers ENODEV from now on */
	bool is_secret;   /* it does not list its planes */
	int memory;       /* of every framebuffer */
	uint32_t side_px; /* of every framebuffer */
	unsigned asked;   /* how often */
};

extern struct stand_card stand;

/* A card without anything, whose framebuffers have this many pixels a side. */
struct kms_card stand_open(uint32_t side_px);
void stand_close(void);

/* Adds one. returns: its number, which is for good, as the object is */
struct stand_object *stand_add_crtc(void);
struct stand_plane *stand_add_plane(uint64_t type, uint32_t possible_crtcs);

void stand_set(struct stand_object *object, uint32_t property, uint64_t value);

#endif
