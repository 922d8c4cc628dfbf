/* SPDX-License-Identifier: MIT */
/*
 * The messages of QEMU's ivshmem server protocol, version 0 (QEMU's docs/specs/ivshmem-spec): a
 * UNIX stream socket on which the server alone speaks, eight bytes at a time.
 *
 *   bytes  what
 *   0..7   a number, int64, little-endian
 *   with   at most one file descriptor (SCM_RIGHTS)
 *
 *   to a newcomer, in this order        to everybody else, as it happens
 *     0                version            id + eventfd   another peer came; vectors times
 *     id               its own            id             that peer left
 *     -1 + memory      shared by all
 *     id + eventfd     each other peer, vectors times: to ring it
 *     own id + eventfd vectors times: to be rung
 *
 * The n-th eventfd of an id is its vector n; nothing says how many follow.
 * Called by the doorbell-server (sending) and by doorbell.c (receiving). Threads: none.
 */
#ifndef ORIEL_IVSHMEM_MESSAGE_H
#define ORIEL_IVSHMEM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define IVSHMEM_VERSION       0
#define IVSHMEM_MEMORY        (-1)
#define IVSHMEM_ID_MAX        65535u /* the doorbell register has 16 bits for it */
#define IVSHMEM_MESSAGE_BYTES 8u

/* A message that may have come in part. All zero but fd = -1: empty. */
struct ivshmem_inbox {
	uint8_t bytes[IVSHMEM_MESSAGE_BYTES];
	size_t used;
	int fd; /* came with the bytes so far; ours to close */
};

/*
 * Sends one message without waiting and without SIGPIPE.
 *
 * fd:      goes along, stays the caller's; -1 for none
 * returns: 0; or, with nothing sent: -EAGAIN until the socket is writable; -ETOOMANYREFS until the
 *          kernel holds fewer descriptors that nobody took; or another -errno, for good
 */
int ivshmem_send(int socket, int64_t number, int fd);

void ivshmem_inbox_init(struct ivshmem_inbox *inbox);

/* Closes what a message in part brought. */
void ivshmem_inbox_finish(struct ivshmem_inbox *inbox);

/*
 * Receives at most one message, without waiting.
 *
 * fd:      set on 1 only: the caller's now, or -1
 * returns: 1; 0 none yet; -EPIPE the server is gone; -EMFILE a descriptor was lost for want of
 *          room, so that the message cannot be understood; -EPROTO several descriptors came at
 *          once; or another -errno
 */
int ivshmem_receive(int socket, struct ivshmem_inbox *inbox, int64_t *number, int *fd);

#endif
