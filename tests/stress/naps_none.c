/* SPDX-License-Identifier: MIT */
#include "naps.h"

bool naps_are_built_in(void)
{
	return false;
}

void naps_start(uint64_t seed, const struct nap_plan *plan, struct trap *trap)
{
	(void)seed;
	(void)plan;
	(void)trap;
}

void naps_over(const void *identity)
{
	(void)identity;
}

void naps_publishing(bool publishing)
{
	(void)publishing;
}
