/* SPDX-License-Identifier: MIT */
/*
 * What a driver says of a framebuffer and of its CRTC, judged before a byte of it is mapped. Used
 * by kms_scanout.c; knows values only, no device.
 */
#ifndef ORIEL_KMS_JUDGE_H
#define ORIEL_KMS_JUDGE_H

#include "complaint.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <xf86drmMode.h>

enum kms_look {
	KMS_SHOWN, /* view is set */
	KMS_DARK,  /* the CRTC is off, or shows no buffer */
	KMS_WRONG, /* what it shows cannot be carried; the complaint says why */
	KMS_GONE,  /* the device is gone, or refuses; the complaint says why */
};

/* returns: KMS_SHOWN: it can be mapped and carried; KMS_WRONG; KMS_GONE: we may not see it */
enum kms_look kms_judge_buffer(const drmModeFB2 *buffer, struct complaint *why);

/* What has to be mapped of a buffer that was judged well. Whether it has that much, mmap says. */
size_t kms_judge_size(const drmModeFB2 *buffer);

/*
 * The part of the buffer that is shown: all of it, but where several CRTCs share one.
 * crtc:    NULL: it cannot be asked
 * returns: false: nothing of it is shown
 */
bool kms_judge_part(const drmModeFB2 *buffer, const drmModeCrtc *crtc, struct frame_rect *part);

#endif
