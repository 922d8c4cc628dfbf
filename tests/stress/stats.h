/* SPDX-License-Identifier: MIT */
/*
 * The statistics page: anonymous memory that the driver shares with the producers and consumers it
 * forked. Each counter has one writer, but everybody may be killed at any time, so all are atomic.
 *
 * Sessions are numbered: an epoch is EPOCH_TAG plus the number that its producer drew here. So
 * everybody can tell which session a frame says it is of.
 */
#ifndef ORIEL_STRESS_STATS_H
#define ORIEL_STRESS_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#define STATS_PRODUCERS_MAX 2u
#define STATS_CONSUMERS_MAX 12u
#define EPOCH_TAG           UINT64_C(0x0badcafe00000000)

typedef _Atomic uint64_t counter;

/* Set by the driver, see naps.h. */
struct trap {
	counter armed;
	counter sprung; /* how often */
};

struct producer_stats {
	struct trap trap;
	counter session;        /* that it opened last */
	counter published;      /* in all its sessions */
	counter published_here; /* in that session */
	counter overruns;       /* in all its sessions */
	counter back_offs;
	counter revocations;
	counter uncleared; /* control words that a start left behind: a violation */
};

struct consumer_stats {
	struct trap trap;
	/* how it is */
	counter state;   /* enum link_state */
	counter session; /* of the last accepted frame */
	counter turns;
	counter attaches;
	counter accepted;
	counter recoveries; /* attaches that were followed by a frame */
	counter granted;    /* RING_MODE_* */
	/* the link's counts over all its sessions, and what is in the ring */
	counter verified, skipped, torn, stale, bad, before_first, in_ring;
	/* what must never happen */
	counter wrong_pixels;
	counter wrong_geometry;
	counter wrong_epoch; /* accepted, but not of the session that it is attached to */
	counter dead_epoch;  /* accepted, although the session had ended before the last check */
	counter early;       /* accepted before any producer ran */
	counter order; /* a sequence again, an older one, or a gap that is not in the counts */
	counter unreconciled;
	/* what only memory that somebody spoils makes happen */
	counter refused; /* bad, or named what is no frame */
	/* and what only a producer that found no other slot does */
	counter torn_leased; /* torn although a fresh lease lay on the slot */
};

struct stats {
	counter sessions;     /* numbers drawn */
	counter dead_session; /* this one and all before are over: their epoch was zeroed */
	counter producing;    /* the driver let a producer run: frames may be accepted */
	struct producer_stats producers[STATS_PRODUCERS_MAX];
	struct consumer_stats consumers[STATS_CONSUMERS_MAX];
};

#endif
