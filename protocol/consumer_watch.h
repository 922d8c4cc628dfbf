/* SPDX-License-Identifier: MIT */
/*
 * What the producer knows of each consumer, from what the consumers wrote into H.
 *
 * H is written by processes that the producer does not trust, so all of it is a hint: values that
 * cannot be are ignored and counted, and the worst that a consumer can do is to lose frames itself,
 * or, in lossless mode, to hold the producer up until its patience ends.
 *
 * order: the producer stores CLAIM into a slot, fences fully, and looks at the leases again
 *        (consumer_watch_leases); a consumer stores its lease, fences fully, and looks at the
 *        slot's control word (take_lease in ring_reader.c). One of the two sees the other.
 */
#ifndef ORIEL_CONSUMER_WATCH_H
#define ORIEL_CONSUMER_WATCH_H

#include "layout.h"
#include "liveness.h"
#include "ring_address.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define CONSUMER_SILENT_NS       LIVENESS_STALE_NS  /* then its leases do not count */
#define CONSUMER_LEASE_NS        (250 * NS_PER_MS)  /* then a lease does not count */
#define CONSUMER_PATIENCE_NS     (2000 * NS_PER_MS) /* then a lossless consumer is revoked */
#define CONSUMER_REVOCATIONS_MAX 8u /* then it is lossless no more in this session */

/* One consumer. */
struct consumer {
	uint64_t epoch;    /* its own; 0 = nobody attached to us in this block */
	uint32_t mode;     /* granted */
	uint64_t features; /* that it accepted */
	struct liveness pulse;
	uint64_t attached_ns;
	struct ring_address address;
	uint64_t rung; /* the wake_arm that it was last rung for */
	struct {
		uint64_t word;
		uint64_t since_ns;
	} leases[RING_LEASES_MAX];
	/* lossless */
	bool admitted;
	uint64_t from_sequence;
	uint64_t from;   /* as it stands in the grant */
	uint64_t cursor; /* everything up to here is consumed; at least from_sequence - 1 */
	uint64_t cursor_moved_ns;
	uint32_t revocations;
};

struct consumer_watch {
	struct span h;
	struct ring_grant *grants; /* in G, ours to write */
	uint64_t producer_epoch;
	bool lossless;             /* the producer's mode */
	uint64_t blocked_since_ns; /* 0 = not blocked */
	uint64_t looked_ns;        /* at the blocks, last */
	struct consumer consumers[RING_CONSUMERS_MAX];
	uint64_t revocations;   /* in all */
	uint64_t ignored_hints; /* values in H that cannot be */
};

void consumer_watch_init(struct consumer_watch *watch, struct span h, struct ring_grant *grants,
        uint64_t producer_epoch, bool lossless);

/* Where block i lies in H. */
const struct ring_consumer_block *consumer_watch_block(
        const struct consumer_watch *watch, unsigned i);

/*
 * Reads every block once: who came, who left, who is silent; grants, admits and revokes.
 * published: the last sequence that is published; frames after it will wait for whoever is admitted
 *            from now on
 */
void consumer_watch_update(struct consumer_watch *watch, uint64_t published, uint64_t now_ns);

/* Looks like update, and returns the set of leased slots: bit i stands for slot i. */
uint32_t consumer_watch_leases(struct consumer_watch *watch, uint64_t published, uint64_t now_ns);

/* The lowest cursor of all admitted lossless consumers; UINT64_MAX when there is none. */
uint64_t consumer_watch_cursor(const struct consumer_watch *watch);

/*
 * No slot could be had: whoever is admitted, lags behind and did not move for CONSUMER_PATIENCE_NS
 * since then is revoked. consumer_watch_unblocked() when one was had again.
 */
void consumer_watch_blocked(struct consumer_watch *watch, uint64_t published, uint64_t now_ns);
void consumer_watch_unblocked(struct consumer_watch *watch);

/*
 * Rings everybody who sleeps until a sequence up to until and accepted these features; the caller
 * has fenced fully. Each value of wake_arm is rung for once.
 */
void consumer_watch_wake(struct consumer_watch *watch, uint64_t published, uint64_t until,
        uint64_t features, struct doorbell *doorbell);

/* Will every admitted lossless consumer ring us? As far as they say; false when there is none. */
bool consumer_watch_rings(const struct consumer_watch *watch);

/* How many consumers are attached and not silent. */
unsigned consumer_watch_count(const struct consumer_watch *watch, uint64_t now_ns);

#endif
