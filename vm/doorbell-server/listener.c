/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG      128
#define LOCK_TRIES   200
#define LOCK_STEP_NS (10 * NS_PER_MS)

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/* returns: the folder, locked until it is closed; or -errno */
static int lock_folder(const char *path, struct complaint *why)
{
	char room[LISTENER_PATH_SIZE];
	int error;
	int folder;

	snprintf(room, sizeof(room), "%s", path);
	folder = open(dirname(room), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) {
		error = -errno;
		complain(why, "its folder cannot be opened: %s; make it, or name another --socket",
		        strerror(errno));
		return error;
	}
	for (int i = 0; flock(folder, LOCK_EX | LOCK_NB) != 0; i++) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || i == LOCK_TRIES) {
			error = -errno;
			complain(why, "its folder is locked by another program: %s",
			        strerror(errno));
			close(folder);
			return error;
		}
		clock_sleep_until_ns(clock_now_ns() + LOCK_STEP_NS);
	}
	return folder;
}

/* Does somebody answer? A live server sees a peer that leaves at once. returns: 0 or errno */
static int probe(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = fd < 0 ? errno : 0;

	if (!error && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error = errno;
	}
	if (fd >= 0) {
		close(fd);
	}
	return error;
}

/* Makes the path free, if what is there is a dead server's. */
static int clear_path(const char *path, struct complaint *why)
{
	struct stat status;
	int error;

	if (lstat(path, &status) != 0) {
		if (errno == ENOENT) {
			return 0;
		}
		error = -errno;
		complain(why, "cannot be looked at: %s", strerror(errno));
		return error;
	}
	if (!S_ISSOCK(status.st_mode)) {
		complain(why, "is there already and is no socket; remove it, or name another "
		              "--socket");
		return -EEXIST;
	}
	error = probe(path);
	if (error == 0 || error == EAGAIN) {
		complain(why,
		        "a server is running there already; stop it, or name another --socket");
		return -EADDRINUSE;
	}
	if (error != ECONNREFUSED && error != ENOENT) {
		complain(why,
		        "is there already and cannot be tried: %s; remove it if no server uses "
		        "it",
		        strerror(error));
		return -error;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		error = -errno;
		complain(
		        why, "a dead server left it and it cannot be removed: %s", strerror(errno));
		return error;
	}
	return 0;
}

static int set_access(const char *path, mode_t mode, gid_t group, struct complaint *why)
{
	int error;

	if (group != LISTENER_ANY_GROUP &&
	        fchownat(AT_FDCWD, path, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) != 0) {
		error = -errno;
		complain(why,
		        "cannot be given to group %u: %s; name one of your own groups, or run "
		        "as root",
		        (unsigned)group, strerror(errno));
		return error;
	}
	if (fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) != 0) {
		error = -errno;
		complain(why, "cannot be given mode %04o: %s", (unsigned)mode, strerror(errno));
		return error;
	}
	return 0;
}

/* Mode 0 until all is right: nobody but root can connect to that. */
static int bind_and_listen(struct listener *listener, struct complaint *why)
{
	struct sockaddr_un address = address_of(listener->path);
	mode_t mask = umask(0777);
	struct stat status;
	int error = 0;

	if (bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error = -errno;
		complain(why, "cannot be made: %s", strerror(errno));
	}
	umask(mask);
	if (error) {
		return error;
	}
	if (lstat(listener->path, &status) != 0 || listen(listener->fd, BACKLOG) != 0) {
		error = -errno;
		complain(why, "cannot be listened at: %s", strerror(errno));
		return error;
	}
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return 0;
}

int listener_open(struct listener *listener, const char *path, mode_t mode, gid_t group,
        struct complaint *why)
{
	int folder;
	int error;

	*listener = (struct listener) { .fd = -1 };
	if (path[0] == '\0' || strlen(path) >= LISTENER_PATH_SIZE) {
		complain(why, "a socket's path has 1 to %zu characters", LISTENER_PATH_SIZE - 1);
		return -ENAMETOOLONG;
	}
	folder = lock_folder(path, why);
	if (folder < 0) {
		return folder;
	}
	error = clear_path(path, why);
	if (!error) {
		snprintf(listener->path, sizeof(listener->path), "%s", path);
		listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		error = listener->fd < 0 ? -errno : bind_and_listen(listener, why);
	}
	if (!error) {
		error = set_access(path, mode, group, why);
	}
	close(folder);
	if (error) {
		listener_close(listener);
	}
	return error;
}

int listener_inherit(struct listener *listener, int fd, struct complaint *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	socklen_t option_size = sizeof(int);
	int listens = 0;
	int type = 0;

	*listener = (struct listener) { .fd = -1, .inherited = true };
	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
	        address.sun_family != AF_UNIX ||
	        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &option_size) != 0 ||
	        type != SOCK_STREAM ||
	        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &option_size) != 0 ||
	        !listens || address.sun_path[0] == '\0') {
		complain(why,
		        "is no listening UNIX stream socket with a path; use ListenStream=/path "
		        "in the socket unit");
		return -EINVAL;
	}
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
		complain(why, "%s", strerror(errno));
		return -EINVAL;
	}
	snprintf(listener->path, sizeof(listener->path), "%.*s", (int)sizeof(address.sun_path) - 1,
	        address.sun_path);
	listener->fd = fd;
	return 0;
}

int listener_accept(const struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
	}
	return fd;
}

void listener_close(struct listener *listener)
{
	struct stat status;

	if (listener->fd < 0) {
		return;
	}
	if (!listener->inherited && listener->inode && lstat(listener->path, &status) == 0 &&
	        status.st_dev == listener->device && status.st_ino == listener->inode) {
		unlink(listener->path);
	}
	close(listener->fd);
	listener->fd = -1;
}
