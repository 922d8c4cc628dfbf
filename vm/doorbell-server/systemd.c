/* SPDX-License-Identifier: MIT */
#include "systemd.h"

#include "complaint.h"
#include "options.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS_MAX 16

int systemd_listen_fds(void)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *count_text = getenv("LISTEN_FDS");
	struct complaint why;
	uint64_t count = 0;
	uint64_t pid = 0;

	if (!pid_text || !count_text ||
	        options_parse_number(pid_text, 1, INT_MAX, &pid, &why) < 0 ||
	        options_parse_number(count_text, 0, FDS_MAX, &count, &why) < 0 ||
	        (pid_t)pid != getpid()) {
		count = 0;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < (int)count; i++) {
		(void)!fcntl(SYSTEMD_FIRST_FD + i, F_SETFD, FD_CLOEXEC);
	}
	return (int)count;
}

void systemd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	        strlen(path) >= sizeof(address.sun_path)) {
		return;
	}
	memcpy(address.sun_path, path, strlen(path));
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	/* An abstract name begins with a zero byte, which no environment can hold. */
	if (address.sun_path[0] == '@') {
		address.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return;
	}
	/* A manager that does not listen is its own problem. */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	        (struct sockaddr *)&address, size);
	close(fd);
}
