/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a plane, and of the properties of an object, with one ioctl each. libdrm
 * asks twice, the first time for how much there is; here it is known how much there may be. Used by
 * kms_scanout.c and kms_cursor.c.
 */
#ifndef ORIEL_KMS_OBJECT_H
#define ORIEL_KMS_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#define KMS_PROPERTIES_MAX 64u /* no kernel gives an object more */

/* Where a plane stands now. */
struct kms_plane {
	uint32_t crtc;           /* that it feeds; 0: none */
	uint32_t buffer;         /* the framebuffer; 0: none */
	uint32_t possible_crtcs; /* a bit for each that it may feed, in the order of the card's */
};

struct kms_properties {
	uint32_t count;
	uint32_t ids[KMS_PROPERTIES_MAX];
	uint64_t values[KMS_PROPERTIES_MAX];
};

/* returns: false: it cannot be asked, errno says why; all is 0 then */
bool kms_plane_read(int fd, uint32_t plane, struct kms_plane *now);

/* DRM_PLANE_TYPE_, or -1. For a search: it asks for the name of each property. */
int kms_plane_type(int fd, uint32_t plane);

/*
 * type:    DRM_MODE_OBJECT_PLANE, DRM_MODE_OBJECT_CRTC
 * returns: false: it cannot be asked; there are none then
 */
bool kms_properties_read(int fd, uint32_t object, uint32_t type, struct kms_properties *now);

/* The number of the one of this name; 0: the object has none. It is the card's for good. */
uint32_t kms_properties_find(int fd, const struct kms_properties *properties, const char *name);

/* The value of the one of this number; otherwise: there is none. */
uint64_t kms_properties_value(
        const struct kms_properties *properties, uint32_t id, uint64_t otherwise);

#endif
