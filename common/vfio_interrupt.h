/* SPDX-License-Identifier: MIT */
/*
 * An interrupt of a PCI device as an eventfd, through vfio-pci: how a process of a guest hears its
 * ivshmem device. Called by doorbell_pci.c.
 *
 * It takes nothing of the device but MSI-X vector 0 and two bits of the command register. Whoever
 * maps, reads or writes a BAR through vfio takes it from all who mapped it through sysfs, in this
 * process and in others: their next access is a SIGBUS. Without that, both live side by side.
 *
 * One process at a time can have a device's interrupts. Those from before it opened it are lost.
 */
#ifndef ORIEL_VFIO_INTERRUPT_H
#define ORIEL_VFIO_INTERRUPT_H

#include "complaint.h"

#define VFIO_INTERRUPT_ROOT "/dev/vfio"

struct vfio_interrupt {
	int fd; /* an eventfd, not blocking; each interrupt adds 1. -1: closed */
	/* Held open for fd's sake. */
	int device;
	int group;
	int container;
};

/*
 * root:    as in doorbell_pci_open()
 * name:    0000:00:10.0
 * vfio:    VFIO_INTERRUPT_ROOT, or a folder like it
 * returns: 0; or -errno with everything closed and the complaint filled: -ENODEV there is no IOMMU
 *          or the device is not bound to vfio-pci; -EBUSY another process has it; -EPERM interrupts
 *          are not remapped
 */
int vfio_interrupt_open(struct vfio_interrupt *interrupt, const char *root, const char *name,
        const char *vfio, struct complaint *why);

/* Closed ones are fine. */
void vfio_interrupt_close(struct vfio_interrupt *interrupt);

#endif
