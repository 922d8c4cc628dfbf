/* SPDX-License-Identifier: MIT */
#include "ivshmem_message.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One is right; room for some more, so that too many are noticed and closed. */
#define FDS_ROOM 4

/* The union is what aligns the bytes. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FDS_ROOM * sizeof(int))];
};

int ivshmem_send(int socket, int64_t number, int fd)
{
	uint64_t bytes = htole64((uint64_t)number);
	struct iovec vector = { .iov_base = &bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	union control control = { .bytes = { 0 } };
	ssize_t sent;

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(fd));
	}
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		return errno == ENOBUFS || errno == ENOMEM ? -ETOOMANYREFS : -errno;
	}
	/* Linux takes so few bytes whole or not at all. */
	return sent == (ssize_t)sizeof(bytes) ? 0 : -EIO;
}

void ivshmem_inbox_init(struct ivshmem_inbox *inbox)
{
	*inbox = (struct ivshmem_inbox) { .fd = -1 };
}

void ivshmem_inbox_finish(struct ivshmem_inbox *inbox)
{
	if (inbox->fd >= 0) {
		close(inbox->fd);
	}
	ivshmem_inbox_init(inbox);
}

/* Keeps one descriptor in the inbox and closes all others. returns: how many there were */
static unsigned take_descriptors(struct ivshmem_inbox *inbox, struct msghdr *message)
{
	unsigned count = inbox->fd >= 0;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		size_t bytes = at->cmsg_len - CMSG_LEN(0);

		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(at) + i * sizeof(fd), sizeof(fd));
			if (count++ == 0) {
				inbox->fd = fd;
			} else {
				close(fd);
			}
		}
	}
	return count;
}

int ivshmem_receive(int socket, struct ivshmem_inbox *inbox, int64_t *number, int *fd)
{
	union control control;
	struct iovec vector = { .iov_base = inbox->bytes + inbox->used,
		.iov_len = sizeof(inbox->bytes) - inbox->used };
	struct msghdr message = { .msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	uint64_t bytes;
	ssize_t came;

	do {
		came = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (came < 0 && errno == EINTR);
	if (came < 0) {
		return errno == EWOULDBLOCK ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	}
	/* Before anything else is judged, for these are open now. */
	if (take_descriptors(inbox, &message) > 1) {
		return -EPROTO;
	}
	/* Without this, the lost eventfd of a join would read as a leave. */
	if (message.msg_flags & MSG_CTRUNC) {
		return -EMFILE;
	}
	if (came == 0) {
		return -EPIPE;
	}
	inbox->used += (size_t)came;
	if (inbox->used < sizeof(inbox->bytes)) {
		return 0;
	}
	memcpy(&bytes, inbox->bytes, sizeof(bytes));
	*number = (int64_t)le64toh(bytes);
	*fd = inbox->fd;
	ivshmem_inbox_init(inbox);
	return 1;
}
