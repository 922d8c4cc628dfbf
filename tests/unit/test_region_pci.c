/* SPDX-License-Identifier: MIT */
/*
 * Finding and mapping ivshmem devices in a tree that looks like sysfs.
 */
#include "region_backend.h"
#include "pci_tree.h"

#define MARK 0x4f /* what a region of ours begins with in this test */

static void put_bar(const struct tree *tree, const char *device, const char *name, off_t size,
        uint8_t first_byte)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", tree->root, device, name);
	fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, &first_byte, 1, 0), 1);
	close(fd);
}

static void put_ivshmem(const struct tree *tree, const char *device, uint8_t first_byte)
{
	put_device(tree, device, "0x1af4\n", "0x1110\n");
	put_bar(tree, device, "resource2_wc", (off_t)MIB, first_byte);
	put_bar(tree, device, "resource2", (off_t)MIB, first_byte);
}

static bool begins_with_mark(const uint8_t *bytes, size_t size)
{
	assert_true(size == MIB);
	return bytes[0] == MARK;
}

static void refuse(const struct tree *tree, const char *device, int error, const char *words)
{
	struct complaint why = { "" };
	struct region region;

	assert_int_equal(
	        region_pci_open(&region, tree->root, device, REGION_READ, begins_with_mark, &why),
	        error);
	assert_null(region.bytes);
	assert_says(&why, words);
}

/* Opens, looks at how and what, closes. */
static void accept(
        const struct tree *tree, const char *device, const char *expected, const char *mapping)
{
	struct complaint why = { "" };
	struct region region;
	char path[128];
	int error =
	        region_pci_open(&region, tree->root, device, REGION_WRITE, begins_with_mark, &why);

	if (error) {
		fail_msg("%s", why.text);
	}
	snprintf(path, sizeof(path), "%s/%s/%s", tree->root, expected, mapping);
	assert_string_equal(region.path, path);
	assert_string_equal(region.mapping, mapping);
	assert_true(region.size == MIB);
	region.bytes[MIB - 1] = 1;
	assert_false(region_was_replaced(&region));
	region_close(&region);
}

static void addresses_are_strict(void **state)
{
	static const char *const cases[] = { "", "10.0", "00:10.0", "0000:00:10.8", "0000:00:20.0",
		"0000:00:10.0 ", " 000:00:10.0", "0000:00:1g.0", "0000-00:10.0", "0000:00:10:0",
		"0000:00:10.00", "Auto", "../../../../etc" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refuse(*state, cases[i], -EINVAL, "no PCI address");
	}
	refuse(*state, "0000:00:1f.7", -ENOENT, "no PCI device 0000:00:1f.7");
}

static void write_combining_comes_first(void **state)
{
	const struct tree *tree = *state;
	char path[128];

	put_ivshmem(tree, "0000:00:10.0", 0);
	accept(tree, "0000:00:10.0", "0000:00:10.0", "resource2_wc");
	accept(tree, "auto", "0000:00:10.0", "resource2_wc");
	snprintf(path, sizeof(path), "%s/0000:00:10.0/resource2_wc", tree->root);
	assert_int_equal(unlink(path), 0);
	accept(tree, "auto", "0000:00:10.0", "resource2");
	snprintf(path, sizeof(path), "%s/0000:00:10.0/resource2", tree->root);
	assert_int_equal(unlink(path), 0);
	refuse(tree, "auto", -ENOENT, "BAR2");
}

static void upper_case_is_as_good(void **state)
{
	const struct tree *tree = *state;

	put_ivshmem(tree, "0000:af:1f.7", 0);
	accept(tree, "0000:AF:1F.7", "0000:af:1f.7", "resource2_wc");
}

static char enable_state(const struct tree *tree, const char *device)
{
	char path[128];
	char text = '?';
	int fd;

	snprintf(path, sizeof(path), "%s/%s/enable", tree->root, device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &text, 1), 1);
	close(fd);
	return text;
}

static void a_device_is_switched_on_once(void **state)
{
	const struct tree *tree = *state;
	char path[128];

	put_ivshmem(tree, "0000:00:10.0", 0);
	accept(tree, "auto", "0000:00:10.0", "resource2_wc");
	assert_int_equal(enable_state(tree, "0000:00:10.0"), '1');
	put_attribute(tree, "0000:00:10.0", "enable", "3\n");
	accept(tree, "auto", "0000:00:10.0", "resource2_wc");
	assert_int_equal(enable_state(tree, "0000:00:10.0"), '3');
	if (geteuid() != 0) {
		put_attribute(tree, "0000:00:10.0", "enable", "0\n");
		snprintf(path, sizeof(path), "%s/0000:00:10.0/enable", tree->root);
		assert_int_equal(chmod(path, 0400), 0);
		refuse(tree, "auto", -EACCES, "root");
	}
}

static void other_devices_are_refused(void **state)
{
	const struct tree *tree = *state;

	put_device(tree, "0000:00:02.0", "0x1af4\n", "0x1050\n");
	put_device(tree, "0000:00:03.0", "0x8086\n", "0x1110\n");
	put_bar(tree, "0000:00:02.0", "resource2", (off_t)MIB, 0);
	put_bar(tree, "0000:00:03.0", "resource2", (off_t)MIB, 0);
	refuse(tree, "0000:00:02.0", -EINVAL, "1af4:1050, not an ivshmem");
	refuse(tree, "0000:00:03.0", -EINVAL, "8086:1110, not an ivshmem");
	refuse(tree, "auto", -ENOENT, "-device ivshmem-plain");
	assert_int_equal(enable_state(tree, "0000:00:02.0"), '0');
}

static void bars_that_cannot_be_are_refused(void **state)
{
	const struct tree *tree = *state;

	put_ivshmem(tree, "0000:00:10.0", 0);
	put_bar(tree, "0000:00:10.0", "resource2_wc", 4096, 0);
	refuse(tree, "auto", -EINVAL, "4K");
	put_bar(tree, "0000:00:10.0", "resource2_wc", 3 * (off_t)MIB, 0);
	refuse(tree, "auto", -EINVAL, "power of two");
}

static void of_several_the_recognised_one_is_taken(void **state)
{
	const struct tree *tree = *state;
	struct complaint why;
	struct region region;

	put_device(tree, "0000:00:01.0", "0x8086\n", "0x7010\n");
	put_ivshmem(tree, "0000:00:10.0", 0);
	put_ivshmem(tree, "0000:00:11.0", MARK);
	put_ivshmem(tree, "0000:00:12.0", 0xff);
	accept(tree, "auto", "0000:00:11.0", "resource2_wc");
	accept(tree, "0000:00:12.0", "0000:00:12.0", "resource2_wc");
	assert_int_equal(
	        region_pci_open(&region, tree->root, "auto", REGION_READ, NULL, &why), -ENOENT);
	assert_says(&why, "3 ivshmem devices");
	put_bar(tree, "0000:00:11.0", "resource2_wc", (off_t)MIB, 0);
	refuse(tree, "auto", -ENOENT, "none holds");
	refuse(tree, "auto", -ENOENT, "pci:0000:00:10.0, pci:0000:00:11.0, pci:0000:00:12.0");
	put_bar(tree, "0000:00:10.0", "resource2_wc", (off_t)MIB, MARK);
	put_bar(tree, "0000:00:12.0", "resource2_wc", (off_t)MIB, MARK);
	refuse(tree, "auto", -EINVAL, "more than one");
}

static void one_of_several_that_cannot_be_opened_is_passed_over(void **state)
{
	const struct tree *tree = *state;

	put_ivshmem(tree, "0000:00:10.0", MARK);
	put_bar(tree, "0000:00:10.0", "resource2_wc", 4096, MARK);
	put_ivshmem(tree, "0000:00:11.0", MARK);
	accept(tree, "auto", "0000:00:11.0", "resource2_wc");
}

static void many_devices_fit_the_list(void **state)
{
	const struct tree *tree = *state;
	char device[16];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(device, sizeof(device), "0000:00:%02x.0", i);
		put_ivshmem(tree, device, 0);
	}
	refuse(tree, "auto", -ENOENT, "pci:0000:00:00.0, pci:0000:00:01.0");
}

static void a_removed_device_shows(void **state)
{
	const struct tree *tree = *state;
	struct complaint why;
	struct region region;
	char from[128];
	char to[128];

	put_ivshmem(tree, "0000:00:10.0", 0);
	assert_int_equal(region_pci_open(&region, tree->root, "auto", REGION_READ, NULL, &why), 0);
	assert_false(region_was_replaced(&region));
	snprintf(from, sizeof(from), "%s/0000:00:10.0", tree->root);
	snprintf(to, sizeof(to), "%s/gone", tree->root);
	assert_int_equal(rename(from, to), 0);
	assert_true(region_was_replaced(&region));
	region_close(&region);
}

static void a_missing_tree_is_a_machine_without_devices(void **state)
{
	const struct tree nowhere = { "/nowhere/at/all" };

	(void)state;
	refuse(&nowhere, "auto", -ENOENT, "no ivshmem device");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(addresses_are_strict),
		TEST(write_combining_comes_first),
		TEST(upper_case_is_as_good),
		TEST(a_device_is_switched_on_once),
		TEST(other_devices_are_refused),
		TEST(bars_that_cannot_be_are_refused),
		TEST(of_several_the_recognised_one_is_taken),
		TEST(one_of_several_that_cannot_be_opened_is_passed_over),
		TEST(many_devices_fit_the_list),
		TEST(a_removed_device_shows),
		cmocka_unit_test(a_missing_tree_is_a_machine_without_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
