/* SPDX-License-Identifier: MIT */
/*
 * A hostile ivshmem server against the host's client (H3): scripts of right and wrong messages, cut
 * anywhere, with missing, wrong and too many descriptors. Whatever comes, the client ends in time
 * with nothing left open, or with a table in which everything is as it says.
 *
 * ORIEL_FUZZ_CASES: how many scripts (default 20000); ORIEL_FUZZ_SEED: which
 */
#include "ivshmem_client.h"
#include "wire.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DEFAULT_CASES 20000u
#define MESSAGES_MAX  200u /* the kernel holds some 270 */
#define QUICK_NS      (2 * NS_PER_MS)

enum kind {
	KIND_BELL,
	KIND_MEMORY,
	KIND_PIPE,
	KIND_NULL,
	KIND_SOCKET,
	KINDS,
};

struct fuzz {
	uint64_t random;
	int fds[KINDS];
	unsigned ids; /* how many different ones a script uses: few fill a peer, many the table */
	unsigned greeted;
	unsigned refused;
};

static uint64_t next_random(struct fuzz *fuzz)
{
	fuzz->random ^= fuzz->random << 13;
	fuzz->random ^= fuzz->random >> 7;
	fuzz->random ^= fuzz->random << 17;
	return fuzz->random;
}

static unsigned below(struct fuzz *fuzz, unsigned end)
{
	return (unsigned)(next_random(fuzz) >> 32) % end;
}

static bool one_in(struct fuzz *fuzz, unsigned chances)
{
	return below(fuzz, chances) == 0;
}

/* Bytes that are not whole any more are the last of a script. */
static bool send_message(struct fuzz *fuzz, int server, int64_t number, int kind)
{
	uint64_t bytes = (uint64_t)number;
	int fds[4];
	size_t size = sizeof(bytes);
	size_t count = kind < 0 ? 0 : 1;

	if (one_in(fuzz, 100)) {
		kind = (int)below(fuzz, KINDS);
		count = below(fuzz, 4);
	}
	if (one_in(fuzz, 400)) {
		size = 1 + below(fuzz, sizeof(bytes) - 1);
	}
	for (size_t i = 0; i < count; i++) {
		fds[i] = fuzz->fds[kind];
	}
	if (size == sizeof(bytes) && one_in(fuzz, 20)) {
		size_t first = 1 + below(fuzz, sizeof(bytes) - 1);

		send_raw(server, &bytes, first, fds, count);
		send_raw(server, (uint8_t *)&bytes + first, sizeof(bytes) - first, NULL, 0);
	} else {
		send_raw(server, &bytes, size, fds, count);
	}
	return size == sizeof(bytes);
}

static int64_t odd_number(struct fuzz *fuzz)
{
	static const int64_t odd[] = { 0, 1, -1, -2, 65534, 65535, 65536, INT32_MAX, INT32_MIN,
		INT64_MAX, INT64_MIN, (int64_t)1 << 32, ((int64_t)1 << 32) | 5 };

	return one_in(fuzz, 3) ? (int64_t)next_random(fuzz)
	                       : odd[below(fuzz, sizeof(odd) / sizeof(odd[0]))];
}

/* What a server may say once it has greeted, and now and then what it may not. */
static bool send_news(struct fuzz *fuzz, int server, int64_t own)
{
	switch (below(fuzz, 100)) {
	case 0:
		return send_message(fuzz, server, odd_number(fuzz), -1);
	case 1:
		return send_message(fuzz, server, odd_number(fuzz), (int)below(fuzz, KINDS));
	case 2:
		return send_message(fuzz, server, own, KIND_BELL);
	default:
		break;
	}
	if (one_in(fuzz, fuzz->ids > 20 ? 40 : 4)) {
		int64_t id = below(fuzz, fuzz->ids);

		return id == own || send_message(fuzz, server, id, -1);
	}
	return send_message(fuzz, server, below(fuzz, fuzz->ids), KIND_BELL);
}

static bool send_greeting(struct fuzz *fuzz, int server, int64_t own)
{
	bool good = !one_in(fuzz, 20);

	if (!send_message(fuzz, server, good ? 0 : odd_number(fuzz), -1)) {
		return false;
	}
	if (!one_in(fuzz, 20) && !send_message(fuzz, server, own, one_in(fuzz, 30) ? 0 : -1)) {
		return false;
	}
	if (!one_in(fuzz, 20) &&
	        !send_message(fuzz, server, -1, one_in(fuzz, 20) ? -1 : KIND_MEMORY)) {
		return false;
	}
	return one_in(fuzz, 20) || send_message(fuzz, server, own, KIND_BELL);
}

static void send_much(struct fuzz *fuzz, int server, int64_t own)
{
	for (unsigned left = below(fuzz, MESSAGES_MAX); left > 0; left--) {
		if (!send_news(fuzz, server, own)) {
			return;
		}
	}
}

static void assert_eventfds(const struct ivshmem_peer *peer)
{
	char path[32];
	char name[64] = "";

	assert_in_range(peer->id, 0, IVSHMEM_ID_MAX);
	assert_in_range(peer->vectors, 1, IVSHMEM_VECTORS_MAX);
	for (unsigned i = 0; i < peer->vectors; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", peer->fds[i]);
		assert_true(readlink(path, name, sizeof(name) - 1) > 0);
		assert_string_equal(name, "anon_inode:[eventfd]");
		assert_true(fcntl(peer->fds[i], F_GETFL) & O_NONBLOCK);
	}
}

static void assert_sound(const struct ivshmem_client *client)
{
	assert_in_range(client->peer_count, 0, IVSHMEM_PEERS_MAX);
	assert_int_equal(client->own.id, client->id);
	assert_eventfds(&client->own);
	for (unsigned i = 0; i < client->peer_count; i++) {
		const struct ivshmem_peer *peer = &client->peers[i];

		assert_eventfds(peer);
		assert_int_not_equal(peer->id, client->id);
		assert_int_equal(ivshmem_client_ring(client, peer->id, peer->vectors - 1), 0);
		assert_int_equal(ivshmem_client_ring(client, peer->id, peer->vectors), -ENOENT);
		for (unsigned j = 0; j < i; j++) {
			assert_int_not_equal(peer->id, client->peers[j].id);
		}
	}
}

static void follow(struct fuzz *fuzz, struct ivshmem_client *client, struct wire *wire, int64_t own)
{
	struct complaint why = { "" };
	int result = 0;

	send_much(fuzz, wire->server, own);
	close(wire->server);
	wire->server = -1;
	while (client->socket >= 0) {
		result = ivshmem_client_turn(client, &why);
		assert_sound(client);
	}
	assert_true(result == -EPIPE || result == -EPROTO);
	assert_true(why.text[0] != '\0');
}

static void run_case(struct fuzz *fuzz)
{
	static const unsigned ids[] = { 3, 20, 20, 1000 };
	struct complaint why = { "" };
	struct ivshmem_client client;
	int64_t own = below(fuzz, 20);
	bool stays = one_in(fuzz, 20);
	struct wire wire;
	int memory = -1;
	int error;

	fuzz->ids = ids[below(fuzz, sizeof(ids) / sizeof(ids[0]))];
	wire_open(&wire);
	if (send_greeting(fuzz, wire.server, own) && !stays) {
		send_much(fuzz, wire.server, own);
	}
	if (!stays) {
		close(wire.server);
	}
	error = ivshmem_client_greet(&client, wire.client, QUICK_NS, &memory, &why);
	if (error) {
		assert_true(error == -EPROTO || error == -EPIPE || error == -ETIMEDOUT ||
		            error == -EUSERS);
		assert_true(why.text[0] != '\0');
		assert_int_equal(client.socket, -1);
		assert_int_equal(memory, -1);
		fuzz->refused++;
	} else {
		assert_true(memory >= 0);
		close(memory);
		assert_sound(&client);
		fuzz->greeted++;
		if (stays) {
			follow(fuzz, &client, &wire, own);
		}
	}
	if (stays && wire.server >= 0) {
		close(wire.server);
	}
	ivshmem_client_finish(&client);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void nothing_that_a_server_says_hurts(void **state)
{
	uint64_t cases = from_environment("ORIEL_FUZZ_CASES", DEFAULT_CASES);
	struct fuzz fuzz = { .random = from_environment("ORIEL_FUZZ_SEED", 88172645463325252) };
	unsigned before;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fuzz.fds[KIND_BELL] = eventfd(0, EFD_CLOEXEC);
	fuzz.fds[KIND_MEMORY] = memfd_create("test", MFD_CLOEXEC);
	fuzz.fds[KIND_PIPE] = ends[1];
	fuzz.fds[KIND_NULL] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	fuzz.fds[KIND_SOCKET] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	before = open_fds();
	for (uint64_t i = 0; i < cases; i++) {
		uint64_t seed = fuzz.random;

		run_case(&fuzz);
		if (open_fds() != before) {
			fail_msg("descriptors were left open by seed %#llx",
			        (unsigned long long)seed);
		}
	}
	print_message("%u greetings taken, %u refused\n", fuzz.greeted, fuzz.refused);
	/* Both kinds, or the scripts prove little. */
	assert_true(fuzz.greeted > cases / 10 && fuzz.refused > cases / 10);
	for (unsigned i = 0; i < KINDS; i++) {
		close(fuzz.fds[i]);
	}
	close(ends[0]);
}

static void greet_well(struct wire *wire)
{
	int bell = eventfd(0, EFD_CLOEXEC);
	int memory = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(ivshmem_send(wire->server, IVSHMEM_VERSION, -1), 0);
	assert_int_equal(ivshmem_send(wire->server, 3, -1), 0);
	assert_int_equal(ivshmem_send(wire->server, IVSHMEM_MEMORY, memory), 0);
	assert_int_equal(ivshmem_send(wire->server, 3, bell), 0);
	close(memory);
	close(bell);
}

static void a_flood_ends_the_connection(void **state)
{
	struct complaint why = { "" };
	struct ivshmem_client client;
	unsigned messages = 0;
	struct wire wire;
	int result = 0;
	int memory;

	(void)state;
	wire_open(&wire);
	greet_well(&wire);
	assert_int_equal(ivshmem_client_greet(&client, wire.client, NS_PER_S, &memory, &why), 0);
	close(memory);
	/* A slow machine may need a second and more for so many: then there is no flood. */
	while (result >= 0 && messages < 10 * IVSHMEM_FLOOD) {
		while (messages % 128 != 127 && ivshmem_send(wire.server, 7, -1) == 0) {
			messages++;
		}
		messages++;
		result = ivshmem_client_turn(&client, &why);
	}
	assert_int_equal(result, -EPROTO);
	assert_non_null(strstr(why.text, "floods"));
	assert_sound(&client);
	ivshmem_client_finish(&client);
	close(wire.server);
}

/* A turn ends although there is always more to take. */
static void a_turn_is_bounded(void **state)
{
	struct complaint why = { "" };
	struct ivshmem_client client;
	unsigned sent = 0;
	struct wire wire;
	int left = 0;
	int room = 1 << 20;
	int memory;

	(void)state;
	wire_open(&wire);
	assert_int_equal(setsockopt(wire.server, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	greet_well(&wire);
	assert_int_equal(ivshmem_client_greet(&client, wire.client, NS_PER_S, &memory, &why), 0);
	close(memory);
	while (sent < 5000 && ivshmem_send(wire.server, 7, -1) == 0) {
		sent++;
	}
	assert_true(sent > 300);
	assert_int_equal(ivshmem_client_turn(&client, &why), 0);
	while (client.socket >= 0 && client.messages < sent + 4) {
		assert_int_equal(ivshmem_client_turn(&client, &why), 0);
		left++;
	}
	assert_true(left >= 1);
	ivshmem_client_finish(&client);
	close(wire.server);
}

static void a_greeting_without_end_ends_in_time(void **state)
{
	struct complaint why = { "" };
	struct ivshmem_client client;
	struct wire wire;
	uint64_t start_ns = clock_now_ns();
	int memory;
	pid_t child;
	int error;

	(void)state;
	wire_open(&wire);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const int64_t head[] = { 0, 3 };
		const int64_t leave = 9;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(wire.server, head, sizeof(head));
		for (;;) {
			(void)!write(wire.server, &leave, sizeof(leave));
		}
	}
	error = ivshmem_client_greet(&client, wire.client, 300 * NS_PER_MS, &memory, &why);
	assert_true(error == -ETIMEDOUT || error == -EPROTO);
	assert_true(clock_elapsed_ns(start_ns, clock_now_ns()) < 10 * NS_PER_S);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(wire.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_a_server_says_hurts),
		cmocka_unit_test(a_flood_ends_the_connection),
		cmocka_unit_test(a_turn_is_bounded),
		cmocka_unit_test(a_greeting_without_end_ends_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
