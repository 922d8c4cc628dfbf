/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_SIZE_ROOM 24
/* Linux 6.3: no exec bits, and no warning in its log about them. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

/* With posix_fallocate(), too little memory is an error now; with ftruncate() a SIGBUS later. */
static int take_pages(int fd, uint64_t bytes, struct complaint *why)
{
	char size[FORMAT_SIZE_ROOM];
	int error = posix_fallocate(fd, 0, (off_t)bytes);

	if (error) {
		complain(why, "%s cannot be had: %s; free memory, or use a smaller size",
		        region_format_size(bytes, size), strerror(error));
	}
	return -error;
}

/* What the machine could give without swapping; UINT64_MAX when it does not say. */
static uint64_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = UINT64_MAX >> 10;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) {
			break;
		}
	}
	if (file) {
		fclose(file);
	}
	return kib << 10;
}

/* A memfd has no file system that could be full: the kernel would kill processes to fill it. */
static int check_available(uint64_t bytes, struct complaint *why)
{
	uint64_t available = available_bytes();
	char size[FORMAT_SIZE_ROOM];

	if (bytes <= available) {
		return 0;
	}
	complain(why, "%s cannot be had: this machine has %" PRIu64 "M left; use a smaller size",
	        region_format_size(bytes, size), available >> 20);
	return -ENOMEM;
}

int memory_make(struct memory *memory, uint64_t bytes, struct complaint *why)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int error = check_available(bytes, why);

	memory->fd = -1;
	if (error) {
		return error;
	}
	*memory = (struct memory) { .fd = memfd_create("oriel", flags | MFD_NOEXEC_SEAL),
		.bytes = bytes };
	if (memory->fd < 0 && errno == EINVAL) {
		memory->fd = memfd_create("oriel", flags);
	}
	if (memory->fd < 0) {
		error = -errno;
		complain(why, "no memfd can be made: %s", strerror(errno));
		return error;
	}
	error = take_pages(memory->fd, bytes, why);
	if (!error &&
	        fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		error = -errno;
		complain(why, "cannot be sealed: %s", strerror(errno));
	}
	if (error) {
		memory_close(memory);
		return error;
	}
	memory->sealed = true;
	return 0;
}

int memory_open(struct memory *memory, const char *file, uint64_t bytes, struct complaint *why)
{
	struct region region;
	int error = 0;

	*memory = (struct memory) { .fd = -1 };
	if (bytes || access(file, F_OK) != 0) {
		error = region_create(file, bytes ? bytes : MEMORY_DEFAULT_BYTES, why);
	}
	if (error) {
		return error;
	}
	/* Looks at it as every peer will, and takes its pages. */
	error = region_open(&region, file, REGION_WRITE, NULL, why);
	if (error) {
		return error;
	}
	memory->fd = fcntl(region.fd, F_DUPFD_CLOEXEC, 3);
	memory->bytes = region.size;
	memory->file = file;
	error = memory->fd < 0 ? -errno : 0;
	region_close(&region);
	if (error) {
		complain(why, "%s", strerror(-error));
		return error;
	}
	error = take_pages(memory->fd, memory->bytes, why);
	if (error) {
		memory_close(memory);
	}
	return error;
}

void memory_close(struct memory *memory)
{
	if (memory->fd >= 0) {
		close(memory->fd);
		memory->fd = -1;
	}
}
