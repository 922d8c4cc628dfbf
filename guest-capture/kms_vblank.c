/* SPDX-License-Identifier: MIT */
#include "kms_vblank.h"
#include "clock.h"

#include <drm.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#define DOUBT_NS     NS_PER_S
#define EVENTS_BYTES 1024u

bool kms_vblank_ask(
        struct kms_vblank *vblank, int card, uint32_t crtc, uint32_t every, uint64_t now_ns)
{
	const uint32_t from = vblank->last ? 0 : DRM_CRTC_SEQUENCE_RELATIVE;
	const uint64_t goal = vblank->last ? vblank->last + every : 1;

	if (vblank->is_absent || now_ns < vblank->doubt_ns) {
		return false;
	}
	if (drmCrtcQueueSequence(card, crtc, from | DRM_CRTC_SEQUENCE_NEXT_ON_MISS, goal, NULL,
	            vblank->asked + 1) != 0) {
		vblank->is_absent = errno == EOPNOTSUPP;
		kms_vblank_doubt(vblank, now_ns);
		return false;
	}
	vblank->asked++;
	vblank->is_awaited = true;
	return true;
}

/* Is ours among these events? Others are of blanks that were given up. */
static bool find_event(struct kms_vblank *vblank, const uint8_t *events, size_t size)
{
	struct drm_event_crtc_sequence one;

	for (size_t at = 0; at + sizeof(one.base) <= size; at += one.base.length) {
		memcpy(&one.base, events + at, sizeof(one.base));
		if (one.base.length < sizeof(one.base) || one.base.length > size - at) {
			return false;
		}
		if (one.base.type != DRM_EVENT_CRTC_SEQUENCE || one.base.length < sizeof(one)) {
			continue;
		}
		memcpy(&one, events + at, sizeof(one));
		if (one.user_data == vblank->asked) {
			vblank->last = one.sequence;
			vblank->is_awaited = false;
			return true;
		}
	}
	return false;
}

bool kms_vblank_wait(struct kms_vblank *vblank, int card, uint64_t until_ns)
{
	while (vblank->is_awaited) {
		uint64_t left_ns = clock_elapsed_ns(clock_now_ns(), until_ns);
		const struct timespec left = { (time_t)(left_ns / NS_PER_S),
			(long)(left_ns % NS_PER_S) };
		struct pollfd events = { .fd = card, .events = POLLIN };
		uint8_t bytes[EVENTS_BYTES];
		ssize_t size;

		if (ppoll(&events, 1, &left, NULL) <= 0) {
			return false;
		}
		size = events.revents & POLLIN ? read(card, bytes, sizeof(bytes)) : 0;
		if (size <= 0) {
			/* The card is going away: no event, and no sleep either. */
			clock_sleep_until_ns(until_ns);
			return false;
		}
		if (find_event(vblank, bytes, (size_t)size)) {
			return true;
		}
	}
	return false;
}

void kms_vblank_doubt(struct kms_vblank *vblank, uint64_t now_ns)
{
	kms_vblank_rest(vblank);
	vblank->doubt_ns = now_ns + DOUBT_NS;
}

void kms_vblank_rest(struct kms_vblank *vblank)
{
	vblank->is_awaited = false;
	vblank->last = 0;
}
