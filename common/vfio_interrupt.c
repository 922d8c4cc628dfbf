/* SPDX-License-Identifier: MIT */
/*
 * The way to an interrupt, as Documentation/driver-api/vfio.rst of Linux has it: the device's IOMMU
 * group into a container, the container gets an IOMMU, the group then gives the device, and the
 * device rings an eventfd.
 */
#include "vfio_interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRIVER    "vfio-pci"
#define PATH_SIZE 256u
#define WORD_SIZE 64u /* of a driver's name, or a group's number */

/*
 * What a link of a device points to, its last word only.
 * returns: 0, -ENOENT no such link, or another -errno where sysfs looks like nothing known
 */
static int read_link(
        const char *root, const char *name, const char *attribute, char word[WORD_SIZE])
{
	char path[PATH_SIZE];
	char target[PATH_SIZE];
	const char *last;
	ssize_t length;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s/%s", root, name, attribute) >=
	        sizeof(path)) {
		return -ENAMETOOLONG;
	}
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0) {
		return -errno;
	}
	target[length] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (*last == '\0' || strlen(last) >= WORD_SIZE) {
		return -EINVAL;
	}
	memcpy(word, last, strlen(last) + 1);
	return 0;
}

static int check_driver(const char *root, const char *name, struct complaint *why)
{
	char driver[WORD_SIZE];
	int error = read_link(root, name, "driver", driver);

	if (error == -ENOENT) {
		complain(why,
		        "%s is not bound to " DRIVER "; as root: modprobe " DRIVER "; echo " DRIVER
		        " > %s/%s/driver_override; echo %s > "
		        "/sys/bus/pci/drivers_probe",
		        name, root, name, name);
		return -ENODEV;
	}
	if (error) {
		complain(why, "%s/%s/driver cannot be read: %s", root, name, strerror(-error));
		return error;
	}
	if (strcmp(driver, DRIVER) != 0) {
		complain(why,
		        "%s is bound to %s, not to " DRIVER "; as root: modprobe " DRIVER
		        "; echo " DRIVER " > %s/%s/driver_override; echo %s > %s/%s/driver/unbind; "
		        "echo %s > /sys/bus/pci/drivers_probe",
		        name, driver, root, name, name, root, name, name);
		return -ENODEV;
	}
	return 0;
}

/* Without an IOMMU vfio-pci cannot be bound to anything, so this comes before the driver. */
static int find_group(
        const char *root, const char *name, char group[WORD_SIZE], struct complaint *why)
{
	int error = read_link(root, name, "iommu_group", group);

	if (error == -ENOENT) {
		complain(why,
		        "%s is behind no IOMMU, which " DRIVER " needs; launch the guest with "
		        "-machine q35 -device intel-iommu,intremap=on and boot it with "
		        "intel_iommu=on",
		        name);
		return -ENODEV;
	}
	if (!error && group[strspn(group, "0123456789")] != '\0') {
		error = -EINVAL;
	}
	if (error) {
		complain(why, "%s/%s/iommu_group cannot be read: %s", root, name, strerror(-error));
	}
	return error;
}

/* One of the files in /dev/vfio. */
static int open_file(const char *vfio, const char *file, struct complaint *why)
{
	char path[PATH_SIZE];
	const char *cure = "";
	int error;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", vfio, file) >= sizeof(path)) {
		complain(why, "%s is too long a path", vfio);
		return -ENAMETOOLONG;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		return fd;
	}
	error = -errno;
	if (error == -EBUSY) {
		complain(why,
		        "%s is held by another process, and only one can be rung; 'fuser %s' "
		        "names it",
		        path, path);
		return error;
	}
	if (error == -EACCES || error == -EPERM) {
		cure = "; run this as root, or give yourself that file";
	} else if (error == -ENOENT || error == -ENODEV) {
		cure = "; modprobe vfio_iommu_type1; modprobe " DRIVER;
	}
	complain(why, "%s cannot be opened: %s%s", path, strerror(-error), cure);
	return error;
}

static int set_iommu(
        const struct vfio_interrupt *interrupt, const char *name, struct complaint *why)
{
	const char *cure = "";
	int error;

	if (ioctl(interrupt->container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) == 0) {
		return 0;
	}
	error = -errno;
	if (error == -EPERM) {
		complain(why,
		        "the IOMMU of %s does not remap interrupts, so " DRIVER " refuses it: %s; "
		        "launch the guest with -device intel-iommu,intremap=on (KVM: and -machine "
		        "kernel-irqchip=split)",
		        name, strerror(-error));
		return error;
	}
	if (error == -ENODEV) {
		cure = "; modprobe vfio_iommu_type1";
	}
	complain(why, "the IOMMU of %s cannot be used: %s%s", name, strerror(-error), cure);
	return error;
}

static int join_container(const struct vfio_interrupt *interrupt, const char *name,
        const char *number, struct complaint *why)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int error;

	if (ioctl(interrupt->group, VFIO_GROUP_GET_STATUS, &status) != 0) {
		error = -errno;
		complain(why, "IOMMU group %s of %s has no status: %s", number, name,
		        strerror(-error));
		return error;
	}
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		complain(why,
		        "IOMMU group %s of %s has other devices that are not bound to " DRIVER
		        "; give the device a slot of its own on the root bus (addr=0x10)",
		        number, name);
		return -EBUSY;
	}
	if (ioctl(interrupt->group, VFIO_GROUP_SET_CONTAINER, &interrupt->container) != 0) {
		error = -errno;
		complain(why, "IOMMU group %s of %s cannot be used: %s", number, name,
		        strerror(-error));
		return error;
	}
	return set_iommu(interrupt, name, why);
}

/* vfio switches both off when it opens a device: no interrupt leaves it without being master. */
static int enable_interrupts(int device)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command;
	off_t at;

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) != 0) {
		return -errno;
	}
	at = (off_t)config.offset + PCI_COMMAND;
	if (pread(device, &command, sizeof(command), at) != sizeof(command)) {
		return -EIO;
	}
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	return pwrite(device, &command, sizeof(command), at) == sizeof(command) ? 0 : -EIO;
}

static int route_interrupt(const struct vfio_interrupt *interrupt)
{
	union {
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} irqs = {
		.set = {
			.argsz = sizeof(irqs.room),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
	};
	int32_t fd = interrupt->fd;

	memcpy(irqs.room + offsetof(struct vfio_irq_set, data), &fd, sizeof(fd));
	return ioctl(interrupt->device, VFIO_DEVICE_SET_IRQS, &irqs.set) == 0 ? 0 : -errno;
}

static int open_device(struct vfio_interrupt *interrupt, const char *name, struct complaint *why)
{
	int error;

	interrupt->device = ioctl(interrupt->group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (interrupt->device < 0) {
		error = -errno;
		complain(why, "vfio does not give %s: %s", name, strerror(-error));
		return error;
	}
	interrupt->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (interrupt->fd < 0) {
		error = -errno;
		complain(why, "no eventfd for %s: %s", name, strerror(-error));
		return error;
	}
	error = route_interrupt(interrupt);
	if (!error) {
		error = enable_interrupts(interrupt->device);
	}
	if (error) {
		complain(why, "the interrupts of %s cannot be switched on: %s", name,
		        strerror(-error));
	}
	return error;
}

int vfio_interrupt_open(struct vfio_interrupt *interrupt, const char *root, const char *name,
        const char *vfio, struct complaint *why)
{
	char number[WORD_SIZE];
	int error;

	*interrupt = (struct vfio_interrupt) { -1, -1, -1, -1 };
	error = find_group(root, name, number, why);
	if (!error) {
		error = check_driver(root, name, why);
	}
	if (error) {
		return error;
	}
	interrupt->container = open_file(vfio, "vfio", why);
	if (interrupt->container < 0) {
		error = interrupt->container;
		goto out;
	}
	interrupt->group = open_file(vfio, number, why);
	if (interrupt->group < 0) {
		error = interrupt->group;
		goto out;
	}
	error = join_container(interrupt, name, number, why);
	if (!error) {
		error = open_device(interrupt, name, why);
	}
out:
	if (error) {
		vfio_interrupt_close(interrupt);
	}
	return error;
}

void vfio_interrupt_close(struct vfio_interrupt *interrupt)
{
	/* The device first: its interrupt is off before the eventfd is gone. */
	const int held[] = { interrupt->device, interrupt->group, interrupt->container,
		interrupt->fd };

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		if (held[i] >= 0) {
			close(held[i]);
		}
	}
	*interrupt = (struct vfio_interrupt) { -1, -1, -1, -1 };
}
