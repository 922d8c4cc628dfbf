/* SPDX-License-Identifier: MIT */
/*
 * What can be told about a device's interrupt without a device: each thing that is missing has its
 * error and its cure. tests/vm/test_guest_doorbell.py has a device.
 */
#include "vfio_interrupt.h"
#include "pci_tree.h"

#define DEVICE   "0000:00:10.0"
#define GROUP    "12"
#define TOO_LONG "../iommu_groups/0123456789012345678901234567890123456789012345678901234567890123"

/* A tree with the device, bound to nothing, and a folder "vfio" beside it. */
static int set_up(void **state)
{
	const struct tree *tree;
	char path[128];

	assert_int_equal(tree_set_up(state), 0);
	tree = *state;
	put_device(tree, DEVICE, "0x1af4\n", "0x1110\n");
	snprintf(path, sizeof(path), "%s/vfio", tree->root);
	return mkdir(path, 0700);
}

static void refuse(const struct tree *tree, int error, const char *words)
{
	struct complaint why = { "" };
	struct vfio_interrupt interrupt;
	char vfio[128];

	snprintf(vfio, sizeof(vfio), "%s/vfio", tree->root);
	assert_int_equal(vfio_interrupt_open(&interrupt, tree->root, DEVICE, vfio, &why), error);
	assert_says(&why, words);
	assert_null(strchr(why.text, '\n'));
	assert_int_equal(interrupt.fd, -1);
	vfio_interrupt_close(&interrupt);
}

static void remove_link(const struct tree *tree, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" DEVICE "/%s", tree->root, name);
	assert_int_equal(unlink(path), 0);
}

static void an_iommu_is_needed(void **state)
{
	refuse(*state, -ENODEV, DEVICE " is behind no IOMMU, which vfio-pci needs; launch");
	put_link(*state, DEVICE, "driver", "../../../bus/pci/drivers/vfio-pci");
	refuse(*state, -ENODEV, "-device intel-iommu,intremap=on and boot it with intel_iommu=on");
}

static void vfio_pci_is_needed(void **state)
{
	put_link(*state, DEVICE, "iommu_group", "../../../kernel/iommu_groups/" GROUP);
	refuse(*state, -ENODEV,
	        "is not bound to vfio-pci; as root: modprobe vfio-pci; echo vfio-pci > ");
	refuse(*state, -ENODEV, "; echo " DEVICE " > /sys/bus/pci/drivers_probe");
	put_link(*state, DEVICE, "driver", "../../../bus/pci/drivers/uio_pci_generic");
	refuse(*state, -ENODEV, "bound to uio_pci_generic, not to vfio-pci; as root: modprobe");
	refuse(*state, -ENODEV, DEVICE "/driver/unbind; echo " DEVICE " > /sys/bus/pci/drivers_");
	remove_link(*state, "driver");
	/* Not that of another bus. */
	put_link(*state, DEVICE, "driver", "../../../bus/platform/drivers/vfio-platform");
	refuse(*state, -ENODEV, "bound to vfio-platform");
}

static void odd_links_are_refused(void **state)
{
	static const char *const groups[] = { "../groups/1x", "..", "../iommu_groups/", "12/..",
		"-1", TOO_LONG };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		put_link(*state, DEVICE, "iommu_group", groups[i]);
		refuse(*state, -EINVAL, DEVICE "/iommu_group cannot be read");
		remove_link(*state, "iommu_group");
	}
	put_attribute(*state, DEVICE, "iommu_group", "12\n");
	refuse(*state, -EINVAL, "iommu_group cannot be read");
	remove_link(*state, "iommu_group");
	put_link(*state, DEVICE, "iommu_group", "../" GROUP);
	put_attribute(*state, DEVICE, "driver", "vfio-pci\n");
	refuse(*state, -EINVAL, DEVICE "/driver cannot be read");
}

static void a_control_character_stays_one_line(void **state)
{
	put_link(*state, DEVICE, "iommu_group", "../" GROUP);
	put_link(*state, DEVICE, "driver", "../evil\n\033[2J");
	refuse(*state, -ENODEV, "bound to evil??[2J");
}

static void both_files_are_needed(void **state)
{
	const struct tree *tree = *state;
	char path[128];

	put_link(tree, DEVICE, "iommu_group", "../" GROUP);
	put_link(tree, DEVICE, "driver", "../vfio-pci");
	refuse(tree, -ENOENT, "vfio/vfio cannot be opened: No such file or directory; modprobe");
	put_attribute(tree, "vfio", "vfio", "");
	refuse(tree, -ENOENT, "vfio/" GROUP " cannot be opened: No such file or directory; mod");
	put_attribute(tree, "vfio", GROUP, "");
	/* A file, and no device. */
	refuse(tree, -ENOTTY, "IOMMU group " GROUP " of " DEVICE " has no status");
	if (geteuid() != 0) {
		snprintf(path, sizeof(path), "%s/vfio/" GROUP, tree->root);
		assert_int_equal(chmod(path, 0), 0);
		refuse(tree, -EACCES, "run this as root");
	}
}

/* Each refusal closes what it had opened. */
static void nothing_stays_open(void **state)
{
	int before = dup(0);

	assert_true(before >= 0);
	close(before);
	both_files_are_needed(state);
	assert_int_equal(dup(0), before);
	close(before);
}

static void long_paths_are_refused(void **state)
{
	struct complaint why = { "" };
	struct vfio_interrupt interrupt;
	char root[1024];

	memset(root, 'x', sizeof(root));
	root[sizeof(root) - 1] = '\0';
	assert_int_equal(
	        vfio_interrupt_open(&interrupt, root, DEVICE, "/dev/vfio", &why), -ENAMETOOLONG);
	put_link(*state, DEVICE, "iommu_group", "../" GROUP);
	put_link(*state, DEVICE, "driver", "../vfio-pci");
	assert_int_equal(
	        vfio_interrupt_open(&interrupt, ((struct tree *)*state)->root, DEVICE, root, &why),
	        -ENAMETOOLONG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tree_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_iommu_is_needed),
		TEST(vfio_pci_is_needed),
		TEST(odd_links_are_refused),
		TEST(a_control_character_stays_one_line),
		TEST(both_files_are_needed),
		TEST(nothing_stays_open),
		TEST(long_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
