/* SPDX-License-Identifier: MIT */
#include "kms_object.h"

#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

bool kms_plane_read(int fd, uint32_t plane, struct kms_plane *now)
{
	struct drm_mode_get_plane request = { .plane_id = plane };
	bool is_told = drmIoctl(fd, DRM_IOCTL_MODE_GETPLANE, &request) == 0;

	*now = (struct kms_plane) { request.crtc_id, request.fb_id, request.possible_crtcs };
	return is_told;
}

int kms_plane_type(int fd, uint32_t plane)
{
	struct kms_properties properties;
	uint32_t id;

	if (!kms_properties_read(fd, plane, DRM_MODE_OBJECT_PLANE, &properties)) {
		return -1;
	}
	id = kms_properties_find(fd, &properties, "type");
	return id ? (int)kms_properties_value(&properties, id, 0) : -1;
}

bool kms_properties_read(int fd, uint32_t object, uint32_t type, struct kms_properties *now)
{
	struct drm_mode_obj_get_properties request = {
		.props_ptr = (uintptr_t)now->ids,
		.prop_values_ptr = (uintptr_t)now->values,
		.count_props = KMS_PROPERTIES_MAX,
		.obj_id = object,
		.obj_type = type,
	};

	now->count = 0;
	if (drmIoctl(fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &request) != 0) {
		return false;
	}
	now->count =
	        request.count_props < KMS_PROPERTIES_MAX ? request.count_props : KMS_PROPERTIES_MAX;
	return true;
}

uint32_t kms_properties_find(int fd, const struct kms_properties *properties, const char *name)
{
	uint32_t found = 0;

	for (uint32_t i = 0; !found && i < properties->count; i++) {
		drmModePropertyRes *property = drmModeGetProperty(fd, properties->ids[i]);

		if (property && strcmp(property->name, name) == 0) {
			found = properties->ids[i];
		}
		drmModeFreeProperty(property);
	}
	return found;
}

uint64_t kms_properties_value(
        const struct kms_properties *properties, uint32_t id, uint64_t otherwise)
{
	for (uint32_t i = 0; i < properties->count; i++) {
		if (properties->ids[i] == id) {
			return properties->values[i];
		}
	}
	return otherwise;
}
