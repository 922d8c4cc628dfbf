/* SPDX-License-Identifier: MIT */
#include "kms_judge.h"
#include "pixel_format.h"

#include <drm_fourcc.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

static enum kms_look judge_modifier(const drmModeFB2 *buffer, struct complaint *why)
{
	char *name;

	if (!(buffer->flags & DRM_MODE_FB_MODIFIERS) || buffer->modifier == DRM_FORMAT_MOD_LINEAR) {
		return KMS_SHOWN;
	}
	name = drmGetFormatModifierName(buffer->modifier);
	complain(why,
	        "its pixels are tiled (%s), which needs a GPU to read; switch the "
	        "desktop's compositing to software",
	        name ? name : "an unknown modifier");
	free(name);
	return KMS_WRONG;
}

static enum kms_look judge_sides(
        const drmModeFB2 *buffer, const struct pixel_format *format, struct complaint *why)
{
	if (!buffer->width || !buffer->height || buffer->width > FRAME_SIDE_MAX ||
	        buffer->height > FRAME_SIDE_MAX) {
		complain(why, "it is %ux%u; 1x1 to %ux%u can be carried", buffer->width,
		        buffer->height, FRAME_SIDE_MAX, FRAME_SIDE_MAX);
		return KMS_WRONG;
	}
	if (buffer->pitches[0] < buffer->width * format->bytes) {
		complain(why,
		        "its driver says that a row is %u bytes long, but %u pixels of %s "
		        "take %u; capture another --source",
		        buffer->pitches[0], buffer->width, format->name,
		        buffer->width * format->bytes);
		return KMS_WRONG;
	}
	return KMS_SHOWN;
}

enum kms_look kms_judge_buffer(const drmModeFB2 *buffer, struct complaint *why)
{
	const struct pixel_format *format = pixel_format_by_fourcc(buffer->pixel_format);
	char name[5] = { 0 };

	memcpy(name, &buffer->pixel_format, 4);
	if (!buffer->handles[0]) {
		complain(why, "to see another program's screen takes CAP_SYS_ADMIN; run this as "
		              "root");
		return KMS_GONE;
	}
	if (judge_modifier(buffer, why) != KMS_SHOWN) {
		return KMS_WRONG;
	}
	if (!format) {
		complain(why, "its pixel format is %s; it can be one of %s", name,
		        pixel_format_names());
		return KMS_WRONG;
	}
	return judge_sides(buffer, format, why);
}

size_t kms_judge_size(const drmModeFB2 *buffer)
{
	return (size_t)buffer->offsets[0] + (size_t)buffer->pitches[0] * buffer->height;
}

bool kms_judge_part(const drmModeFB2 *buffer, const drmModeCrtc *crtc, struct frame_rect *part)
{
	uint32_t width;
	uint32_t height;

	if (!crtc || !crtc->mode_valid || crtc->x >= buffer->width || crtc->y >= buffer->height) {
		return false;
	}
	width = buffer->width - crtc->x;
	height = buffer->height - crtc->y;
	width = crtc->mode.hdisplay < width ? crtc->mode.hdisplay : width;
	height = crtc->mode.vdisplay < height ? crtc->mode.vdisplay : height;
	*part = (struct frame_rect) { (uint16_t)crtc->x, (uint16_t)crtc->y, (uint16_t)width,
		(uint16_t)height };
	return width && height;
}
