/* SPDX-License-Identifier: MIT */
/*
 * The doorbell of a guest: the register of its ivshmem device, in BAR0 (QEMU's
 * docs/specs/ivshmem-spec.txt). It is mapped through sysfs, as the memory is, so that ringing
 * needs no driver. Being rung does: vfio_interrupt.h.
 *
 * | off | field      | notes |
 * |   8 | IVPosition | our peer id |
 * |  12 | Doorbell   | write (peer << 16) + vector; unknown ones vanish |
 */
#include "doorbell_backend.h"
#include "region_backend.h"
#include "vfio_interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGISTER_BYTES    256u
#define REGISTER_POSITION 2u /* as u32 index */
#define REGISTER_DOORBELL 3u

struct pci_doorbell {
	struct doorbell doorbell;
	volatile uint32_t *registers;
	struct vfio_interrupt interrupt;
};

static int pci_ring(struct doorbell *doorbell, unsigned peer, unsigned vector)
{
	struct pci_doorbell *pci = (struct pci_doorbell *)doorbell;

	pci->registers[REGISTER_DOORBELL] = peer << 16 | vector;
	return 0;
}

static void pci_close(struct doorbell *doorbell)
{
	struct pci_doorbell *pci = (struct pci_doorbell *)doorbell;

	vfio_interrupt_close(&pci->interrupt);
	munmap((void *)(uintptr_t)pci->registers, REGISTER_BYTES);
	free(pci);
}

static const struct doorbell_ops pci_ops = {
	.name = "pci",
	.ring = pci_ring,
	.close = pci_close,
};

static int map_file(const char *path, volatile uint32_t **registers, struct complaint *why)
{
	struct stat status;
	void *bytes = MAP_FAILED;
	int error = 0;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		error = -errno;
		complain(why, "%s cannot be opened: %s%s", path, strerror(errno),
		        errno == EACCES || errno == EPERM ? "; run this as root" : "");
		return error;
	}
	if (fstat(fd, &status) != 0 || status.st_size < (off_t)REGISTER_BYTES) {
		error = -EINVAL;
		complain(why, "%s has less than %u bytes: no ivshmem device", path, REGISTER_BYTES);
	} else {
		bytes = mmap(NULL, REGISTER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (!error && bytes == MAP_FAILED) {
		error = -errno;
		complain(why, "%s cannot be mapped: %s", path, strerror(errno));
	}
	close(fd);
	*registers = bytes;
	return error;
}

static int map_registers(
        const char *root, const char *name, volatile uint32_t **registers, struct complaint *why)
{
	char path[REGION_ADDRESS_SIZE];

	/* Only a device with vectors has a table of them: ivshmem-plain has no BAR1. */
	snprintf(path, sizeof(path), "%s/%s/resource1", root, name);
	if (access(path, F_OK) != 0) {
		complain(why,
		        "%s has memory, but no doorbell; launch the guest with -device "
		        "ivshmem-doorbell and a doorbell-server",
		        name);
		return -ENOTSUP;
	}
	snprintf(path, sizeof(path), "%s/%s/resource0", root, name);
	return map_file(path, registers, why);
}

int doorbell_pci_open(
        struct doorbell **doorbell, const char *root, const char *name, struct complaint *why)
{
	struct pci_doorbell *pci = calloc(1, sizeof(*pci));
	uint32_t position;
	int error;

	if (!pci) {
		complain(why, "out of memory");
		return -ENOMEM;
	}
	error = map_registers(root, name, &pci->registers, why);
	if (error) {
		free(pci);
		return error;
	}
	pci->doorbell.ops = &pci_ops;
	vfio_interrupt_open(
	        &pci->interrupt, root, name, VFIO_INTERRUPT_ROOT, &pci->doorbell.why_deaf);
	pci->doorbell.fd = pci->interrupt.fd;
	position = pci->registers[REGISTER_POSITION];
	if (position > DOORBELL_PEER_MAX) {
		complain(why,
		        "%s says that its peer id is 0x%x; is its memory switched off? echo 1 > "
		        "%s/%s/enable",
		        name, position, root, name);
		pci_close(&pci->doorbell);
		return -EIO;
	}
	pci->doorbell.peer = position;
	*doorbell = &pci->doorbell;
	return 0;
}
