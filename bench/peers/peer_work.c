/* SPDX-License-Identifier: MIT */
#include "peer_work.h"

#include "clock.h"

#include <string.h>

bool peer_work_by_name(const char *name, enum peer_work *work)
{
	*work = strcmp(name, "in-place") == 0 ? PEER_IN_PLACE : PEER_SAME;
	return *work == PEER_IN_PLACE || strcmp(name, "same") == 0;
}

static void digest_pixels(struct peer_side *side, const void *pixels, struct digest *digest)
{
	digester_run(side->digester, side->algorithm, pixels, frame_info_bytes(&side->peer->info),
	        digest);
}

bool peer_send(struct peer_side *side, uint8_t *frame, uint64_t number)
{
	struct peer_trailer trailer = { .number = number, .sent_ns = clock_now_ns() };

	if (side->work == PEER_SAME && number != 0) {
		digest_pixels(side, frame, &trailer.digest);
	}
	memcpy(frame + frame_info_bytes(&side->peer->info), &trailer, sizeof(trailer));
	return side->ops->send(side->peer, frame);
}

static const uint8_t *get_frame(struct peer_side *side, void *into)
{
	if (side->work == PEER_IN_PLACE) {
		return side->ops->show(side->peer);
	}
	return side->ops->receive(side->peer, into) ? into : NULL;
}

enum peer_verdict peer_take(struct peer_side *side, void *into, uint64_t number, uint64_t *sent_ns)
{
	const uint8_t *frame = get_frame(side, into);
	struct peer_trailer trailer;
	struct digest digest;

	if (!frame) {
		return PEER_END;
	}
	memcpy(&trailer, frame + frame_info_bytes(&side->peer->info), sizeof(trailer));
	if (trailer.number == 0) {
		return PEER_END;
	}
	digest_pixels(side, frame, &digest);
	*sent_ns = trailer.sent_ns;
	if (side->work == PEER_SAME && !digest_equal(&digest, &trailer.digest)) {
		return PEER_WRONG;
	}
	return trailer.number == number ? PEER_FRAME : PEER_WRONG;
}
