/* SPDX-License-Identifier: MIT */
/*
 * What region.c and the kinds of memory behind it (region_file.c, region_pci.c,
 * region_server.c) ask of each other.
 * Nobody else includes this, except for their tests.
 */
#ifndef ORIEL_REGION_BACKEND_H
#define ORIEL_REGION_BACKEND_H

#include "region.h"

#define REGION_PCI_ROOT "/sys/bus/pci/devices"

/* As region_open(), for any path. */
int region_file_open(
        struct region *region, const char *path, enum region_access access, struct complaint *why);

/* As region_create(). */
int region_file_create(const char *path, uint64_t size, struct complaint *why);

/*
 * As region_open(), for what follows "pci:".
 * root: REGION_PCI_ROOT, or a tree like it
 */
int region_pci_open(struct region *region, const char *root, const char *device,
        enum region_access access, region_recognise *recognise, struct complaint *why);

/* As region_open(), for what follows "server:"; sets region->doorbell. */
int region_server_open(
        struct region *region, const char *path, enum region_access access, struct complaint *why);

/* As region_was_replaced(), of a region that a server shares. */
bool region_server_was_replaced(const struct region *region);

/*
 * Fills the region from an open file and maps all of it, watched for SIGBUS. Takes over fd, also on
 * failure.
 *
 * mapping: static text, see struct region
 * returns: 0; -EINVAL for an unusable size, or what mmap() says, with the complaint filled
 */
int region_map(struct region *region, int fd, const char *path, enum region_access access,
        const char *mapping, struct complaint *why);

/* The flags to open the file behind a region with. */
int region_open_flags(enum region_access access);

#endif
