/* SPDX-License-Identifier: MIT */
#include "ring_hooks.h"

#include "shared.h"

struct ring_hooks ring_hooks;

uint64_t shared_hook_load(const void *word, unsigned bytes, uint64_t really)
{
	return ring_hooks.load ? ring_hooks.load(ring_hooks.context, word, bytes, really) : really;
}

void shared_hook_store(const void *word, unsigned bytes, uint64_t value)
{
	(void)bytes;
	(void)value;
	if (ring_hooks.store) {
		ring_hooks.store(ring_hooks.context, word);
	}
}
