/* SPDX-License-Identifier: MIT */
/*
 * What an open region does: parts, locks, truncation under the mapping (G3), replacement.
 */
#include "region.h"
#include "bus_guard.h"
#include "place.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void addresses_have_a_length(void **state)
{
	char address[REGION_ADDRESS_SIZE + 1];
	struct complaint why = { "" };
	struct region region;

	(void)state;
	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	assert_int_equal(region_open(&region, address, REGION_READ, NULL, &why), -EINVAL);
	assert_int_equal(region_open(&region, "", REGION_READ, NULL, &why), -EINVAL);
	assert_int_equal(region_open(&region, "pci:10.0", REGION_READ, NULL, &why), -EINVAL);
	assert_int_equal(region_create(address, MIB, &why), -EINVAL);
	assert_int_equal(region_create("pci:auto", MIB, &why), -EINVAL);
}

static void truncation_is_survived(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };

	for (size_t i = 0; i < 300; i++) {
		/* Before, inside and behind the looked-at byte. */
		off_t end = (off_t)(i * MIB / 300);
		bool writing = i % 2;
		struct region region;
		const uint8_t *bytes;

		make_file(place, (off_t)MIB);
		assert_int_equal(region_open(&region, place->path,
		                         writing ? REGION_WRITE : REGION_READ, NULL, &why),
		        0);
		assert_false(region_was_lost(&region));
		assert_int_equal(truncate(place->path, end), 0);
		if (writing) {
			memset(region.bytes, 1, region.size);
		} else {
			assert_int_equal(((volatile uint8_t *)region.bytes)[MIB / 2], 0);
		}
		assert_int_equal(
		        region_was_lost(&region), end <= (off_t)(writing ? MIB - 4096 : MIB / 2));
		bytes = region.bytes;
		region_close(&region);
		/* A closed region watches nothing any more. */
		assert_false(bus_guard_was_hit(bytes));
		assert_int_equal(unlink(place->path), 0);
	}
}

static void a_lost_part_loses_the_region(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct region region;
	struct span part;

	make_file(place, (off_t)MIB);
	assert_int_equal(region_open(&region, place->path, REGION_READ, NULL, &why), 0);
	assert_int_equal(region_map_writable(&region, MIB - 4096, 4096, &part), 0);
	assert_int_equal(truncate(place->path, 0), 0);
	((volatile uint8_t *)part.bytes)[0] = 1;
	assert_true(region_was_lost(&region));
	region_close(&region);
}

static void parts_are_written_and_bounded(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct region region;
	struct span part;

	make_file(place, (off_t)MIB);
	assert_int_equal(region_open(&region, place->path, REGION_READ, NULL, &why), 0);
	assert_int_equal(region_map_writable(&region, 0, 0, &part), -EINVAL);
	assert_int_equal(region_map_writable(&region, 1, 4096, &part), -EINVAL);
	assert_int_equal(region_map_writable(&region, 0, MIB + 1, &part), -EINVAL);
	assert_int_equal(region_map_writable(&region, MIB, 1, &part), -EINVAL);
	assert_int_equal(region_map_writable(&region, 4096, SIZE_MAX - 100, &part), -EINVAL);
	assert_int_equal(region_map_writable(&region, UINT64_MAX - 4095, 8192, &part), -EINVAL);
	for (unsigned i = 0; i < REGION_PARTS_MAX; i++) {
		assert_int_equal(region_map_writable(&region, 8192, 4096, &part), 0);
		assert_true(part.size == 4096);
		part.bytes[i] = (uint8_t)(i + 1);
		assert_int_equal(region.bytes[8192 + i], i + 1);
	}
	assert_int_equal(region_map_writable(&region, 8192, 4096, &part), -ENOSPC);
	region_close(&region);
	assert_int_equal(region_open(&region, place->path, REGION_WRITE, NULL, &why), 0);
	assert_int_equal(region.bytes[8192], 1);
	region_close(&region);
	region_close(&region);
	region_close(NULL);
}

static void write_below(const struct place *place)
{
	struct complaint why;
	struct region region;

	if (region_open(&region, place->path, REGION_READ, NULL, &why) == 0) {
		*(volatile uint8_t *)region.bytes = 1;
	}
	_exit(0);
}

static void a_consumer_cannot_write_by_mistake(void **state)
{
	const struct place *place = *state;
	pid_t child;
	int status;

	make_file(place, (off_t)MIB);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit no_core = { 0, 0 };

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGSEGV, SIG_DFL);
		write_below(place);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void a_lock_is_one_openers(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct region a;
	struct region b;

	make_file(place, (off_t)MIB);
	assert_int_equal(region_open(&a, place->path, REGION_READ, NULL, &why), 0);
	assert_int_equal(region_open(&b, place->path, REGION_READ, NULL, &why), 0);
	assert_int_equal(region_lock(&a, 10, 1), 0);
	assert_int_equal(region_lock(&a, 10, 1), 0);
	assert_int_equal(region_lock(&b, 10, 1), -EAGAIN);
	assert_int_equal(region_lock(&b, 11, 1), 0);
	region_unlock(&a, 10, 1);
	assert_int_equal(region_lock(&b, 10, 1), 0);
	region_close(&b);
	assert_int_equal(region_lock(&a, 10, 2), 0);
	region_close(&a);
}

static void a_new_file_of_the_same_name_shows(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct region region;

	make_file(place, (off_t)MIB);
	assert_int_equal(region_open(&region, place->path, REGION_READ, NULL, &why), 0);
	assert_false(region_was_replaced(&region));
	assert_int_equal(unlink(place->path), 0);
	assert_true(region_was_replaced(&region));
	make_file(place, (off_t)MIB);
	assert_true(region_was_replaced(&region));
	region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(addresses_have_a_length),
		TEST(truncation_is_survived),
		TEST(a_lost_part_loses_the_region),
		TEST(parts_are_written_and_bounded),
		TEST(a_consumer_cannot_write_by_mistake),
		TEST(a_lock_is_one_openers),
		TEST(a_new_file_of_the_same_name_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
