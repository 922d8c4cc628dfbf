/* SPDX-License-Identifier: MIT */
/*
 * The doorbell of a guest's device, in a tree that looks like sysfs: a plain file stands in for its
 * registers.
 */
#include "doorbell_backend.h"
#include "pci_tree.h"

#define DEVICE    "0000:00:10.0"
#define REGISTERS 64u /* u32 */
#define POSITION  2u
#define BELL      3u
#define OUR_PEER  7u

static void put_registers(const struct tree *tree, uint32_t position, size_t count)
{
	uint32_t registers[REGISTERS] = { [POSITION] = position };
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" DEVICE "/resource0", tree->root);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, registers, count * sizeof(uint32_t)), (int)(count * 4));
	close(fd);
}

static uint32_t get_register(const struct tree *tree, unsigned index)
{
	uint32_t value = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" DEVICE "/resource0", tree->root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &value, sizeof(value), (off_t)(index * 4)), 4);
	close(fd);
	return value;
}

static void put_doorbell_device(const struct tree *tree)
{
	put_device(tree, DEVICE, "0x1af4\n", "0x1110\n");
	put_attribute(tree, DEVICE, "resource1", "");
	put_registers(tree, OUR_PEER, REGISTERS);
}

static void refuse(const struct tree *tree, int error, const char *words)
{
	struct doorbell *doorbell = NULL;
	struct complaint why = { "" };

	assert_int_equal(doorbell_pci_open(&doorbell, tree->root, DEVICE, &why), error);
	assert_null(doorbell);
	assert_says(&why, words);
}

/* It opens, can ring, and says why it cannot be rung. */
static struct doorbell *open_deaf(const struct tree *tree, const char *words)
{
	struct doorbell *doorbell = NULL;
	struct complaint why = { "" };

	if (doorbell_pci_open(&doorbell, tree->root, DEVICE, &why) != 0) {
		fail_msg("%s", why.text);
	}
	assert_string_equal(doorbell->ops->name, "pci");
	assert_int_equal(doorbell->fd, -1);
	assert_says(&doorbell->why_deaf, words);
	assert_true(doorbell_drain(doorbell) == 0);
	doorbell_turn(doorbell, clock_now_ns());
	return doorbell;
}

static void a_plain_device_has_none(void **state)
{
	put_device(*state, DEVICE, "0x1af4\n", "0x1110\n");
	put_registers(*state, 0, REGISTERS);
	refuse(*state, -ENOTSUP, DEVICE " has memory, but no doorbell; launch the guest with");
}

static void ringing_writes_the_register(void **state)
{
	const struct tree *tree = *state;
	struct doorbell *doorbell;

	put_doorbell_device(tree);
	doorbell = open_deaf(tree, DEVICE);
	assert_int_equal(doorbell->peer, OUR_PEER);
	assert_int_equal(doorbell->vector, 0);
	assert_int_equal(doorbell_ring(doorbell, 0x1234, 0x0005), 0);
	assert_int_equal(get_register(tree, BELL), 0x12340005);
	assert_int_equal(doorbell_ring(doorbell, 65535, 65535), 0);
	assert_int_equal(get_register(tree, BELL), 0xffffffff);
	assert_int_equal(doorbell_ring(doorbell, 1, 0), 0);
	assert_int_equal(get_register(tree, BELL), 0x00010000);
	assert_int_equal(doorbell_ring(doorbell, 65536, 0), -ENOENT);
	assert_int_equal(doorbell_ring(doorbell, 0, 65536), -ENOENT);
	assert_int_equal(get_register(tree, BELL), 0x00010000);
	assert_true(doorbell->rings == 3);
	assert_int_equal(get_register(tree, POSITION), OUR_PEER);
	doorbell_close(doorbell);
}

static void a_deaf_one_says_why(void **state)
{
	const struct tree *tree = *state;

	put_doorbell_device(tree);
	doorbell_close(open_deaf(tree, "no IOMMU"));
	/* No machine has a group of this number, so /dev/vfio has no such file. */
	put_link(tree, DEVICE, "iommu_group", "../../../kernel/iommu_groups/4000000000");
	doorbell_close(open_deaf(tree, "not bound to vfio-pci"));
	put_link(tree, DEVICE, "driver", "../../../bus/pci/drivers/vfio-pci");
	doorbell_close(open_deaf(tree, "/dev/vfio/"));
}

static void registers_that_cannot_be_are_refused(void **state)
{
	const struct tree *tree = *state;

	put_doorbell_device(tree);
	put_registers(tree, UINT32_MAX, REGISTERS);
	refuse(tree, -EIO, "peer id is 0xffffffff; is its memory switched off?");
	put_registers(tree, 0x10000, REGISTERS);
	refuse(tree, -EIO, "peer id is 0x10000");
	put_registers(tree, OUR_PEER, REGISTERS - 1);
	refuse(tree, -EINVAL, "less than 256 bytes");
	put_registers(tree, OUR_PEER, 0);
	refuse(tree, -EINVAL, "less than 256 bytes");
}

static void a_device_that_is_gone(void **state)
{
	const struct tree *tree = *state;
	char path[128];

	refuse(tree, -ENOTSUP, DEVICE);
	put_doorbell_device(tree);
	snprintf(path, sizeof(path), "%s/" DEVICE "/resource0", tree->root);
	assert_int_equal(unlink(path), 0);
	refuse(tree, -ENOENT, "resource0 cannot be opened");
	assert_int_equal(mkdir(path, 0700), 0);
	refuse(tree, -EISDIR, "resource0 cannot be opened");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_plain_device_has_none),
		TEST(ringing_writes_the_register),
		TEST(a_deaf_one_says_why),
		TEST(registers_that_cannot_be_are_refused),
		TEST(a_device_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
