/* SPDX-License-Identifier: MIT */
/*
 * What both sides do with a frame besides handing it on. A way is compared with the ring at the
 * same work, and beside it at the least that a receiver could do:
 *
 *   same      the sender digests, and the digest goes along; the frame ends in the receiver's own
 *             memory, is digested there, and the digests are compared
 *   in-place  the receiver digests the frame where the way shows it, and lets it go; nothing is
 *             compared, and afterwards the receiver has no frame
 *
 * With the digest "none" nobody digests. peer.c calls this, on either side.
 */
#ifndef ORIEL_BENCH_PEER_WORK_H
#define ORIEL_BENCH_PEER_WORK_H

#include "copy_digest.h"
#include "peer.h"

enum peer_work {
	PEER_SAME,
	PEER_IN_PLACE,
};

/* Stands behind the pixels of each frame; a line long, so that the next one begins with one too. */
struct peer_trailer {
	_Alignas(64) uint64_t number; /* from 1; 0: no frame, and the last */
	uint64_t sent_ns;
	struct digest digest; /* PEER_SAME: of the pixels */
};

enum peer_verdict {
	PEER_FRAME,
	PEER_END,   /* the sender has no more, or the way broke */
	PEER_WRONG, /* not the next frame, or not what was sent */
};

struct peer_side {
	struct peer *peer;
	const struct peer_ops *ops;
	enum peer_work work;
	enum digest_algorithm algorithm;
	struct digester *digester;
};

/* returns: false when name is none */
bool peer_work_by_name(const char *name, enum peer_work *work);

/*
 * The sender: makes what has to be known of frame and hands it on.
 * returns: false when it cannot be handed on
 */
bool peer_send(struct peer_side *side, uint8_t *frame, uint64_t number);

/*
 * The receiver: waits for frame number and does its work on it.
 * into:     its own memory, peer->bytes
 * sent_ns:  PEER_FRAME: when the sender began with it
 */
enum peer_verdict peer_take(struct peer_side *side, void *into, uint64_t number, uint64_t *sent_ns);

#endif
