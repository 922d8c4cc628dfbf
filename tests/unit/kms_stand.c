/* SPDX-License-Identifier: MIT */
#include "kms_stand.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define FIRST_PLANE 30u
#define FIRST_CRTC  40u
#define HANDLE      1u

struct stand_card stand;

struct kms_card stand_open(uint32_t side_px)
{
	size_t bytes = (size_t)side_px * side_px * 4;

	stand = (struct stand_card) { .side_px = side_px };
	stand.memory = memfd_create("framebuffer", MFD_CLOEXEC);
	if (stand.memory < 0 || ftruncate(stand.memory, (off_t)bytes) != 0) {
		perror("memory for a framebuffer");
	}
	return (struct kms_card) { .fd = stand.memory, .path = "card", .has_prime = true };
}

void stand_close(void)
{
	close(stand.memory);
}

struct stand_object *stand_add_crtc(void)
{
	struct stand_object *crtc = &stand.crtcs[stand.crtc_count];

	crtc->id = FIRST_CRTC + stand.crtc_count++;
	return crtc;
}

struct stand_plane *stand_add_plane(uint64_t type, uint32_t possible_crtcs)
{
	struct stand_plane *plane = &stand.planes[stand.plane_count];

	plane->object.id = FIRST_PLANE + stand.plane_count++;
	plane->possible_crtcs = possible_crtcs;
	stand_set(&plane->object, STAND_OTHER, 7);
	stand_set(&plane->object, STAND_TYPE, type);
	return plane;
}

void stand_set(struct stand_object *object, uint32_t property, uint64_t value)
{
	uint32_t at = 0;

	while (at < object->count && object->properties[at] != property) {
		at++;
	}
	object->count += at == object->count;
	object->properties[at] = property;
	object->values[at] = value;
}

/* As the kernel fills an array: as much as was asked for, and how much there is. */
static void fill(uint64_t to, uint32_t *count, const void *from, uint32_t have, size_t size)
{
	const uint32_t filled = *count < have ? *count : have;

	/* Who asks only how much there is has no array. */
	if (filled) {
		memcpy((void *)(uintptr_t)to, from, filled * size);
	}
	*count = have;
}

static int list_planes(struct drm_mode_get_plane_res *request)
{
	uint32_t ids[STAND_PLANES];

	for (uint32_t i = 0; i < stand.plane_count; i++) {
		ids[i] = stand.planes[i].object.id;
	}
	if (stand.is_secret) {
		errno = ENOMEM;
		return -1;
	}
	fill(request->plane_id_ptr, &request->count_planes, ids, stand.plane_count, sizeof(ids[0]));
	return 0;
}

static int list_crtcs(struct drm_mode_card_res *request)
{
	uint32_t ids[STAND_CRTCS];

	for (uint32_t i = 0; i < stand.crtc_count; i++) {
		ids[i] = stand.crtcs[i].id;
	}
	fill(request->crtc_id_ptr, &request->count_crtcs, ids, stand.crtc_count, sizeof(ids[0]));
	return 0;
}

static int tell_plane(struct drm_mode_get_plane *request)
{
	const struct stand_plane *plane = &stand.planes[request->plane_id - FIRST_PLANE];

	request->possible_crtcs = plane->possible_crtcs;
	request->crtc_id = plane->crtc;
	request->fb_id = plane->buffer;
	return 0;
}

static int tell_properties(struct drm_mode_obj_get_properties *request)
{
	const struct stand_object *object =
	        request->obj_type == DRM_MODE_OBJECT_CRTC
	                ? &stand.crtcs[request->obj_id - FIRST_CRTC]
	                : &stand.planes[request->obj_id - FIRST_PLANE].object;
	uint32_t count = request->count_props;

	fill(request->props_ptr, &count, object->properties, object->count, sizeof(uint32_t));
	fill(request->prop_values_ptr, &request->count_props, object->values, object->count,
	        sizeof(uint64_t));
	return 0;
}

static int name_property(struct drm_mode_get_property *request)
{
	static const char *const names[] = { "type", "CRTC_X", "CRTC_Y", "HOTSPOT_X", "HOTSPOT_Y",
		"ACTIVE" };

	snprintf(request->name, sizeof(request->name), "%s",
	        request->prop_id < STAND_OTHER ? names[request->prop_id - STAND_TYPE] : "other");
	return 0;
}

static int tell_crtc(struct drm_mode_crtc *request)
{
	request->mode_valid = 1;
	request->mode.hdisplay = (uint16_t)stand.side_px;
	request->mode.vdisplay = (uint16_t)stand.side_px;
	return 0;
}

static int tell_buffer(struct drm_mode_fb_cmd2 *request)
{
	request->width = stand.side_px;
	request->height = stand.side_px;
	request->pixel_format = DRM_FORMAT_ARGB8888;
	request->pitches[0] = stand.side_px * 4;
	request->handles[0] = HANDLE;
	return 0;
}

static int share_buffer(struct drm_prime_handle *request)
{
	request->fd = fcntl(stand.memory, F_DUPFD_CLOEXEC, 0);
	return request->fd < 0 ? -1 : 0;
}

int drmIoctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	stand.asked++;
	if (stand.is_gone) {
		errno = ENODEV;
		return -1;
	}
	switch (request) {
	case DRM_IOCTL_MODE_GETPLANERESOURCES:
		return list_planes(argument);
	case DRM_IOCTL_MODE_GETRESOURCES:
		return list_crtcs(argument);
	case DRM_IOCTL_MODE_GETPLANE:
		return tell_plane(argument);
	case DRM_IOCTL_MODE_OBJ_GETPROPERTIES:
		return tell_properties(argument);
	case DRM_IOCTL_MODE_GETPROPERTY:
		return name_property(argument);
	case DRM_IOCTL_MODE_GETCRTC:
		return tell_crtc(argument);
	case DRM_IOCTL_MODE_GETFB2:
		return tell_buffer(argument);
	case DRM_IOCTL_PRIME_HANDLE_TO_FD:
		return share_buffer(argument);
	case DRM_IOCTL_GEM_CLOSE:
		return 0;
	default:
		errno = EINVAL;
		return -1;
	}
}
