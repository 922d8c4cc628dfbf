/* SPDX-License-Identifier: MIT */
/*
 * A region that an ivshmem server shares, with the doorbell that comes along.
 */
#include "doorbell_backend.h"
#include "region_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The description that came is the server's and every peer's: a lock on it would be everybody's
 * lock. So the file is opened anew; read only, where that is all we need.
 *
 * returns: a new descriptor, or -errno
 */
static int reopen(int memory, enum region_access access, struct complaint *why)
{
	char path[32];
	struct stat status;
	int error;
	int fd;

	if (fstat(memory, &status) != 0 || !S_ISREG(status.st_mode)) {
		complain(why, "the memory that its server sent is no file");
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	fd = open(path, region_open_flags(access));
	if (fd < 0) {
		error = -errno;
		complain(why,
		        "its server's memory may not be opened: %s; is its file's mode %04o right, "
		        "and /proc mounted?",
		        strerror(errno), (unsigned)status.st_mode & 07777u);
		return error;
	}
	return fd;
}

static int map_memory(struct region *region, int memory, const char *path,
        enum region_access access, struct complaint *why)
{
	int fd = reopen(memory, access, why);

	return fd < 0 ? fd : region_map(region, fd, path, access, "server", why);
}

int region_server_open(
        struct region *region, const char *path, enum region_access access, struct complaint *why)
{
	struct stat status = { .st_ino = 0 };
	struct doorbell *doorbell;
	int memory;
	int error;

	/* Looked at first: should it be made anew meanwhile, we notice later. */
	(void)!stat(path, &status);
	error = doorbell_server_open(&doorbell, path, &memory, why);
	if (error) {
		return error;
	}
	error = map_memory(region, memory, path, access, why);
	close(memory);
	if (error) {
		doorbell_close(doorbell);
		return error;
	}
	region->device = status.st_dev;
	region->inode = status.st_ino;
	region->doorbell = doorbell;
	return 0;
}

bool region_server_was_replaced(const struct region *region)
{
	struct ivshmem_client *client = doorbell_server_client(region->doorbell);
	struct ivshmem_client other;
	struct complaint why;
	struct stat status;
	int memory;

	if (stat(region->path, &status) != 0) {
		return false;
	}
	/* A server that ended has closed the connection, behind what it said before. */
	(void)ivshmem_client_turn(client, &why);
	if (status.st_dev == region->device && status.st_ino == region->inode &&
	        client->socket >= 0) {
		return false;
	}
	/* A socket that a dead server left behind, or that systemd keeps, tells nothing. */
	if (ivshmem_client_connect(&other, region->path, &memory, &why) != 0) {
		return false;
	}
	close(memory);
	ivshmem_client_finish(&other);
	return true;
}
