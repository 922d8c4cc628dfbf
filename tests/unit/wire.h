/* SPDX-License-Identifier: MIT */
/*
 * Both ends of an ivshmem connection, and a count of open descriptors. For tests only.
 */
#ifndef ORIEL_TEST_WIRE_H
#define ORIEL_TEST_WIRE_H

#include "ivshmem_message.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

struct wire {
	int server;
	int client;
	struct ivshmem_inbox inbox; /* of the client */
};

static inline void wire_open(struct wire *wire)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*wire = (struct wire) { ends[0], ends[1], { .fd = -1 } };
}

/* The client says nothing more and reads nothing more. */
static inline void wire_leave(struct wire *wire)
{
	ivshmem_inbox_finish(&wire->inbox);
	if (wire->client >= 0) {
		close(wire->client);
		wire->client = -1;
	}
}

static inline unsigned open_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder)) {
		count++;
	}
	closedir(folder);
	return count;
}

/* Sends bytes and any number of descriptors in one call. */
static inline void send_raw(
        int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
	char room[CMSG_SPACE(64 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec vector = { .iov_base = (void *)bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	if (count) {
		struct cmsghdr *header = (struct cmsghdr *)room;

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
		message.msg_control = room;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	assert_int_equal(sendmsg(socket, &message, MSG_NOSIGNAL), size);
}

/* What comes next: the number, and whether a descriptor came along, which is closed. */
static inline void assert_comes(struct wire *wire, int64_t number, bool with_fd)
{
	int64_t came;
	int fd;

	assert_int_equal(ivshmem_receive(wire->client, &wire->inbox, &came, &fd), 1);
	if (fd >= 0) {
		close(fd);
	}
	assert_int_equal(came, number);
	assert_int_equal(fd >= 0, with_fd);
}

static inline void assert_silence(struct wire *wire)
{
	int64_t came;
	int fd;

	assert_int_equal(ivshmem_receive(wire->client, &wire->inbox, &came, &fd), 0);
}

static inline void assert_end(struct wire *wire)
{
	int64_t came;
	int fd;

	assert_int_equal(ivshmem_receive(wire->client, &wire->inbox, &came, &fd), -EPIPE);
}

#endif
