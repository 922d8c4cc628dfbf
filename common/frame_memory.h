/* SPDX-License-Identifier: MIT */
/*
 * Private memory for whole frames, of huge pages where the system grants them: for sources, and for
 * the viewer's copy.
 */
#ifndef ORIEL_FRAME_MEMORY_H
#define ORIEL_FRAME_MEMORY_H

#include <jansson.h>
#include <stddef.h>

/* returns: at least size bytes, from a page on, of any content, for free(); NULL: none left
 */
void *frame_memory_alloc(size_t size);

/*
 * How much of this process lies in huge pages now: {private_bytes, shared_bytes}; null where the
 * kernel does not say. New reference.
 */
json_t *frame_memory_describe(void);

#endif
