/* SPDX-License-Identifier: MIT */
/*
 * server: addresses, against a server of the test's own: what is mapped and how, locks, doorbells,
 * servers that die, are replaced, say nothing or nonsense (H3).
 */
#include "doorbell_backend.h"
#include "place.h"
#include "region.h"
#include "wire.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

#define OWN_ID   5
#define OTHER_ID 9

/* What the test's server says to everybody who comes. */
struct manner {
	int64_t version;
	size_t bytes; /* of the memory; 0: no memory at all */
	bool pipe;    /* instead of memory */
	bool silent;
	bool leaves; /* right after the greeting */
	mode_t mode;
};

static const struct manner good = { .bytes = MIB, .mode = 0700 };

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int make_memory(const struct manner *manner)
{
	int ends[2];
	int fd;

	if (manner->pipe) {
		return pipe(ends) == 0 ? ends[0] : -1;
	}
	fd = memfd_create("test", MFD_CLOEXEC);
	(void)!ftruncate(fd, (off_t)manner->bytes);
	(void)!fchmod(fd, manner->mode);
	return fd;
}

static void greet(int client, const struct manner *manner, int memory, int own, int other)
{
	ivshmem_send(client, manner->version, -1);
	ivshmem_send(client, OWN_ID, -1);
	if (manner->bytes) {
		ivshmem_send(client, IVSHMEM_MEMORY, memory);
	}
	ivshmem_send(client, OTHER_ID, other);
	ivshmem_send(client, OWN_ID, own);
	ivshmem_send(client, OWN_ID, own);
}

/* A process that serves until it is killed; the two eventfds are everybody's. */
static pid_t serve(const char *path, const struct manner *manner, int own, int other)
{
	int listener = listen_at(path);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		int memory = make_memory(manner);

		/* Should the test fail. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int client = accept(listener, NULL, NULL);

			if (!manner->silent) {
				greet(client, manner, memory, own, other);
			}
			if (manner->leaves) {
				close(client);
			}
		}
	}
	close(listener);
	return child;
}

static void end(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void address_of(const struct place *place, char address[REGION_ADDRESS_SIZE])
{
	snprintf(address, REGION_ADDRESS_SIZE, "server:%s", place->path);
}

static void wait_for_server(const struct ivshmem_client *client)
{
	struct pollfd readable = { .fd = client->socket, .events = POLLIN };

	assert_int_equal(poll(&readable, 1, 10000), 1);
}

static void peers_ring_each_other_even_without_server(void **state)
{
	const struct place *place = *state;
	int own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int other = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pid_t server = serve(place->path, &good, own, other);
	char address[REGION_ADDRESS_SIZE];
	struct complaint why = { "" };
	struct ivshmem_client *client;
	struct region region;
	uint64_t count = 0;

	address_of(place, address);
	assert_int_equal(region_open(&region, address, REGION_WRITE, NULL, &why), 0);
	assert_true(region.size == MIB);
	assert_string_equal(region.mapping, "server");
	assert_string_equal(region.address, address);
	region.bytes[MIB - 1] = 1;
	client = doorbell_server_client(region.doorbell);
	assert_int_equal(client->id, OWN_ID);
	assert_int_equal(client->own.vectors, 2);
	assert_int_equal(ivshmem_client_fd(client, 2), -1);
	end(server);
	wait_for_server(client);
	assert_int_equal(ivshmem_client_turn(client, &why), -EPIPE);
	assert_int_equal(ivshmem_client_turn(client, &why), 0);
	assert_int_equal(ivshmem_client_ring(client, OTHER_ID, 0), 0);
	assert_int_equal(ivshmem_client_ring(client, OTHER_ID, 1), -ENOENT);
	assert_int_equal(ivshmem_client_ring(client, OTHER_ID + 1, 0), -ENOENT);
	assert_int_equal(read(other, &count, sizeof(count)), sizeof(count));
	assert_int_equal(ivshmem_client_drain(client, 0), 0);
	count = 3;
	assert_int_equal(write(own, &count, sizeof(count)), sizeof(count));
	assert_int_equal(ivshmem_client_drain(client, 0), 3);
	assert_int_equal(ivshmem_client_drain(client, 0), 0);
	assert_int_equal(ivshmem_client_drain(client, 99), 0);
	/* A full counter is a ring as well. */
	count = UINT64_MAX - 1;
	assert_int_equal(write(other, &count, sizeof(count)), sizeof(count));
	assert_int_equal(ivshmem_client_ring(client, OTHER_ID, 0), 0);
	region_close(&region);
	close(own);
	close(other);
}

static void two_openers_lock_against_each_other(void **state)
{
	const struct place *place = *state;
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pid_t server = serve(place->path, &good, bell, bell);
	char address[REGION_ADDRESS_SIZE];
	struct complaint why = { "" };
	struct region a;
	struct region b;
	struct region observer;
	struct span part;

	address_of(place, address);
	assert_int_equal(region_open(&a, address, REGION_READ, NULL, &why), 0);
	assert_int_equal(region_open(&b, address, REGION_READ, NULL, &why), 0);
	assert_int_equal(region_lock(&a, 10, 1), 0);
	assert_int_equal(region_lock(&b, 10, 1), -EAGAIN);
	assert_int_equal(region_map_writable(&a, 4096, 4096, &part), 0);
	part.bytes[0] = 7;
	assert_int_equal(b.bytes[4096], 7);
	assert_int_equal(region_open(&observer, address, REGION_READ_ONLY_FILE, NULL, &why), 0);
	assert_int_equal(fcntl(observer.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(observer.bytes[4096], 7);
	region_close(&observer);
	region_close(&a);
	region_close(&b);
	end(server);
	close(bell);
}

static void another_server_is_noticed(void **state)
{
	const struct place *place = *state;
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pid_t server = serve(place->path, &good, bell, bell);
	char address[REGION_ADDRESS_SIZE];
	struct complaint why = { "" };
	struct region region;

	address_of(place, address);
	assert_int_equal(region_open(&region, address, REGION_READ, NULL, &why), 0);
	assert_false(region_was_replaced(&region));
	end(server);
	/* While nobody serves, what we have is as good as it was. */
	assert_false(region_was_replaced(&region));
	assert_int_equal(unlink(place->path), 0);
	assert_false(region_was_replaced(&region));
	server = serve(place->path, &good, bell, bell);
	assert_true(region_was_replaced(&region));
	region_close(&region);
	end(server);
	close(bell);
}

/* systemd keeps the socket while the server behind it is started anew. */
static void another_server_behind_the_same_socket_is_noticed(void **state)
{
	const struct manner leaving = { .bytes = MIB, .mode = 0700, .leaves = true };
	const struct place *place = *state;
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pid_t server = serve(place->path, &leaving, bell, bell);
	char address[REGION_ADDRESS_SIZE];
	struct complaint why = { "" };
	struct region region;

	address_of(place, address);
	assert_int_equal(region_open(&region, address, REGION_READ, NULL, &why), 0);
	assert_true(region_was_replaced(&region));
	region_close(&region);
	end(server);
	close(bell);
}

static void servers_that_are_none_are_refused(void **state)
{
	static const struct {
		struct manner manner;
		int error;
		const char *words;
	} cases[] = {
		{ { .version = 1, .bytes = MIB, .mode = 0700 }, -EPROTO, "version 1" },
		{ { .version = -EUSERS, .bytes = MIB, .mode = 0700 }, -EUSERS, "no room" },
		{ { .bytes = MIB + 4096, .mode = 0700 }, -EINVAL, "power of two" },
		{ { .bytes = 4096, .mode = 0700 }, -EINVAL, "between 1M and 1T" },
		{ { .bytes = MIB, .pipe = true }, -EINVAL, "is no file" },
		{ { .bytes = 0 }, -ETIMEDOUT, "within 1000 ms" },
		{ { .silent = true }, -ETIMEDOUT, "within 1000 ms" },
	};
	const struct place *place = *state;
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char address[REGION_ADDRESS_SIZE];

	address_of(place, address);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t server = serve(place->path, &cases[i].manner, bell, bell);
		unsigned before = open_fds();
		struct complaint why = { "" };
		struct region region;

		assert_int_equal(
		        region_open(&region, address, REGION_READ, NULL, &why), cases[i].error);
		assert_says(&why, cases[i].words);
		assert_null(region.bytes);
		assert_null(region.doorbell);
		assert_int_equal(open_fds(), before);
		end(server);
		assert_int_equal(unlink(place->path), 0);
	}
	close(bell);
}

static void addresses_without_server_say_so(void **state)
{
	const struct place *place = *state;
	char address[REGION_ADDRESS_SIZE];
	struct complaint why = { "" };
	struct region region;

	address_of(place, address);
	assert_int_equal(region_open(&region, address, REGION_READ, NULL, &why), -ENOENT);
	assert_says(&why, "no server listens there");
	close(listen_at(place->path));
	assert_int_equal(region_open(&region, address, REGION_READ, NULL, &why), -ENOENT);
	assert_int_equal(region_open(&region, "server:", REGION_READ, NULL, &why), -EINVAL);
	memset(address + strlen("server:"), 'a', 120);
	address[strlen("server:") + 120] = '\0';
	assert_int_equal(region_open(&region, address, REGION_READ, NULL, &why), -EINVAL);
	assert_int_equal(region_create(address, MIB, &why), -EINVAL);
	assert_says(&why, "--size");
}

/* Somebody whose queue is full is not waited for either. */
static void a_crowd_at_the_door_is_not_waited_for(void **state)
{
	const struct place *place = *state;
	int listener = listen_at(place->path);
	char address[REGION_ADDRESS_SIZE];
	struct complaint why = { "" };
	struct region region;
	int error = 0;

	address_of(place, address);
	assert_int_equal(listen(listener, 0), 0);
	for (int i = 0; i < 3; i++) {
		error = region_open(&region, address, REGION_READ, NULL, &why);
		assert_int_equal(error, -ETIMEDOUT);
	}
	close(listener);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(peers_ring_each_other_even_without_server),
		TEST(two_openers_lock_against_each_other),
		TEST(another_server_is_noticed),
		TEST(another_server_behind_the_same_socket_is_noticed),
		TEST(servers_that_are_none_are_refused),
		TEST(addresses_without_server_say_so),
		TEST(a_crowd_at_the_door_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
