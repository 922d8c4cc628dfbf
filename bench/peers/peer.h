/* SPDX-License-Identifier: MIT */
/*
 * Other ways from one process to another for the same frames: what somebody would pick in place of
 * Oriel. peer.c forks the two sides and counts; a way is a table of four functions.
 *
 * The sender has private frames, the receiver digests every byte of each, and both stop for
 * nothing else.
 */
#ifndef ORIEL_BENCH_PEER_H
#define ORIEL_BENCH_PEER_H

#include "complaint.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>

#define PEER_PIPE_BYTES (1u << 20) /* what a user may ask for: /proc/sys/fs/pipe-max-size */

struct peer {
	struct frame_info info;
	size_t bytes; /* of a frame */
	int fds[2];   /* the receiver's, the sender's; -1: none */
	void *memory; /* the way's own */
	char path[108];
};

struct peer_ops {
	const char *name;
	/* Before the fork; NULL: nothing to do. */
	bool (*prepare)(struct peer *peer, struct complaint *why);
	/* The sender: hands on one frame, which stays as it is until three more were sent. */
	bool (*send)(struct peer *peer, const void *frame);
	/*
	 * The receiver. into: room for a frame, which a way that shows its own memory leaves alone.
	 * returns: the frame, valid until the next call; NULL: there will be no more
	 */
	const void *(*receive)(struct peer *peer, void *into);
	/* Each side at its end; NULL: nothing to do. */
	void (*finish)(struct peer *peer, bool is_sender);
};

extern const struct peer_ops peer_pipe, peer_vmsplice, peer_socket, peer_memcpy_ring;
#if ORIEL_GSTREAMER
extern const struct peer_ops peer_gstreamer;
#endif

#endif
