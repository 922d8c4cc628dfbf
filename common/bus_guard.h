/* SPDX-License-Identifier: MIT */
/*
 * Survives a file that is truncated while it is mapped.
 *
 * The kernel answers an access behind the new end with SIGBUS. The handler lays private zero pages
 * over the whole watched mapping and marks it as lost: the access goes on, reads zero (an epoch of
 * zero ends every session by itself), and whoever owns the mapping asks bus_guard_was_hit() and
 * opens it again. A SIGBUS anywhere else keeps its meaning.
 */
#ifndef ORIEL_BUS_GUARD_H
#define ORIEL_BUS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Watches a mapping from now on; writable says how the replacement has to be mapped. Each call
 * installs the handler, for a library may have put its own there since.
 * returns: 0 or -ENOSPC when BUS_GUARD_MAX mappings are watched already
 */
#define BUS_GUARD_MAX 32
int bus_guard_watch(void *bytes, size_t size, bool writable);

/* Has this watched mapping been replaced? Any thread. */
bool bus_guard_was_hit(const void *bytes);

/* Before munmap(). */
void bus_guard_forget(const void *bytes);

#endif
