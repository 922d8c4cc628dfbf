/* SPDX-License-Identifier: MIT */
/*
 * Messages of the ivshmem protocol (H3): whole, in parts, with too many or lost descriptors; and
 * none of these leaves a descriptor open.
 */
#include "wire.h"

#include <sys/resource.h>

static const uint8_t seven[IVSHMEM_MESSAGE_BYTES] = { 7 };

static int set_up(void **state)
{
	static struct wire wire;

	wire_open(&wire);
	*state = &wire;
	return 0;
}

static int tear_down(void **state)
{
	struct wire *wire = *state;

	wire_leave(wire);
	close(wire->server);
	return 0;
}

static void a_number_is_eight_bytes_little_endian(void **state)
{
	const uint8_t expected[] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x01, 0,
		0, 0, 0, 0, 0 };
	struct wire *wire = *state;
	uint8_t bytes[32];

	assert_int_equal(ivshmem_send(wire->server, -2, -1), 0);
	assert_int_equal(ivshmem_send(wire->server, 0x102, -1), 0);
	assert_int_equal(recv(wire->client, bytes, sizeof(bytes), 0), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void numbers_and_descriptors_arrive(void **state)
{
	struct wire *wire = *state;
	int bell = eventfd(3, EFD_CLOEXEC);
	unsigned before = open_fds();
	uint64_t count = 0;
	int64_t number;
	int fd;

	assert_int_equal(ivshmem_send(wire->server, 1, -1), 0);
	assert_int_equal(ivshmem_send(wire->server, INT64_MIN, bell), 0);
	assert_int_equal(ivshmem_send(wire->server, -1, -1), 0);
	assert_comes(wire, 1, false);
	assert_int_equal(ivshmem_receive(wire->client, &wire->inbox, &number, &fd), 1);
	assert_true(number == INT64_MIN);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 3);
	close(fd);
	assert_comes(wire, -1, false);
	assert_silence(wire);
	assert_int_equal(open_fds(), before);
	close(bell);
}

static void a_message_may_come_in_parts(void **state)
{
	struct wire *wire = *state;
	int bell = eventfd(0, EFD_CLOEXEC);
	unsigned before = open_fds();

	send_raw(wire->server, seven, 3, &bell, 1);
	assert_silence(wire);
	send_raw(wire->server, seven + 3, 4, NULL, 0);
	assert_silence(wire);
	send_raw(wire->server, seven + 7, 1, NULL, 0);
	assert_comes(wire, 7, true);
	/* One that never becomes whole keeps nothing open. */
	send_raw(wire->server, seven, 3, &bell, 1);
	assert_silence(wire);
	assert_int_equal(open_fds(), before + 1);
	ivshmem_inbox_finish(&wire->inbox);
	assert_int_equal(open_fds(), before);
	close(bell);
}

static void several_descriptors_are_refused_and_closed(void **state)
{
	struct wire *wire = *state;
	int bell = eventfd(0, EFD_CLOEXEC);
	const int bells[] = { bell, bell, bell, bell, bell, bell, bell, bell, bell };
	unsigned before = open_fds();
	int64_t number;
	int fd;

	for (size_t i = 2; i <= sizeof(bells) / sizeof(bells[0]); i++) {
		send_raw(wire->server, seven, sizeof(seven), bells, i);
		assert_int_equal(
		        ivshmem_receive(wire->client, &wire->inbox, &number, &fd), -EPROTO);
		ivshmem_inbox_finish(&wire->inbox);
		assert_int_equal(open_fds(), before);
	}
	/* One with each half is too many as well. */
	send_raw(wire->server, seven, 4, &bell, 1);
	send_raw(wire->server, seven + 4, 4, &bell, 1);
	assert_silence(wire);
	assert_int_equal(ivshmem_receive(wire->client, &wire->inbox, &number, &fd), -EPROTO);
	ivshmem_inbox_finish(&wire->inbox);
	assert_int_equal(open_fds(), before);
	close(bell);
}

static void a_lost_descriptor_is_no_leave(void **state)
{
	struct wire *wire = *state;
	int bell = eventfd(0, EFD_CLOEXEC);
	struct rlimit limit;
	struct rlimit none;
	int64_t number;
	int fd;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = (rlim_t)bell + 1;
	assert_int_equal(ivshmem_send(wire->server, 7, bell), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ivshmem_receive(wire->client, &wire->inbox, &number, &fd), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close(bell);
}

static void the_end_is_seen(void **state)
{
	struct wire *wire = *state;

	send_raw(wire->server, seven, 5, NULL, 0);
	assert_int_equal(shutdown(wire->server, SHUT_WR), 0);
	assert_silence(wire);
	assert_end(wire);
	assert_end(wire);
}

static void sending_never_waits_and_never_kills(void **state)
{
	struct wire *wire = *state;
	int sent = 0;
	int error;

	while ((error = ivshmem_send(wire->server, sent, -1)) == 0) {
		sent++;
	}
	assert_int_equal(error, -EAGAIN);
	for (int i = 0; i < sent; i++) {
		assert_comes(wire, i, false);
	}
	assert_silence(wire);
	wire_leave(wire);
	assert_int_equal(ivshmem_send(wire->server, 0, -1), -EPIPE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_number_is_eight_bytes_little_endian),
		TEST(numbers_and_descriptors_arrive),
		TEST(a_message_may_come_in_parts),
		TEST(several_descriptors_are_refused_and_closed),
		TEST(a_lost_descriptor_is_no_leave),
		TEST(the_end_is_seen),
		TEST(sending_never_waits_and_never_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
