/* SPDX-License-Identifier: MIT */
#include "ring_address.h"

#include <errno.h>

struct ring_address ring_address_of(const struct doorbell *doorbell)
{
	if (!doorbell) {
		return (struct ring_address) { 0, 0 };
	}
	return (struct ring_address) {
		.peer = doorbell->peer + 1,
		.vector = doorbell->fd >= 0 ? doorbell->vector : RING_VECTOR_DEAF,
	};
}

struct ring_address ring_address_judge(uint32_t untrusted_peer, uint32_t untrusted_vector)
{
	if (untrusted_peer == 0 || untrusted_peer - 1 > DOORBELL_PEER_MAX ||
	        (untrusted_vector > DOORBELL_VECTOR_MAX && untrusted_vector != RING_VECTOR_DEAF)) {
		return (struct ring_address) { 0, 0 };
	}
	return (struct ring_address) { untrusted_peer, untrusted_vector };
}

bool ring_address_rings(struct ring_address address)
{
	return address.peer != 0;
}

bool ring_address_hears(struct ring_address address)
{
	return address.peer != 0 && address.vector != RING_VECTOR_DEAF;
}

int ring_address_ring(struct ring_address address, struct doorbell *doorbell)
{
	if (!doorbell || !ring_address_hears(address)) {
		return -ENOENT;
	}
	return doorbell_ring(doorbell, address.peer - 1, address.vector);
}
