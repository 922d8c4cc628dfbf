/* SPDX-License-Identifier: MIT */
/*
 * A region that is BAR2 of an ivshmem device, mapped by a guest through sysfs: no driver is needed.
 * Layout of the tree: Documentation/PCI/sysfs-pci.rst of Linux; of the device: QEMU's
 * docs/specs/ivshmem-spec.txt.
 */
#include "region_backend.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IVSHMEM_VENDOR     0x1af4
#define IVSHMEM_DEVICE     0x1110
#define PCI_NAME_LENGTH    12u /* 0000:00:10.0 */
#define PCI_CANDIDATES_MAX 16u

struct candidates {
	char names[PCI_CANDIDATES_MAX][PCI_NAME_LENGTH + 1];
	size_t count;
};

/* The path of an attribute of a device; false when it does not fit. */
static bool pci_path(
        char path[REGION_ADDRESS_SIZE], const char *root, const char *name, const char *attribute)
{
	int length = snprintf(path, REGION_ADDRESS_SIZE, "%s/%s/%s", root, name, attribute);

	return length > 0 && (size_t)length < REGION_ADDRESS_SIZE;
}

/* The number in an attribute, or -errno. */
static long pci_read_number(const char *root, const char *name, const char *attribute)
{
	char path[REGION_ADDRESS_SIZE];
	char text[32] = "";
	ssize_t length;
	int fd;

	if (!pci_path(path, root, name, attribute)) {
		return -ENAMETOOLONG;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	return length > 0 ? strtol(text, NULL, 0) : -EIO;
}

/* Strictly DDDD:BB:DD.F in hexadecimal, into lower case as sysfs writes it. */
static bool pci_parse_name(const char *text, char name[PCI_NAME_LENGTH + 1])
{
	static const char form[] = "xxxx:xx:xx.x";

	if (strlen(text) != PCI_NAME_LENGTH) {
		return false;
	}
	for (unsigned i = 0; i < PCI_NAME_LENGTH; i++) {
		char c = text[i];

		if (form[i] == 'x' ? !isxdigit((unsigned char)c) : c != form[i]) {
			return false;
		}
		name[i] = (char)tolower((unsigned char)c);
	}
	name[PCI_NAME_LENGTH] = '\0';
	/* 32 slots of 8 functions. */
	return name[8] <= '1' && name[11] <= '7';
}

static int pci_check_identity(const char *root, const char *name, struct complaint *why)
{
	long vendor = pci_read_number(root, name, "vendor");
	long device = pci_read_number(root, name, "device");

	if (vendor < 0 || device < 0) {
		complain(why,
		        "this machine has no PCI device %s; 'lspci -d 1af4:1110' lists those "
		        "of the right kind",
		        name);
		return -ENOENT;
	}
	if (vendor != IVSHMEM_VENDOR || device != IVSHMEM_DEVICE) {
		complain(why,
		        "%s is %04lx:%04lx, not an ivshmem device (1af4:1110); 'lspci -d 1af4:1110' "
		        "lists those",
		        name, (unsigned long)vendor, (unsigned long)device);
		return -EINVAL;
	}
	return 0;
}

/* A device that no driver took was never switched on: its memory would read as all ones. */
static int pci_enable(const char *root, const char *name, struct complaint *why)
{
	char path[REGION_ADDRESS_SIZE];
	int error = 0;
	int fd;

	if (pci_read_number(root, name, "enable") != 0) {
		return 0;
	}
	if (!pci_path(path, root, name, "enable")) {
		return -ENAMETOOLONG;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1) {
		error = -errno;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (error == -EBUSY) {
		/* A driver has it and switches it as it likes. */
		return 0;
	}
	if (error) {
		complain(why, "%s is switched off and cannot be switched on: %s%s", name,
		        strerror(-error),
		        error == -EACCES || error == -EPERM ? "; run this as root" : "");
	}
	return error;
}

/*
 * Write-combining first: the plain one is uncached on bare metal, ten times slower to write to. It
 * is missing where the CPU knows no such mapping.
 */
static int pci_open_bar(struct region *region, const char *root, const char *name,
        enum region_access access, struct complaint *why)
{
	static const char *const mappings[] = { "resource2_wc", "resource2" };
	char path[REGION_ADDRESS_SIZE];
	int error = -ENOENT;

	for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++) {
		int fd;

		if (!pci_path(path, root, name, mappings[i])) {
			return -ENAMETOOLONG;
		}
		fd = open(path, region_open_flags(access));
		if (fd >= 0) {
			return region_map(region, fd, path, access, mappings[i], why);
		}
		error = -errno;
		if (error != -ENOENT) {
			break;
		}
	}
	if (error == -ENOENT) {
		complain(why, "%s has no memory (BAR2); is its memory backend set?", name);
	} else {
		complain(why, "%s cannot be opened: %s%s", path, strerror(-error),
		        error == -EACCES || error == -EPERM ? "; run this as root" : "");
	}
	return error;
}

static int pci_open_one(struct region *region, const char *root, const char *name,
        enum region_access access, struct complaint *why)
{
	int error = pci_check_identity(root, name, why);

	if (!error) {
		error = pci_enable(root, name, why);
	}
	if (!error) {
		error = pci_open_bar(region, root, name, access, why);
	}
	return error;
}

static int pci_find(const char *root, struct candidates *found)
{
	struct dirent **entries;
	int count = scandir(root, &entries, NULL, alphasort);

	found->count = 0;
	for (int i = 0; i < count; i++) {
		char *name = found->names[found->count];

		if (found->count < PCI_CANDIDATES_MAX && pci_parse_name(entries[i]->d_name, name) &&
		        pci_read_number(root, name, "vendor") == IVSHMEM_VENDOR &&
		        pci_read_number(root, name, "device") == IVSHMEM_DEVICE) {
			found->count++;
		}
		free(entries[i]);
	}
	if (count >= 0) {
		free(entries);
	}
	return found->count ? 0 : -ENOENT;
}

/* "pci:0000:00:10.0, pci:0000:00:11.0" */
static void list_candidates(const struct candidates *found, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < found->count && used < room; i++) {
		used += (size_t)snprintf(
		        text + used, room - used, "%spci:%s", i ? ", " : "", found->names[i]);
	}
}

/* Opens the only one of them that holds a region of ours. */
static int pci_open_recognised(struct region *region, const char *root,
        const struct candidates *found, enum region_access access, region_recognise *recognise,
        struct complaint *why)
{
	struct region one;
	size_t ours = 0;
	size_t which = 0;
	char list[200];

	for (size_t i = 0; recognise && i < found->count; i++) {
		if (pci_open_one(&one, root, found->names[i], REGION_READ_ONLY_FILE, why) == 0) {
			if (recognise(one.bytes, one.size)) {
				which = i;
				ours++;
			}
			region_close(&one);
		}
	}
	if (ours == 1) {
		return pci_open_one(region, root, found->names[which], access, why);
	}
	list_candidates(found, list, sizeof(list));
	complain(why, "this guest has %zu ivshmem devices, and %s; name one of them: %s",
	        found->count,
	        ours ? "more than one holds an Oriel region" : "none holds an Oriel region yet",
	        list);
	return ours ? -EINVAL : -ENOENT;
}

int region_pci_open(struct region *region, const char *root, const char *device,
        enum region_access access, region_recognise *recognise, struct complaint *why)
{
	char name[PCI_NAME_LENGTH + 1];
	struct candidates found;

	*region = (struct region) { .fd = -1 };
	if (strcmp(device, "auto") != 0) {
		if (!pci_parse_name(device, name)) {
			complain(why, "is no PCI address; use pci:auto or all of pci:0000:00:10.0");
			return -EINVAL;
		}
		return pci_open_one(region, root, name, access, why);
	}
	if (pci_find(root, &found) != 0) {
		complain(why,
		        "this guest has no ivshmem device; launch it with "
		        "-object memory-backend-file,id=oriel,share=on,mem-path=/dev/shm/oriel,"
		        "size=128M -device ivshmem-plain,memdev=oriel");
		return -ENOENT;
	}
	if (found.count == 1) {
		return pci_open_one(region, root, found.names[0], access, why);
	}
	return pci_open_recognised(region, root, &found, access, recognise, why);
}
