/* SPDX-License-Identifier: MIT */
/*
 * The shared memory, opened by an address string.
 *
 *   /dev/shm/NAME, any other file     a file that a QEMU memory backend or a peer process maps too
 *   pci:auto                          the one ivshmem device of this guest; of several, the one
 *                                     that holds an Oriel region
 *   pci:0000:00:10.0                  BAR2 of that device
 *   server:/run/oriel/doorbell.sock   what a doorbell-server (or another ivshmem server) shares,
 *                                     and a doorbell to ring its other peers with
 *
 * A region knows nothing of what the bytes mean. The producer maps all of it read-write; consumers
 * map all of it read-only and the part that they own (region_map_writable) a second time.
 */
#ifndef ORIEL_REGION_H
#define ORIEL_REGION_H

#include "complaint.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REGION_SIZE_MIN     (UINT64_C(1) << 20) /* bytes */
#define REGION_SIZE_MAX     (UINT64_C(1) << 40)
#define REGION_DEFAULT      "/dev/shm/oriel"
#define REGION_PARTS_MAX    4u
#define REGION_ADDRESS_SIZE 256u

enum region_access {
	REGION_WRITE,          /* all of it read-write */
	REGION_READ,           /* all of it read-only, parts can be mapped writable */
	REGION_READ_ONLY_FILE, /* as REGION_READ, from a file that may not be written: observers */
};

struct doorbell;

struct region {
	uint8_t *bytes; /* NULL when closed; never written through under REGION_READ* */
	size_t size;    /* bytes, a power of two */
	int fd;
	enum region_access access;
	char address[REGION_ADDRESS_SIZE];
	char path[REGION_ADDRESS_SIZE]; /* the file that is mapped, or the server's socket */
	const char *mapping;            /* how: "file", "server", "resource2_wc" or "resource2" */
	dev_t device;
	ino_t inode;
	struct span parts[REGION_PARTS_MAX]; /* of region_map_writable() */
	struct doorbell *doorbell;           /* NULL: none; closed with the region */
};

/* Tells from its own bytes whether a region is ours: the caller knows the magic, this file not. */
typedef bool region_recognise(const uint8_t *bytes, size_t size);

/*
 * recognise: asked only by pci:auto, when there are several devices
 * returns:   0; -ENOENT nothing there (yet); -EACCES; -EINVAL an unusable thing or address; or
 *            another -errno. On failure *why holds what is wrong and the cure, without the address.
 */
int region_open(struct region *region, const char *address, enum region_access access,
        region_recognise *recognise, struct complaint *why);

/*
 * Sets region->doorbell where the region can have one and has none yet. That of server: comes with
 * the memory; a guest's device is asked for it here.
 * returns: 0; -ENOTSUP there is none, and the complaint says what to do; or another -errno
 */
int region_open_doorbell(struct region *region, struct complaint *why);

/*
 * Makes a file region of size bytes (a power of two) with posix_fallocate, mode 0600. A region of
 * this size that exists already is left as it is; another size is an error. Only for files.
 */
int region_create(const char *address, uint64_t size, struct complaint *why);

/* "64M", "1G", "67108864"; a power of two from REGION_SIZE_MIN to REGION_SIZE_MAX. 0 or -EINVAL. */
int region_parse_size(const char *text, uint64_t *size, struct complaint *why);

/* The smallest power of two that holds so many bytes, at least REGION_SIZE_MIN. */
uint64_t region_size_for(uint64_t bytes);

/* Bytes as people write them, "128M", into text[24]; returns text. */
const char *region_format_size(uint64_t bytes, char *text);

/*
 * Maps a page-aligned part of a REGION_READ region a second time, read-write. The span lives until
 * region_close(). returns: 0 or -errno
 */
int region_map_writable(struct region *region, uint64_t offset, size_t size, struct span *part);

/*
 * Takes an exclusive OFD lock on length bytes at offset of the region's file. The kernel gives it
 * back when this process ends, however it ends. returns: 0, -EAGAIN when somebody holds it.
 */
int region_lock(const struct region *region, uint64_t offset, uint64_t length);
void region_unlock(const struct region *region, uint64_t offset, uint64_t length);

/*
 * The path names another file now (or none): who launched the guest made it anew. Of server: that
 * our server is gone and another one greets at its socket, which may take IVSHMEM_GREETING_NS to
 * find out; while none does, the memory is as good as it was.
 */
bool region_was_replaced(const struct region *region);

/* The memory went away under us (the file was truncated); its pages read as zero since. */
bool region_was_lost(const struct region *region);

/* Unmaps everything. NULL and closed regions are fine. */
void region_close(struct region *region);

#endif
