/* SPDX-License-Identifier: MIT */
/*
 * A way to wake the other side, and to be woken by it: what comes with a region besides its memory.
 *
 *   server:   a host process rings the eventfds that the server introduced it to (region_server.c)
 *   pci:      a guest rings through the device's register, and is rung by MSI-X where the device is
 *             bound to vfio-pci (doorbell_pci.c)
 *
 * A ring is a hint. It may be lost without a word (a peer that is gone, a server that died), come
 * late, or come from anybody who shares the memory; see wakeup.h. Who wants to be rung publishes
 * peer and vector in shared memory, for ids come and go.
 *
 * Threads: one at a time.
 */
#ifndef ORIEL_DOORBELL_H
#define ORIEL_DOORBELL_H

#include "clock.h"
#include "complaint.h"

#include <stdbool.h>
#include <stdint.h>

#define DOORBELL_PEER_MAX   65535u /* the register has 16 bits for either */
#define DOORBELL_VECTOR_MAX 65535u
#define DOORBELL_TURN_NS    NS_PER_S

struct doorbell;

struct doorbell_ops {
	const char *name; /* for logs and run.json: "server", "pci" */
	/* As doorbell_ring(); peer and vector are in range. */
	int (*ring)(struct doorbell *doorbell, unsigned peer, unsigned vector);
	/* Hears who came and who left. NULL: there is nothing to hear. */
	void (*turn)(struct doorbell *doorbell);
	void (*close)(struct doorbell *doorbell);
};

struct doorbell {
	const struct doorbell_ops *ops;
	unsigned peer;   /* our own id */
	unsigned vector; /* of ours that others should ring */
	int fd;          /* an eventfd that is readable once we were rung; -1: we cannot be rung */
	struct complaint why_deaf; /* why we cannot, and the cure */
	uint64_t turned_ns;
	uint64_t rings; /* that we sent */
};

/*
 * Rings a peer. Rings that it did not take yet merge into one wake-up. One system call, or one
 * store into the device's register.
 *
 * peer, vector: as published by the other side; any value may come
 * order:        the caller's full fence stands between what it stored in shared memory and this
 * returns: 0, also for a peer that is gone; -ENOENT no such peer or vector, as far as is known here
 */
int doorbell_ring(struct doorbell *doorbell, uint32_t peer, uint32_t vector);

/* Takes the rings off fd. returns: how many, 0 for none */
uint64_t doorbell_drain(const struct doorbell *doorbell);

/* Hears who came and who left, once in DOORBELL_TURN_NS; call it as often as you like. */
void doorbell_turn(struct doorbell *doorbell, uint64_t now_ns);

/* NULL is fine. */
void doorbell_close(struct doorbell *doorbell);

#endif
