/* SPDX-License-Identifier: MIT */
/*
 * The server's peers, over socket pairs: greetings, news, ids, and peers that do not behave.
 */
#include "log.h"
#include "peers.h"
#include "wire.h"

#include <fcntl.h>

#define VECTORS 2u
#define NOW     UINT64_C(1000000000)

struct hall {
	struct peers peers;
	struct wire wires[PEERS_MAX + 1];
	unsigned fds;
};

static int set_up(void **state)
{
	static struct hall hall;

	memset(&hall, 0, sizeof(hall));
	for (unsigned i = 0; i < PEERS_MAX + 1; i++) {
		hall.wires[i] = (struct wire) { -1, -1, { .fd = -1 } };
	}
	hall.fds = open_fds();
	peers_init(&hall.peers, VECTORS, memfd_create("test", MFD_CLOEXEC));
	*state = &hall;
	return 0;
}

/* Whatever happened, nothing stays open. */
static int tear_down(void **state)
{
	struct hall *hall = *state;

	for (unsigned i = 0; i < PEERS_MAX + 1; i++) {
		wire_leave(&hall->wires[i]);
	}
	peers_finish(&hall->peers);
	close(hall->peers.memory);
	assert_int_equal(open_fds(), hall->fds);
	return 0;
}

static struct wire *join(struct hall *hall, unsigned index)
{
	struct wire *wire = &hall->wires[index];

	wire_open(wire);
	assert_int_equal(peers_add(&hall->peers, wire->server, NOW), 0);
	peers_settle(&hall->peers, NOW);
	return wire;
}

/* As poll() would: everybody whose socket has something to say. */
static void hear_all(struct hall *hall)
{
	for (struct peer *peer = NULL; (peer = peers_next(&hall->peers, peer));) {
		peers_hear(peer);
	}
	peers_settle(&hall->peers, NOW);
}

static void assert_bells(struct wire *wire, int64_t id)
{
	for (unsigned i = 0; i < VECTORS; i++) {
		assert_comes(wire, id, true);
	}
}

static void assert_greeting(struct wire *wire, int64_t id)
{
	assert_comes(wire, IVSHMEM_VERSION, false);
	assert_comes(wire, id, false);
	assert_comes(wire, IVSHMEM_MEMORY, true);
}

static void everybody_is_introduced_to_everybody(void **state)
{
	struct hall *hall = *state;
	struct wire *first = join(hall, 0);
	struct wire *second;
	struct wire *third;

	assert_greeting(first, 1);
	assert_bells(first, 1);
	assert_silence(first);
	second = join(hall, 1);
	assert_greeting(second, 2);
	assert_bells(second, 1);
	assert_bells(second, 2);
	assert_bells(first, 2);
	third = join(hall, 2);
	assert_greeting(third, 3);
	assert_bells(third, 1);
	assert_bells(third, 2);
	assert_bells(third, 3);
	assert_silence(third);
	assert_bells(first, 3);
	assert_bells(second, 3);
	wire_leave(second);
	hear_all(hall);
	assert_comes(first, 2, false);
	assert_comes(third, 2, false);
	assert_silence(first);
	assert_silence(third);
	assert_int_equal(hall->peers.left, 1);
	assert_int_equal(hall->peers.count, 2);
}

static void a_freed_id_comes_back_last(void **state)
{
	struct hall *hall = *state;

	join(hall, 0);
	for (unsigned id = 2; id <= 70; id++) {
		join(hall, 1);
		assert_non_null(peers_find(&hall->peers, id));
		wire_leave(&hall->wires[1]);
		hear_all(hall);
		assert_null(peers_find(&hall->peers, id));
	}
	hall->peers.next_id = PEERS_ID_LAST;
	join(hall, 1);
	assert_non_null(peers_find(&hall->peers, PEERS_ID_LAST));
	/* Round again: 1 is in use still. */
	join(hall, 2);
	assert_non_null(peers_find(&hall->peers, 2));
	assert_null(peers_find(&hall->peers, 0));
}

static void who_finds_no_room_is_told(void **state)
{
	struct hall *hall = *state;
	struct wire *last = &hall->wires[PEERS_MAX];

	for (unsigned i = 0; i < PEERS_MAX; i++) {
		join(hall, i);
	}
	wire_open(last);
	assert_int_equal(peers_add(&hall->peers, last->server, NOW), -EUSERS);
	/* QEMU ends at a version that it does not know, and hangs at a mere end. */
	assert_comes(last, -EUSERS, false);
	assert_end(last);
	assert_int_equal(hall->peers.refused, 1);
	wire_leave(last);
	wire_leave(&hall->wires[5]);
	hear_all(hall);
	assert_greeting(join(hall, 5), PEERS_MAX + 1);
}

static void who_speaks_is_dropped(void **state)
{
	struct hall *hall = *state;
	struct wire *first = join(hall, 0);
	struct wire *second = join(hall, 1);
	int bell = eventfd(0, EFD_CLOEXEC);
	unsigned before;

	assert_greeting(first, 1);
	assert_bells(first, 1);
	assert_bells(first, 2);
	before = open_fds();
	send_raw(second->client, "garbage", 7, &bell, 1);
	hear_all(hall);
	assert_comes(first, 2, false);
	assert_int_equal(hall->peers.dropped, 1);
	assert_int_equal(hall->peers.left, 0);
	assert_int_equal(open_fds(), before - 1 - VECTORS);
	close(bell);
}

/* Fills the kernel's buffer of the first peer. */
static void fill(struct hall *hall)
{
	struct peer *peer = peers_find(&hall->peers, 1);

	while (ivshmem_send(peer->socket, 99, -1) == 0) {
	}
}

static void read_all(struct wire *wire)
{
	int64_t number;
	int fd;

	while (ivshmem_receive(wire->client, &wire->inbox, &number, &fd) == 1) {
		if (fd >= 0) {
			close(fd);
		}
	}
}

/* Others come and go, read everything, and are never the worse for the one that does not. */
static void who_does_not_read_harms_nobody(void **state)
{
	struct hall *hall = *state;
	const struct peer *silent;
	unsigned most = 0;

	join(hall, 0);
	silent = peers_find(&hall->peers, 1);
	for (unsigned id = 2; id < 3000; id++) {
		struct wire *other = join(hall, 1);

		read_all(other);
		assert_int_equal(peers_find(&hall->peers, id)->outbox.count, 0);
		most = silent->outbox.count > most ? silent->outbox.count : most;
		wire_leave(other);
		hear_all(hall);
	}
	/* The kernel took what it could, and since then one peer at a time was owed. */
	assert_in_range(most, VECTORS, VECTORS + 1);
}

/* Told of everybody, then nothing more: all leave, as many come. */
static void the_most_that_can_be_owed_has_room(void **state)
{
	struct hall *hall = *state;
	struct wire *silent;

	peers_init(&hall->peers, PEERS_VECTORS_MAX, hall->peers.memory);
	silent = join(hall, 0);
	for (unsigned i = 1; i < PEERS_MAX; i++) {
		read_all(join(hall, i));
		read_all(silent);
		hear_all(hall);
	}
	read_all(silent);
	fill(hall);
	for (unsigned i = 1; i < PEERS_MAX; i++) {
		wire_leave(&hall->wires[i]);
		hear_all(hall);
	}
	for (unsigned i = 1; i < PEERS_MAX; i++) {
		read_all(join(hall, i));
	}
	assert_int_equal(hall->peers.count, PEERS_MAX);
	assert_int_equal(peers_find(&hall->peers, 1)->outbox.count,
	        (PEERS_MAX - 1) * (1 + PEERS_VECTORS_MAX));
}

static void patience_ends(void **state)
{
	struct hall *hall = *state;

	join(hall, 0);
	fill(hall);
	join(hall, 1);
	peers_settle(&hall->peers, NOW + PEERS_PATIENCE_NS);
	assert_non_null(peers_find(&hall->peers, 1));
	peers_settle(&hall->peers, NOW + PEERS_PATIENCE_NS + 1);
	assert_null(peers_find(&hall->peers, 1));
	/* Who has nothing to read may stay for ever. */
	assert_non_null(peers_find(&hall->peers, 2));
	peers_settle(&hall->peers, NOW + 100 * PEERS_PATIENCE_NS);
	assert_non_null(peers_find(&hall->peers, 2));
}

static void drain_fill(struct wire *wire)
{
	int64_t number = 0;
	int fd;

	assert_greeting(wire, 1);
	assert_bells(wire, 1);
	while (ivshmem_receive(wire->client, &wire->inbox, &number, &fd) == 1) {
		assert_int_equal(number, 99);
	}
}

static void who_came_and_went_unheard_is_not_told_of(void **state)
{
	struct hall *hall = *state;
	struct wire *first = join(hall, 0);

	fill(hall);
	join(hall, 1);
	wire_leave(&hall->wires[1]);
	hear_all(hall);
	join(hall, 2);
	drain_fill(first);
	peers_settle(&hall->peers, NOW);
	assert_bells(first, 3);
	assert_silence(first);
}

static void who_was_half_told_of_is_told_gone(void **state)
{
	struct hall *hall = *state;
	struct wire *first = join(hall, 0);
	struct peer *peer = peers_find(&hall->peers, 1);

	fill(hall);
	join(hall, 1);
	drain_fill(first);
	/* As if the kernel had had room for one of its vectors. */
	assert_int_equal(peer->outbox.count, VECTORS);
	assert_int_equal(ivshmem_send(peer->socket, 2, hall->peers.memory), 0);
	outbox_drop_first(&peer->outbox);
	wire_leave(&hall->wires[1]);
	hear_all(hall);
	assert_comes(first, 2, true);
	assert_comes(first, 2, false);
	assert_silence(first);
}

static void rings_are_counted_and_never_wait(void **state)
{
	const uint64_t almost_full = UINT64_MAX - 1;
	struct hall *hall = *state;
	struct peer *peer;
	uint64_t count;

	join(hall, 0);
	peer = peers_find(&hall->peers, 1);
	assert_int_equal(peers_ring(&hall->peers, 1, 0), 0);
	assert_int_equal(peers_ring(&hall->peers, 1, 0), 0);
	assert_int_equal(peers_ring(&hall->peers, 1, PEERS_ALL_VECTORS), 0);
	assert_int_equal(peers_ring(&hall->peers, 1, VECTORS), -ERANGE);
	assert_int_equal(peers_ring(&hall->peers, 2, 0), -ENOENT);
	assert_int_equal(peer->rings[0], 3);
	assert_int_equal(peer->rings[1], 1);
	assert_int_equal(read(peer->bells[0], &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 3);
	/* A peer can fill its counter and make the eventfd blocking. */
	assert_int_equal(write(peer->bells[0], &almost_full, 8), 8);
	assert_int_equal(fcntl(peer->bells[0], F_SETFL, 0), 0);
	assert_int_equal(peers_ring(&hall->peers, 1, PEERS_ALL_VECTORS), -EAGAIN);
	assert_int_equal(peer->rings[0], 3);
	assert_int_equal(peer->rings[1], 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everybody_is_introduced_to_everybody),
		TEST(a_freed_id_comes_back_last),
		TEST(who_finds_no_room_is_told),
		TEST(who_speaks_is_dropped),
		TEST(who_does_not_read_harms_nobody),
		TEST(the_most_that_can_be_owed_has_room),
		TEST(patience_ends),
		TEST(who_came_and_went_unheard_is_not_told_of),
		TEST(who_was_half_told_of_is_told_gone),
		TEST(rings_are_counted_and_never_wait),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
