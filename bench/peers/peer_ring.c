/* SPDX-License-Identifier: MIT */
/*
 * The plainest ring: four slots in shared memory, memcpy in, memcpy out, two semaphores. It trusts
 * the other side, and finds nothing out by itself.
 */
#include "peer.h"
#include "stop.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define SLOTS 4u
#define PAGE  4096u

struct plain_ring {
	sem_t free;
	sem_t full;
	unsigned sent;     /* the sender's */
	unsigned received; /* the receiver's */
};

static uint8_t *slot_of(const struct peer *peer, unsigned number)
{
	return (uint8_t *)peer->memory + PAGE + number % SLOTS * peer->bytes;
}

static bool prepare(struct peer *peer, struct complaint *why)
{
	struct plain_ring *ring;

	peer->memory = mmap(NULL, PAGE + SLOTS * peer->bytes, PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (peer->memory == MAP_FAILED) {
		complain(why, "shared memory: %s", strerror(errno));
		return false;
	}
	ring = peer->memory;
	return sem_init(&ring->free, 1, SLOTS) == 0 && sem_init(&ring->full, 1, 0) == 0;
}

/* In pieces of 100 ms, so that a signal that came just before is seen. */
static bool take(sem_t *semaphore)
{
	while (!stop_requested()) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 100000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (sem_timedwait(semaphore, &until) == 0) {
			return true;
		}
	}
	return false;
}

static bool send_frame(struct peer *peer, const void *frame)
{
	struct plain_ring *ring = peer->memory;

	if (!take(&ring->free)) {
		return false;
	}
	memcpy(slot_of(peer, ring->sent++), frame, peer->bytes);
	return sem_post(&ring->full) == 0;
}

static bool receive(struct peer *peer, void *into)
{
	struct plain_ring *ring = peer->memory;

	if (!take(&ring->full)) {
		return false;
	}
	memcpy(into, slot_of(peer, ring->received++), peer->bytes);
	return sem_post(&ring->free) == 0;
}

/* Lets the one before go: that one was shown until now. */
static const void *show(struct peer *peer)
{
	struct plain_ring *ring = peer->memory;

	if (ring->received > 0) {
		sem_post(&ring->free);
	}
	return take(&ring->full) ? slot_of(peer, ring->received++) : NULL;
}

const struct peer_ops peer_memcpy_ring = {
	.name = "memcpy-ring",
	.prepare = prepare,
	.send = send_frame,
	.receive = receive,
	.show = show,
};
