/* SPDX-License-Identifier: MIT */
/*
 * Other ways from one process to another for the same frames: what somebody would pick in place of
 * Oriel. peer.c forks the two sides and counts; a way is a table of functions; peer_work.h is what
 * both sides do with a frame besides.
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
	size_t bytes; /* of what is handed on: a frame and its trailer */
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
	 * The receiver: puts the next frame into its own memory.
	 * returns: false: there will be no more
	 */
	bool (*receive)(struct peer *peer, void *into);
	/*
	 * The receiver: shows the next frame where it arrived, without a copy; NULL: this way
	 * cannot. returns: the frame, valid until the next call; NULL: there will be no more
	 */
	const void *(*show)(struct peer *peer);
	/* Each side at its end; NULL: nothing to do. */
	void (*finish)(struct peer *peer, bool is_sender);
};

extern const struct peer_ops peer_pipe, peer_vmsplice, peer_socket, peer_memcpy_ring;
#if ORIEL_GSTREAMER
extern const struct peer_ops peer_gstreamer;
#endif

#endif
