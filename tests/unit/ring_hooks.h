/* SPDX-License-Identifier: MIT */
/*
 * What a test built with protocol_hooked sees of every access to a shared word. NULL: nothing
 * happens. One thread.
 */
#ifndef ORIEL_TEST_RING_HOOKS_H
#define ORIEL_TEST_RING_HOOKS_H

#include <stdint.h>

struct ring_hooks {
	/* returns: what the load is to yield */
	uint64_t (*load)(void *context, const void *word, unsigned bytes, uint64_t really);
	/* before the store; need not return */
	void (*store)(void *context, const void *word);
	void *context;
};

extern struct ring_hooks ring_hooks;

#endif
