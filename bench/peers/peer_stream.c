/* SPDX-License-Identifier: MIT */
/*
 * Frames as a stream of bytes through the kernel: a pipe, a pipe that borrows the sender's pages
 * (vmsplice), a UNIX socket.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static bool prepare_pipe(struct peer *peer, struct complaint *why)
{
	if (pipe2(peer->fds, O_CLOEXEC) < 0) {
		complain(why, "pipe: %s", strerror(errno));
		return false;
	}
	(void)fcntl(peer->fds[1], F_SETPIPE_SZ, PEER_PIPE_BYTES);
	return true;
}

static bool prepare_socket(struct peer *peer, struct complaint *why)
{
	const int room = PEER_PIPE_BYTES; /* the kernel takes less where it must */

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer->fds) < 0) {
		complain(why, "socketpair: %s", strerror(errno));
		return false;
	}
	(void)setsockopt(peer->fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return true;
}

static bool send_by_write(struct peer *peer, const void *frame)
{
	const uint8_t *at = frame;
	size_t left = peer->bytes;

	while (left > 0) {
		ssize_t sent = write(peer->fds[1], at, left);

		if (sent < 0) {
			return false;
		}
		at += sent;
		left -= (size_t)sent;
	}
	return true;
}

static bool send_by_vmsplice(struct peer *peer, const void *frame)
{
	struct iovec left = { (void *)(uintptr_t)frame, peer->bytes };

	while (left.iov_len > 0) {
		ssize_t sent = vmsplice(peer->fds[1], &left, 1, 0);

		if (sent < 0) {
			return false;
		}
		left.iov_base = (uint8_t *)left.iov_base + sent;
		left.iov_len -= (size_t)sent;
	}
	return true;
}

static bool receive_by_read(struct peer *peer, void *into)
{
	size_t done = 0;

	while (done < peer->bytes) {
		ssize_t got = read(peer->fds[0], (uint8_t *)into + done, peer->bytes - done);

		if (got <= 0) {
			return false;
		}
		done += (size_t)got;
	}
	return true;
}

const struct peer_ops peer_pipe = {
	.name = "pipe",
	.prepare = prepare_pipe,
	.send = send_by_write,
	.receive = receive_by_read,
};

const struct peer_ops peer_vmsplice = {
	.name = "vmsplice",
	.prepare = prepare_pipe,
	.send = send_by_vmsplice,
	.receive = receive_by_read,
};

const struct peer_ops peer_socket = {
	.name = "socket",
	.prepare = prepare_socket,
	.send = send_by_write,
	.receive = receive_by_read,
};
