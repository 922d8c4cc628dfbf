/* SPDX-License-Identifier: MIT */
/*
 * Wider windows. In the program that is built with ORIEL_SHARED_HOOKS each access to a shared word
 * may be followed (a load) or preceded (a store) by a random nap, and one access can be made a
 * trap. In the other program (naps_none.c) all of this does nothing.
 */
#ifndef ORIEL_STRESS_NAPS_H
#define ORIEL_STRESS_NAPS_H

#include "stats.h"

#include <stdbool.h>
#include <stdint.h>

/* Values of trap->armed: what a process does when it comes to the place, once. */
#define TRAP_NONE         UINT64_C(0)
#define TRAP_STOP_PUBLISH UINT64_C(1)  /* a producer: stops after its last look at the epoch */
#define TRAP_KILL         UINT64_C(16) /* + n: dies before its n-th store from now on, from 0 */

/* Is this the program with the hooks? */
bool naps_are_built_in(void);

/* The words that decide something. */
#define NAP_EPOCH   1u
#define NAP_LATEST  2u
#define NAP_CONTROL 4u

/* One access in so many is napped at; 0: none. */
struct nap_plan {
	unsigned one_in; /* of all words */
	unsigned hot_in; /* of the hot ones */
	unsigned hot;    /* which those are */
};

/* Some naps everywhere, most where something is decided. */
#define NAPS_EVERYWHERE \
	((struct nap_plan) { \
	        .one_in = 64, .hot_in = 8, .hot = NAP_EPOCH | NAP_LATEST | NAP_CONTROL })

void naps_start(uint64_t seed, const struct nap_plan *plan, struct trap *trap);

/*
 * Where the first word of G is mapped here, NULL: not known. Without it there are no hot words, and
 * nobody comes to TRAP_STOP_PUBLISH.
 */
void naps_over(const void *identity);

/* What the writer is about to do, for traps: true between begin and publish. */
void naps_publishing(bool publishing);

#endif
