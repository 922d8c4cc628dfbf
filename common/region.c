/* SPDX-License-Identifier: MIT */
#include "region.h"
#include "bus_guard.h"
#include "doorbell_backend.h"
#include "region_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCI_PREFIX       "pci:"
#define SERVER_PREFIX    "server:"
#define FORMAT_SIZE_ROOM 24

int region_open(struct region *region, const char *address, enum region_access access,
        region_recognise *recognise, struct complaint *why)
{
	int error;

	*region = (struct region) { .fd = -1 };
	if (address[0] == '\0' || strlen(address) >= REGION_ADDRESS_SIZE) {
		complain(why,
		        "an address has 1 to %u characters: a path, pci:auto, "
		        "pci:0000:00:10.0 or server:/path.sock",
		        REGION_ADDRESS_SIZE - 1);
		return -EINVAL;
	}
	if (strncmp(address, PCI_PREFIX, strlen(PCI_PREFIX)) == 0) {
		error = region_pci_open(region, REGION_PCI_ROOT, address + strlen(PCI_PREFIX),
		        access, recognise, why);
	} else if (strncmp(address, SERVER_PREFIX, strlen(SERVER_PREFIX)) == 0) {
		error = region_server_open(region, address + strlen(SERVER_PREFIX), access, why);
	} else {
		error = region_file_open(region, address, access, why);
	}
	if (!error) {
		snprintf(region->address, sizeof(region->address), "%s", address);
	}
	return error;
}

int region_open_doorbell(struct region *region, struct complaint *why)
{
	char device[REGION_ADDRESS_SIZE];
	char *name;

	if (region->doorbell) {
		return 0;
	}
	if (strncmp(region->address, PCI_PREFIX, strlen(PCI_PREFIX)) != 0) {
		complain(why, "a file has no doorbell; share it through a doorbell-server "
		              "(--region server:/path.sock)");
		return -ENOTSUP;
	}
	/* /sys/bus/pci/devices/0000:00:10.0/resource2_wc */
	snprintf(device, sizeof(device), "%s", region->path);
	*strrchr(device, '/') = '\0';
	name = strrchr(device, '/') + 1;
	return doorbell_pci_open(&region->doorbell, REGION_PCI_ROOT, name, why);
}

int region_create(const char *address, uint64_t size, struct complaint *why)
{
	if (strncmp(address, PCI_PREFIX, strlen(PCI_PREFIX)) == 0) {
		complain(why, "a PCI device is made by whoever launches the guest: "
		              "-device ivshmem-plain");
		return -EINVAL;
	}
	if (strncmp(address, SERVER_PREFIX, strlen(SERVER_PREFIX)) == 0) {
		complain(why, "a server makes its memory itself: doorbell-server --size");
		return -EINVAL;
	}
	return region_file_create(address, size, why);
}

int region_open_flags(enum region_access access)
{
	return (access == REGION_READ_ONLY_FILE ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY |
	       O_NONBLOCK;
}

static int region_check_size(uint64_t size, struct complaint *why)
{
	char is[FORMAT_SIZE_ROOM];
	char should[FORMAT_SIZE_ROOM];

	region_format_size(size, is);
	region_format_size(region_size_for(size), should);
	if (size < REGION_SIZE_MIN || size > REGION_SIZE_MAX) {
		complain(why,
		        "its size is %s (%" PRIu64 " bytes), which is not between 1M and 1T: is it "
		        "the guest's shared memory?",
		        is, size);
		return -EINVAL;
	}
	if (size & (size - 1)) {
		complain(why,
		        "its size is %s (%" PRIu64 " bytes), no power of two, so QEMU cannot make "
		        "a BAR of it; make it anew with %s",
		        is, size, should);
		return -EINVAL;
	}
	return 0;
}

/*
 * A producer takes all its memory at once: a file system that is full is an error here instead of a
 * SIGBUS later, and the first frames need no page faults (128M took 33 to 104 ms, or 1 to 2 us a
 * page when they come one by one).
 * A consumer does not: reading a hole of a tmpfs file fills it, 128M in 76 ms, perhaps for nothing.
 * Pages that are there cost it 0.3 us each, once.
 */
static int region_populate(void *bytes, size_t size, const char *mapping, struct complaint *why)
{
	bool device = strcmp(mapping, "file") != 0 && strcmp(mapping, "server") != 0;
	char text[FORMAT_SIZE_ROOM];

	if (device || madvise(bytes, size, MADV_POPULATE_WRITE) == 0) {
		return 0;
	}
	if (errno == EFAULT || errno == ENOMEM) {
		complain(why,
		        "it promises %s, but its file system or this machine does not have them; "
		        "free memory or make it smaller",
		        region_format_size(size, text));
		return -ENOSPC;
	}
	/* Before Linux 5.14, and on unusual file systems, pages come one by one. */
	return 0;
}

static int region_map_bytes(struct region *region, struct complaint *why)
{
	bool writable = region->access == REGION_WRITE;
	void *bytes = mmap(NULL, region->size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
	        MAP_SHARED, region->fd, 0);
	int error;

	if (bytes == MAP_FAILED) {
		error = -errno;
		complain(why, "cannot be mapped: %s%s", strerror(errno),
		        errno == EINVAL ? "; does a driver such as vfio-pci hold the device?" : "");
		return error;
	}
	error = bus_guard_watch(bytes, region->size, writable);
	if (error) {
		complain(why, "more than %d mappings in one process", BUS_GUARD_MAX);
	} else if (writable) {
		error = region_populate(bytes, region->size, region->mapping, why);
	}
	if (error) {
		bus_guard_forget(bytes);
		munmap(bytes, region->size);
		return error;
	}
	region->bytes = bytes;
	return 0;
}

int region_map(struct region *region, int fd, const char *path, enum region_access access,
        const char *mapping, struct complaint *why)
{
	struct stat status;
	int error;

	*region = (struct region) { .fd = fd, .access = access, .mapping = mapping };
	if (fstat(fd, &status) != 0) {
		error = -errno;
		complain(why, "%s", strerror(errno));
	} else {
		error = region_check_size((uint64_t)status.st_size, why);
	}
	if (!error) {
		snprintf(region->path, sizeof(region->path), "%s", path);
		region->size = (size_t)status.st_size;
		region->device = status.st_dev;
		region->inode = status.st_ino;
		error = region_map_bytes(region, why);
	}
	if (error) {
		close(fd);
		*region = (struct region) { .fd = -1 };
	}
	return error;
}

int region_map_writable(struct region *region, uint64_t offset, size_t size, struct span *part)
{
	struct span *unused = region->parts;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	void *bytes;
	int error;

	if (region->access != REGION_READ) {
		return region->access == REGION_WRITE ? -EINVAL : -EACCES;
	}
	if (size == 0 || offset % page || offset > region->size || size > region->size - offset) {
		return -EINVAL;
	}
	while (unused->bytes) {
		if (++unused == region->parts + REGION_PARTS_MAX) {
			return -ENOSPC;
		}
	}
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, (off_t)offset);
	if (bytes == MAP_FAILED) {
		return -errno;
	}
	error = bus_guard_watch(bytes, size, true);
	if (error) {
		munmap(bytes, size);
		return error;
	}
	*unused = (struct span) { bytes, size };
	*part = *unused;
	return 0;
}

static int region_set_lock(
        const struct region *region, short type, uint64_t offset, uint64_t length)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)offset,
		.l_len = (off_t)length,
	};

	if (fcntl(region->fd, F_OFD_SETLK, &lock) == 0) {
		return 0;
	}
	return errno == EACCES ? -EAGAIN : -errno;
}

int region_lock(const struct region *region, uint64_t offset, uint64_t length)
{
	return region_set_lock(region, F_WRLCK, offset, length);
}

void region_unlock(const struct region *region, uint64_t offset, uint64_t length)
{
	region_set_lock(region, F_UNLCK, offset, length);
}

bool region_was_replaced(const struct region *region)
{
	struct stat status;

	if (strncmp(region->address, SERVER_PREFIX, strlen(SERVER_PREFIX)) == 0) {
		return region_server_was_replaced(region);
	}
	if (stat(region->path, &status) != 0) {
		return errno == ENOENT || errno == ENOTDIR;
	}
	return status.st_dev != region->device || status.st_ino != region->inode;
}

bool region_was_lost(const struct region *region)
{
	if (region->bytes && bus_guard_was_hit(region->bytes)) {
		return true;
	}
	for (unsigned i = 0; i < REGION_PARTS_MAX; i++) {
		if (region->parts[i].bytes && bus_guard_was_hit(region->parts[i].bytes)) {
			return true;
		}
	}
	return false;
}

static void region_unmap(uint8_t *bytes, size_t size)
{
	if (bytes) {
		bus_guard_forget(bytes);
		munmap(bytes, size);
	}
}

void region_close(struct region *region)
{
	if (!region || !region->bytes) {
		return;
	}
	for (unsigned i = 0; i < REGION_PARTS_MAX; i++) {
		region_unmap(region->parts[i].bytes, region->parts[i].size);
	}
	region_unmap(region->bytes, region->size);
	close(region->fd);
	doorbell_close(region->doorbell);
	*region = (struct region) { .fd = -1 };
}
