/* SPDX-License-Identifier: MIT */
/*
 * Serves one virtio-serial port: one host client at a time, one command each.
 * The frames are described in frame.h. Called by agent.c in a process of its own.
 */
#ifndef ORIEL_GUEST_AGENT_SESSION_H
#define ORIEL_GUEST_AGENT_SESSION_H

/*
 * Returns only when the port is unusable: -errno.
 *
 * port: opened O_RDWR | O_NONBLOCK; stays the caller's
 */
int session_serve(int port);

#endif
