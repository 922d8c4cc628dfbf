/* SPDX-License-Identifier: MIT */
/*
 * The kinds of doorbells, for the regions that they come along with. Nobody else includes this,
 * except for their tests.
 */
#ifndef ORIEL_DOORBELL_BACKEND_H
#define ORIEL_DOORBELL_BACKEND_H

#include "doorbell.h"
#include "ivshmem_client.h"

/*
 * A host process joins the peers of an ivshmem server.
 *
 * memory:  set on 0; see ivshmem_client_connect()
 * returns: 0 with *doorbell set, or -errno with the complaint filled
 */
int doorbell_server_open(
        struct doorbell **doorbell, const char *path, int *memory, struct complaint *why);

/* The client behind a doorbell of doorbell_server_open(). */
struct ivshmem_client *doorbell_server_client(struct doorbell *doorbell);

/*
 * The doorbell of an ivshmem device of this guest.
 *
 * root:    REGION_PCI_ROOT, or a tree like it
 * name:    0000:00:10.0
 * returns: 0 with *doorbell set (its fd may be -1, then why_deaf says why); -ENOTSUP the device has
 *          none; or another -errno with the complaint filled
 */
int doorbell_pci_open(
        struct doorbell **doorbell, const char *root, const char *name, struct complaint *why);

#endif
