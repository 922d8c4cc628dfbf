/* SPDX-License-Identifier: MIT */
/*
 * The loop: one thread, one ppoll() over both listening sockets, all peers and all callers at the
 * desk; nothing in it waits for anybody.
 */
#ifndef ORIEL_DOORBELL_SERVE_H
#define ORIEL_DOORBELL_SERVE_H

struct server;

/*
 * Serves until stop_requested(). SIGINT and SIGTERM must be handled by then (stop_on_signals).
 * returns: 0, or -errno when ppoll() fails
 */
int serve(struct server *server);

#endif
