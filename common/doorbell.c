/* SPDX-License-Identifier: MIT */
#include "doorbell.h"

#include <errno.h>
#include <unistd.h>

int doorbell_ring(struct doorbell *doorbell, uint32_t peer, uint32_t vector)
{
	if (peer > DOORBELL_PEER_MAX || vector > DOORBELL_VECTOR_MAX) {
		return -ENOENT;
	}
	doorbell->rings++;
	return doorbell->ops->ring(doorbell, peer, vector);
}

uint64_t doorbell_drain(const struct doorbell *doorbell)
{
	uint64_t rings = 0;

	return doorbell->fd >= 0 && read(doorbell->fd, &rings, sizeof(rings)) == sizeof(rings)
	               ? rings
	               : 0;
}

void doorbell_turn(struct doorbell *doorbell, uint64_t now_ns)
{
	if (doorbell->ops->turn &&
	        clock_elapsed_ns(doorbell->turned_ns, now_ns) >= DOORBELL_TURN_NS) {
		doorbell->turned_ns = now_ns;
		doorbell->ops->turn(doorbell);
	}
}

void doorbell_close(struct doorbell *doorbell)
{
	if (doorbell) {
		doorbell->ops->close(doorbell);
	}
}
