/* SPDX-License-Identifier: MIT */
#include "naps.h"

#include "layout.h"
#include "picture.h"

#include <signal.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

#define NAP_SHORT_NS 100000u  /* at most */
#define NAP_LONG_NS  3000000u /* one in NAP_LONG_IN of them: longer than a few frames */
#define NAP_LONG_IN  16u
#define INDEX_LENGTH 64u

/* The hooks are handed no instance, so there can be one of these in a process only. */
static _Thread_local uint64_t dice;
static struct {
	uint64_t seed;
	struct nap_plan plan;
	bool publishing;
	struct trap *trap;
	const char *identity;
} naps;

bool naps_are_built_in(void)
{
	return true;
}

void naps_start(uint64_t seed, const struct nap_plan *plan, struct trap *trap)
{
	naps.seed = seed;
	naps.plan = *plan;
	naps.trap = trap;
}

void naps_over(const void *identity)
{
	naps.identity = identity;
}

void naps_publishing(bool publishing)
{
	naps.publishing = publishing;
}

/* In the geometry that ring_geometry_fill() chooses, for as many slots as there can be. */
static bool is_control(uint64_t offset)
{
	const uint64_t base = RING_IDENTITY_SIZE + INDEX_LENGTH * sizeof(uint64_t);

	return offset >= base && offset < base + RING_SLOTS_MAX * sizeof(struct ring_descriptor) &&
	       (offset - base) % sizeof(struct ring_descriptor) == 0;
}

static bool is_epoch(const void *word)
{
	return naps.identity &&
	       (const char *)word == naps.identity + offsetof(struct ring_identity, epoch);
}

static bool is_hot(const void *word)
{
	uint64_t offset = (uint64_t)((uintptr_t)word - (uintptr_t)naps.identity);

	if (!naps.identity) {
		return false;
	}
	return (naps.plan.hot & NAP_EPOCH && is_epoch(word)) ||
	       (naps.plan.hot & NAP_CONTROL && is_control(offset)) ||
	       (naps.plan.hot & NAP_LATEST && offset == offsetof(struct ring_identity, latest));
}

static void nap(const void *word)
{
	unsigned one_in = is_hot(word) ? naps.plan.hot_in : naps.plan.one_in;
	struct timespec time = { 0 };

	if (one_in == 0) {
		return;
	}
	dice = picture_mix(dice + naps.seed);
	if (dice % one_in != 0) {
		return;
	}
	if (dice >> 20 & 1) {
		sched_yield();
		return;
	}
	time.tv_nsec = (long)((dice >> 24 & UINT32_MAX) %
	                      ((dice >> 56) % NAP_LONG_IN == 0 ? NAP_LONG_NS : NAP_SHORT_NS));
	nanosleep(&time, NULL);
}

uint64_t shared_hook_load(const void *word, unsigned bytes, uint64_t really)
{
	(void)bytes;
	if (naps.publishing && is_epoch(word) && naps.trap->armed == TRAP_STOP_PUBLISH) {
		naps.trap->armed = TRAP_NONE;
		naps.trap->sprung++;
		raise(SIGSTOP);
	}
	nap(word);
	return really;
}

void shared_hook_store(const void *word, unsigned bytes, uint64_t value)
{
	uint64_t armed = naps.trap ? naps.trap->armed : TRAP_NONE;

	(void)bytes;
	(void)value;
	if (armed == TRAP_KILL) {
		naps.trap->armed = TRAP_NONE;
		naps.trap->sprung++;
		raise(SIGKILL);
	} else if (armed > TRAP_KILL) {
		naps.trap->armed = armed - 1;
	}
	nap(word);
}
