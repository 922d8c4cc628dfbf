/* SPDX-License-Identifier: MIT */
/*
 * Who is connected, with which id and eventfds, and what each is still to be told.
 *
 *   accepted -> peers_add -> (letters queued) -> peers_settle sends them, buries the doomed
 *
 * A peer is never removed where its fault is found: it is doomed, and peers_settle() closes it and
 * tells the others, until nobody is doomed. So no loop over the peers loses one under its feet.
 * Called by serve.c and control.c; threads: one. Never waits.
 */
#ifndef ORIEL_DOORBELL_PEERS_H
#define ORIEL_DOORBELL_PEERS_H

#include "outbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define PEERS_MAX         64u
#define PEERS_VECTORS_MAX 16u

/*
 * Ids go round from 1 to 65534, so that one that was freed comes back after 65,533 others at the
 * earliest: whoever still rings it by then rings nobody. 0 is left out because a guest cannot tell
 * it from a device without doorbell, 65535 so that it may stand for nobody.
 */
#define PEERS_ID_FIRST 1u
#define PEERS_ID_LAST  65534u

/* A peer that takes nothing for so long is dropped: what it does not take counts against others. */
#define PEERS_PATIENCE_NS UINT64_C(10000000000)

#define PEERS_ALL_VECTORS (-1)

struct peer {
	int socket; /* -1: an empty place */
	uint16_t id;
	const char *doom; /* why it is to go, for people; NULL: it stays */
	int bells[PEERS_VECTORS_MAX];
	uint64_t rings[PEERS_VECTORS_MAX]; /* by this server, on request */
	uint64_t joined_ns;
	uint64_t moved_ns; /* it last took a letter, or had none to take */
	struct ucred who;  /* as it connected; pid 0: unknown */
	bool held; /* the kernel holds too many untaken descriptors: waiting for room is no use */
	struct outbox outbox;
};

struct peers {
	struct peer places[PEERS_MAX];
	unsigned vectors;
	int memory; /* borrowed */
	uint16_t next_id;
	unsigned count;
	/* since the start */
	uint64_t joined;
	uint64_t left;    /* by themselves */
	uint64_t dropped; /* by us */
	uint64_t refused; /* there was no room */
};

/*
 * vectors: 1 to PEERS_VECTORS_MAX
 * memory:  what every peer is sent; stays the caller's
 */
void peers_init(struct peers *peers, unsigned vectors, int memory);

/* Hangs up on everybody; the peers go on with what they have. */
void peers_finish(struct peers *peers);

/*
 * Gives a newcomer an id and eventfds and queues its greeting, and the news for the others. Takes
 * over socket, also on failure.
 *
 * returns: 0; -EUSERS no room: it was sent -EUSERS for a version, at which QEMU says so and ends
 *          instead of waiting for ever; -EMFILE or another -errno: no eventfds, told the same way
 */
int peers_add(struct peers *peers, int socket, uint64_t now_ns);

/* The next one connected, the first after NULL; NULL at the end. */
struct peer *peers_next(struct peers *peers, struct peer *after);

/* The peer of an id, or NULL. */
struct peer *peers_find(struct peers *peers, unsigned id);

/* why: static text */
void peers_doom(struct peer *peer, const char *why);

/*
 * Its socket is readable or hung up. A peer has nothing to say, so whatever it says dooms it, and
 * so does its end.
 */
void peers_hear(struct peer *peer);

/* Sends what can be sent, drops who does not read, buries the doomed. */
void peers_settle(struct peers *peers, uint64_t now_ns);

/*
 * Rings a peer on behalf of an administrator.
 * vector:  or PEERS_ALL_VECTORS
 * returns: 0; -ENOENT no such peer; -ERANGE no such vector; -EAGAIN its counter is full, so it is
 *          ringing and takes nothing
 */
int peers_ring(struct peers *peers, unsigned id, int vector);

#endif
