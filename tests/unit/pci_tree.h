/* SPDX-License-Identifier: MIT */
/*
 * A folder that looks like /sys/bus/pci/devices. For tests only; every test gets a new one.
 */
#ifndef ORIEL_TEST_PCI_TREE_H
#define ORIEL_TEST_PCI_TREE_H

#include "place.h"

#include <ftw.h>

struct tree {
	char root[64];
};

static inline int tree_set_up(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	snprintf(tree->root, sizeof(tree->root), "/tmp/oriel_pci.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	*state = tree;
	return 0;
}

static inline int remove_one(
        const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline int tree_tear_down(void **state)
{
	struct tree *tree = *state;

	assert_int_equal(nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(tree);
	return 0;
}

static inline void put_attribute(
        const struct tree *tree, const char *device, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", tree->root, device, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static inline void put_device(
        const struct tree *tree, const char *device, const char *vendor, const char *id)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", tree->root, device);
	assert_int_equal(mkdir(path, 0700), 0);
	put_attribute(tree, device, "vendor", vendor);
	put_attribute(tree, device, "device", id);
	put_attribute(tree, device, "enable", "0\n");
}

/* A link of the device, as "driver" is. What it points to need not be there. */
static inline void put_link(
        const struct tree *tree, const char *device, const char *name, const char *target)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/%s", tree->root, device, name);
	assert_int_equal(symlink(target, path), 0);
}

#endif
