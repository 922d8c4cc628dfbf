/* SPDX-License-Identifier: MIT */
/*
 * The desk: PATH.control, a second socket with the mode and group of the first, on which an
 * administrator asks. A line of JSON in, a line of JSON out, the end; answer.c knows which lines.
 *
 * Bounded as everything here: CONTROL_CALLERS_MAX at once, CONTROL_LINE_MAX bytes,
 * CONTROL_PATIENCE_NS. Called by serve.c; threads: one; never waits.
 */
#ifndef ORIEL_DOORBELL_CONTROL_H
#define ORIEL_DOORBELL_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_SUFFIX      ".control"
#define CONTROL_CALLERS_MAX 8u
#define CONTROL_LINE_MAX    512u
#define CONTROL_PATIENCE_NS UINT64_C(5000000000)

struct server;

struct caller {
	int socket; /* -1: an empty place */
	uint64_t since_ns;
	char line[CONTROL_LINE_MAX];
	size_t used;
	char *answer; /* NULL until the line is whole */
	size_t answer_bytes;
	size_t answered;
};

struct control {
	struct caller callers[CONTROL_CALLERS_MAX];
	unsigned count;
};

void control_init(struct control *control);
void control_finish(struct control *control);

/* Takes over the socket of a new caller; hangs up when there are too many. */
void control_add(struct control *control, int socket, uint64_t now_ns);

/* What a caller waits for: POLLIN or POLLOUT. */
short control_events(const struct caller *caller);

/* Its socket is ready: reads the line, or answers; closes it when done. */
void control_serve(struct server *server, struct caller *caller);

/* Hangs up on who takes too long. */
void control_expire(struct control *control, uint64_t now_ns);

#endif
