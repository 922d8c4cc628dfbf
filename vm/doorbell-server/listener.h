/* SPDX-License-Identifier: MIT */
/*
 * A listening UNIX socket at a path: made here, or handed down by systemd. Called by main.c for
 * both of the server's sockets.
 */
#ifndef ORIEL_DOORBELL_LISTENER_H
#define ORIEL_DOORBELL_LISTENER_H

#include "complaint.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#define LISTENER_PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)
#define LISTENER_ANY_GROUP ((gid_t)-1)

struct listener {
	int fd; /* non-blocking; -1: closed */
	char path[LISTENER_PATH_SIZE];
	bool inherited; /* systemd's: its path stays */
	dev_t device;   /* the path's, while it is ours */
	ino_t inode;
};

/*
 * Binds and listens. A socket that a dead server left at the path is removed; one that somebody
 * answers at, and anything else (a symbolic link too), is left alone. Starters exclude each other
 * by a lock on the folder, which leaves nothing behind. Nobody can connect before mode and group
 * are right.
 *
 * mode:    of the socket; group: LISTENER_ANY_GROUP for our own
 * returns: 0; -EADDRINUSE somebody serves there; or another -errno; *why told, without the path
 */
int listener_open(struct listener *listener, const char *path, mode_t mode, gid_t group,
        struct complaint *why);

/* Takes over a listening socket that was handed down. returns: 0; -EINVAL it is none */
int listener_inherit(struct listener *listener, int fd, struct complaint *why);

/*
 * Accepts one, non-blocking.
 * returns: a socket; -EAGAIN nobody waits; or another -errno
 */
int listener_accept(const struct listener *listener);

/* Removes the path, if it still is ours. Closed ones are fine. */
void listener_close(struct listener *listener);

#endif
