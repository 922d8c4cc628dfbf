/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include "clock.h"
#include "ivshmem_message.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LEFT "it left"

static_assert(OUTBOX_ROOM >= 3 + PEERS_MAX * PEERS_VECTORS_MAX + PEERS_MAX, "see tell()");

void peers_init(struct peers *peers, unsigned vectors, int memory)
{
	assert(vectors >= 1 && vectors <= PEERS_VECTORS_MAX);
	memset(peers, 0, sizeof(*peers));
	peers->vectors = vectors;
	peers->memory = memory;
	peers->next_id = PEERS_ID_FIRST;
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		peers->places[i].socket = -1;
	}
}

struct peer *peers_next(struct peers *peers, struct peer *after)
{
	struct peer *peer = after ? after + 1 : peers->places;

	while (peer < peers->places + PEERS_MAX && peer->socket < 0) {
		peer++;
	}
	return peer < peers->places + PEERS_MAX ? peer : NULL;
}

static void close_peer(struct peers *peers, struct peer *peer)
{
	close(peer->socket);
	peer->socket = -1;
	for (unsigned i = 0; i < peers->vectors; i++) {
		close(peer->bells[i]);
	}
	peers->count--;
}

void peers_finish(struct peers *peers)
{
	for (struct peer *peer = NULL; (peer = peers_next(peers, peer));) {
		close_peer(peers, peer);
	}
}

struct peer *peers_find(struct peers *peers, unsigned id)
{
	for (struct peer *peer = NULL; (peer = peers_next(peers, peer));) {
		if (peer->id == id) {
			return peer;
		}
	}
	return NULL;
}

void peers_doom(struct peer *peer, const char *why)
{
	if (!peer->doom) {
		peer->doom = why;
	}
}

static uint16_t take_id(struct peers *peers)
{
	uint16_t id;

	do {
		id = peers->next_id;
		peers->next_id = id == PEERS_ID_LAST ? PEERS_ID_FIRST : (uint16_t)(id + 1);
	} while (peers_find(peers, id));
	return id;
}

static void tell(struct peer *peer, struct letter letter)
{
	bool added = outbox_add(&peer->outbox, letter);

	/* There is room for all that can be owed at once. */
	assert(added);
}

static void tell_bells(const struct peers *peers, struct peer *peer, uint16_t id)
{
	for (unsigned i = 0; i < peers->vectors; i++) {
		tell(peer, (struct letter) { id, LETTER_BELL, (uint8_t)i });
	}
}

static void greet(struct peers *peers, struct peer *newcomer)
{
	tell(newcomer, (struct letter) { 0, LETTER_VERSION, 0 });
	tell(newcomer, (struct letter) { newcomer->id, LETTER_ID, 0 });
	tell(newcomer, (struct letter) { 0, LETTER_MEMORY, 0 });
	for (struct peer *other = NULL; (other = peers_next(peers, other));) {
		if (other != newcomer) {
			tell_bells(peers, newcomer, other->id);
			tell_bells(peers, other, newcomer->id);
		}
	}
	/* Last, for they end the greeting. */
	tell_bells(peers, newcomer, newcomer->id);
}

/* Blocking ones would let any peer that lets its counter fill up stop whoever rings it. */
static int make_bells(const struct peers *peers, int *bells)
{
	for (unsigned i = 0; i < peers->vectors; i++) {
		bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (bells[i] < 0) {
			int error = -errno;

			while (i > 0) {
				close(bells[--i]);
			}
			return error;
		}
	}
	return 0;
}

static struct peer *find_place(struct peers *peers)
{
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		if (peers->places[i].socket < 0) {
			return &peers->places[i];
		}
	}
	return NULL;
}

/* A mere end would leave QEMU reading for ever; at an unknown version it gives up. */
static int refuse(struct peers *peers, int socket, int error)
{
	peers->refused++;
	(void)ivshmem_send(socket, error, -1);
	close(socket);
	return error;
}

int peers_add(struct peers *peers, int socket, uint64_t now_ns)
{
	struct peer *peer = find_place(peers);
	socklen_t size = sizeof(peer->who);
	int error = peer ? make_bells(peers, peer->bells) : -EUSERS;

	if (error) {
		return refuse(peers, socket, error);
	}
	/* Before the place counts as taken, by whoever had it last. */
	peer->id = take_id(peers);
	peer->socket = socket;
	peer->doom = NULL;
	peer->joined_ns = now_ns;
	peer->moved_ns = now_ns;
	peer->outbox.count = 0;
	memset(peer->rings, 0, sizeof(peer->rings));
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer->who, &size) != 0) {
		memset(&peer->who, 0, sizeof(peer->who));
	}
	peers->count++;
	peers->joined++;
	log_info("peer %u joined (pid %d, uid %u); now %u", peer->id, (int)peer->who.pid,
	        (unsigned)peer->who.uid, peers->count);
	greet(peers, peer);
	return 0;
}

void peers_hear(struct peer *peer)
{
	char words[64];
	/* No room for descriptors: the kernel closes what came along. */
	ssize_t came = recv(peer->socket, words, sizeof(words), MSG_DONTWAIT);

	if (came > 0) {
		peers_doom(peer, "it spoke, which an ivshmem peer never does");
	} else if (came == 0 || (errno != EAGAIN && errno != EINTR)) {
		peers_doom(peer, LEFT);
	}
}

static int send_letter(struct peers *peers, struct peer *peer, const struct letter *letter)
{
	switch (letter->kind) {
	case LETTER_VERSION:
		return ivshmem_send(peer->socket, IVSHMEM_VERSION, -1);
	case LETTER_MEMORY:
		return ivshmem_send(peer->socket, IVSHMEM_MEMORY, peers->memory);
	case LETTER_BELL:
		return ivshmem_send(peer->socket, letter->id,
		        peers_find(peers, letter->id)->bells[letter->vector]);
	default:
		return ivshmem_send(peer->socket, letter->id, -1);
	}
}

static void send_letters(struct peers *peers, struct peer *peer, uint64_t now_ns)
{
	const struct letter *letter;

	peer->held = false;
	while ((letter = outbox_first(&peer->outbox)) && !peer->doom) {
		int error = send_letter(peers, peer, letter);

		if (error == -EAGAIN || error == -ETOOMANYREFS) {
			peer->held = error == -ETOOMANYREFS;
			break;
		}
		if (error) {
			peers_doom(peer,
			        error == -EPIPE || error == -ECONNRESET ? LEFT : "sending fails");
			return;
		}
		outbox_drop_first(&peer->outbox);
		peer->moved_ns = now_ns;
	}
	if (!letter) {
		peer->moved_ns = now_ns;
	} else if (clock_elapsed_ns(peer->moved_ns, now_ns) > PEERS_PATIENCE_NS) {
		peers_doom(peer, "it has read nothing for ten seconds");
	}
}

/* Tells the others, unless they have not heard of it yet. */
static void bury(struct peers *peers, struct peer *peer)
{
	uint16_t id = peer->id;

	if (strcmp(peer->doom, LEFT) == 0) {
		peers->left++;
	} else {
		peers->dropped++;
		log_warning("peer %u (pid %d) is dropped: %s", id, (int)peer->who.pid, peer->doom);
	}
	close_peer(peers, peer);
	log_info("peer %u left; now %u", id, peers->count);
	for (struct peer *other = NULL; (other = peers_next(peers, other));) {
		if (outbox_forget(&other->outbox, id) < peers->vectors) {
			tell(other, (struct letter) { id, LETTER_LEAVE, 0 });
		}
	}
}

static bool bury_all(struct peers *peers)
{
	bool buried = false;

	for (struct peer *peer = NULL; (peer = peers_next(peers, peer));) {
		if (peer->doom) {
			bury(peers, peer);
			buried = true;
		}
	}
	return buried;
}

void peers_settle(struct peers *peers, uint64_t now_ns)
{
	do {
		/* The doomed are buried first: their bells must not be told any more. */
		while (bury_all(peers)) {
		}
		for (struct peer *peer = NULL; (peer = peers_next(peers, peer));) {
			send_letters(peers, peer, now_ns);
		}
	} while (bury_all(peers));
}

/* Whatever a peer made of the eventfd's flags, this does not wait. */
static bool ring(int bell)
{
	struct pollfd wanted = { .fd = bell, .events = POLLOUT };
	const uint64_t one = 1;

	return poll(&wanted, 1, 0) == 1 && write(bell, &one, sizeof(one)) == sizeof(one);
}

int peers_ring(struct peers *peers, unsigned id, int vector)
{
	struct peer *peer = peers_find(peers, id);
	int result = 0;

	if (!peer) {
		return -ENOENT;
	}
	if (vector != PEERS_ALL_VECTORS && (vector < 0 || (unsigned)vector >= peers->vectors)) {
		return -ERANGE;
	}
	for (unsigned i = 0; i < peers->vectors; i++) {
		if (vector != PEERS_ALL_VECTORS && (unsigned)vector != i) {
			continue;
		}
		if (ring(peer->bells[i])) {
			peer->rings[i]++;
		} else {
			result = -EAGAIN;
		}
	}
	return result;
}
