/* SPDX-License-Identifier: MIT */
/*
 * Where a side can be rung, as it stands in shared memory: a peer id that its doorbell gave it, and
 * a vector. Ids come and go with processes and guests, so an address is good for the session and
 * the consumer that published it, and a ring to one that is gone is lost without a word.
 */
#ifndef ORIEL_RING_ADDRESS_H
#define ORIEL_RING_ADDRESS_H

#include "doorbell.h"
#include "layout.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero: has no doorbell, rings nobody and cannot be rung. */
struct ring_address {
	uint32_t peer;   /* id + 1 */
	uint32_t vector; /* RING_VECTOR_DEAF: it rings, and cannot be rung */
};

/* Our own. doorbell: may be NULL */
struct ring_address ring_address_of(const struct doorbell *doorbell);

/* The other side's. returns: all zero for values that cannot be */
struct ring_address ring_address_judge(uint32_t untrusted_peer, uint32_t untrusted_vector);

/* Whoever lives there will ring us if we say that we sleep. */
bool ring_address_rings(struct ring_address address);

/* Whoever lives there can be rung. */
bool ring_address_hears(struct ring_address address);

/* As doorbell_ring(), for one that hears. doorbell: may be NULL. returns: 0 or -ENOENT */
int ring_address_ring(struct ring_address address, struct doorbell *doorbell);

#endif
