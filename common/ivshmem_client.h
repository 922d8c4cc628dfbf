/* SPDX-License-Identifier: MIT */
/*
 * A host process as a peer of an ivshmem server: rings guests and other host processes, and is rung
 * by them. Owned by the region of a "server:" address (region_server.c).
 *
 *   connect -> greeting (bounded time) -> ring, wait on ivshmem_client_fd(), drain
 *                                         ivshmem_client_turn() whenever client->socket is readable
 *
 * The server only introduces peers to each other. When it is gone, or says something that it may
 * not, the socket is closed and all eventfds stay: who is known already can be rung, and can ring.
 * A server is not trusted: every message is judged, every descriptor looked at, and no call waits
 * longer than it says. Peers are trusted as far as they share the memory: one of them could make an
 * eventfd blocking again.
 *
 * Threads: ivshmem_client_turn() against all others by the caller; the others may run side by side.
 */
#ifndef ORIEL_IVSHMEM_CLIENT_H
#define ORIEL_IVSHMEM_CLIENT_H

#include "clock.h"
#include "complaint.h"
#include "ivshmem_message.h"

#include <stdbool.h>
#include <stdint.h>

#define IVSHMEM_PEERS_MAX   64u /* others, at once */
#define IVSHMEM_VECTORS_MAX 16u /* of one peer; further ones are closed unused */
#define IVSHMEM_GREETING_NS NS_PER_S
/* More messages a second than that are a server gone mad; 64 peers coming at once make 1024. */
#define IVSHMEM_FLOOD 20000u

struct ivshmem_peer {
	unsigned id;
	unsigned vectors;
	int fds[IVSHMEM_VECTORS_MAX];
};

struct ivshmem_client {
	int socket; /* to poll for ivshmem_client_turn(); -1 once the server is gone */
	int id;     /* our own; what others need to ring us */
	struct ivshmem_peer own;
	struct ivshmem_peer peers[IVSHMEM_PEERS_MAX];
	unsigned peer_count;
	int memory; /* until ivshmem_client_greet() hands it over */
	bool versioned;
	struct ivshmem_inbox inbox;
	uint64_t second_ns; /* when the counting of messages began */
	unsigned messages;
};

/*
 * Connects to a server and takes its greeting, within IVSHMEM_GREETING_NS.
 *
 * memory:  set on 0: the server's shared memory, the caller's to close. Its open file description
 *          belongs to every peer: reopen it before locking anything.
 * returns: 0; -ENOENT nobody serves there (yet); -EACCES; -ETIMEDOUT; -EUSERS it has no room;
 *          -EPROTO it is no ivshmem server; or another -errno. On failure *why holds what is wrong
 *          and the cure, and the client is as after ivshmem_client_finish().
 */
int ivshmem_client_connect(
        struct ivshmem_client *client, const char *path, int *memory, struct complaint *why);

/*
 * The second half of ivshmem_client_connect(), on a connected socket, which it takes over also on
 * failure. Done when the memory and a vector of our own came and then nothing for a moment, for
 * nobody says how many vectors there will be; a late one is added by ivshmem_client_turn().
 */
int ivshmem_client_greet(struct ivshmem_client *client, int socket, uint64_t timeout_ns,
        int *memory, struct complaint *why);

/*
 * Takes what the server said meanwhile, at most some hundred messages. Never waits.
 *
 * returns: how many joins and leaves of single vectors and peers there were; -EPIPE the server is
 *          gone; -EPROTO or another -errno: it said something impossible, told in *why. Whoever is
 *          known stays known; later calls return 0.
 */
int ivshmem_client_turn(struct ivshmem_client *client, struct complaint *why);

/* Our own eventfd of a vector, to poll for POLLIN; -1 when the server gave us fewer. */
int ivshmem_client_fd(const struct ivshmem_client *client, unsigned vector);

/* Takes the rings of a vector off the eventfd. returns: how many, 0 for none */
uint64_t ivshmem_client_drain(const struct ivshmem_client *client, unsigned vector);

/*
 * Rings a peer. Rings that it has not drained yet merge into one wake-up.
 * returns: 0; -ENOENT no such peer or vector, as far as we were told; or another -errno
 */
int ivshmem_client_ring(const struct ivshmem_client *client, unsigned peer, unsigned vector);

/* Closes everything. NULL and finished ones are fine. */
void ivshmem_client_finish(struct ivshmem_client *client);

#endif
