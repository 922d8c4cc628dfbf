/* SPDX-License-Identifier: MIT */
/*
 * What an administrator can ask a running server, as lines of JSON:
 *
 *   {"request": "status"}                         {"server": .., "memory": .., "peers": [..]}
 *   {"request": "ring", "peer": 3, "vector": 0}   {"rung": 3}
 *   {"request": "ring", "peer": 3}                as above, all vectors
 *   anything else, or what cannot be done         {"error": "..."}
 *
 * Called by control.c.
 */
#ifndef ORIEL_DOORBELL_ANSWER_H
#define ORIEL_DOORBELL_ANSWER_H

#include <stddef.h>

struct server;

/* returns: the answer with its newline, to free(); NULL when out of memory */
char *answer_line(struct server *server, const char *untrusted_line, size_t length);

#endif
