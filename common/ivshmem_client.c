/* SPDX-License-Identifier: MIT */
#include "ivshmem_client.h"
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TURN_MESSAGES 256
/* A server writes its greeting without a pause; this much silence behind it is its end. */
#define SILENCE_NS (5 * NS_PER_MS)

static void ivshmem_client_init(struct ivshmem_client *client)
{
	*client = (struct ivshmem_client) { .socket = -1, .id = -1, .memory = -1 };
	ivshmem_inbox_init(&client->inbox);
}

static void close_eventfds(struct ivshmem_peer *peer)
{
	for (unsigned i = 0; i < peer->vectors; i++) {
		close(peer->fds[i]);
	}
	peer->vectors = 0;
}

static void hang_up(struct ivshmem_client *client)
{
	ivshmem_inbox_finish(&client->inbox);
	if (client->socket >= 0) {
		close(client->socket);
		client->socket = -1;
	}
}

void ivshmem_client_finish(struct ivshmem_client *client)
{
	if (!client) {
		return;
	}
	hang_up(client);
	close_eventfds(&client->own);
	for (unsigned i = 0; i < client->peer_count; i++) {
		close_eventfds(&client->peers[i]);
	}
	if (client->memory >= 0) {
		close(client->memory);
	}
	ivshmem_client_init(client);
}

/* Anything else could block us, or be a file that we would write into. */
static bool is_eventfd(int fd)
{
	static const char wanted[] = "anon_inode:[eventfd]";
	char path[32];
	char name[sizeof(wanted)];
	int flags = fcntl(fd, F_GETFL);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, name, sizeof(name)) != (ssize_t)strlen(wanted) ||
	        memcmp(name, wanted, strlen(wanted)) != 0) {
		return false;
	}
	return flags & O_NONBLOCK || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static struct ivshmem_peer *find_peer(const struct ivshmem_client *client, unsigned id)
{
	for (unsigned i = 0; i < client->peer_count; i++) {
		if (client->peers[i].id == id) {
			return (struct ivshmem_peer *)&client->peers[i];
		}
	}
	return NULL;
}

static int take_leave(struct ivshmem_client *client, unsigned id, struct complaint *why)
{
	struct ivshmem_peer *peer = find_peer(client, id);

	if ((int)id == client->id) {
		complain(why, "its server sent no eventfd with our own id %u", id);
		return -EPROTO;
	}
	if (!peer) {
		return 0;
	}
	close_eventfds(peer);
	*peer = client->peers[--client->peer_count];
	return 1;
}

/* Takes over fd on 1 only. */
static int take_join(struct ivshmem_client *client, unsigned id, int fd, struct complaint *why)
{
	struct ivshmem_peer *peer = &client->own;

	if (!is_eventfd(fd)) {
		complain(why, "its server sent something else than an eventfd for peer %u", id);
		return -EPROTO;
	}
	if ((int)id != client->id) {
		peer = find_peer(client, id);
	}
	if (!peer) {
		if (client->peer_count == IVSHMEM_PEERS_MAX) {
			complain(why, "its server has more than %u peers", IVSHMEM_PEERS_MAX);
			return -EPROTO;
		}
		peer = &client->peers[client->peer_count++];
		*peer = (struct ivshmem_peer) { .id = id };
	}
	if (peer->vectors == IVSHMEM_VECTORS_MAX) {
		return 0;
	}
	peer->fds[peer->vectors++] = fd;
	return 1;
}

/* As take_join(). A server that refuses us sends -errno for a version. */
static int take_version(
        struct ivshmem_client *client, int64_t untrusted_number, int fd, struct complaint *why)
{
	if (untrusted_number == -EUSERS) {
		complain(why, "its server has no room for one more peer; end one of them "
		              "('doorbell-server status' lists them)");
		return -EUSERS;
	}
	if (untrusted_number != IVSHMEM_VERSION || fd >= 0) {
		complain(why,
		        "its server speaks version %" PRId64 " of the ivshmem protocol, this "
		        "program version %d; is it an ivshmem server?",
		        untrusted_number, IVSHMEM_VERSION);
		return -EPROTO;
	}
	client->versioned = true;
	return 0;
}

/* As take_join(). */
static int take_memory(struct ivshmem_client *client, int fd, struct complaint *why)
{
	if (fd < 0 || client->own.vectors || client->memory >= 0) {
		complain(why, "its server sent %s",
		        fd < 0 ? "no memory" : "memory where none belongs");
		return -EPROTO;
	}
	client->memory = fd;
	return 1;
}

/* Takes over fd only when it returns 1. returns: 1 news; 0 none; -errno */
static int judge(
        struct ivshmem_client *client, int64_t untrusted_number, int fd, struct complaint *why)
{
	if (!client->versioned) {
		return take_version(client, untrusted_number, fd, why);
	}
	if (untrusted_number < IVSHMEM_MEMORY || untrusted_number > (int64_t)IVSHMEM_ID_MAX) {
		complain(why, "its server sent %" PRId64 ", which is no peer", untrusted_number);
		return -EPROTO;
	}
	if (client->id < 0) {
		if (untrusted_number < 0 || fd >= 0) {
			complain(why, "its server sent us no id");
			return -EPROTO;
		}
		client->id = (int)untrusted_number;
		client->own.id = (unsigned)client->id;
		return 0;
	}
	if (untrusted_number == IVSHMEM_MEMORY) {
		return take_memory(client, fd, why);
	}
	return fd < 0 ? take_leave(client, (unsigned)untrusted_number, why)
	              : take_join(client, (unsigned)untrusted_number, fd, why);
}

static int check_flood(struct ivshmem_client *client, struct complaint *why)
{
	uint64_t now_ns = clock_now_ns();

	if (clock_elapsed_ns(client->second_ns, now_ns) >= NS_PER_S) {
		client->second_ns = now_ns;
		client->messages = 0;
	}
	if (++client->messages > IVSHMEM_FLOOD) {
		complain(
		        why, "its server floods us: more than %u messages a second", IVSHMEM_FLOOD);
		return -EPROTO;
	}
	return 0;
}

/*
 * Takes one message. news counts those that changed something.
 * returns: 1 there may be another; 0 none now; -errno after hanging up
 */
static int take_message(struct ivshmem_client *client, int *news, struct complaint *why)
{
	int64_t untrusted_number;
	int fd;
	int result = ivshmem_receive(client->socket, &client->inbox, &untrusted_number, &fd);

	if (result == 0) {
		return 0;
	}
	if (result > 0) {
		result = check_flood(client, why);
		result = result ? result : judge(client, untrusted_number, fd, why);
		if (result != 1 && fd >= 0) {
			close(fd);
		}
	} else if (result == -EPIPE) {
		complain(why, "its server is gone");
	} else {
		complain(why, "cannot take what its server sends: %s%s", strerror(-result),
		        result == -EMFILE ? "; raise the limit (ulimit -n)" : "");
	}
	if (result < 0) {
		hang_up(client);
		return result;
	}
	*news += result;
	return 1;
}

int ivshmem_client_turn(struct ivshmem_client *client, struct complaint *why)
{
	int news = 0;

	for (int i = 0; i < TURN_MESSAGES && client->socket >= 0; i++) {
		int result = take_message(client, &news, why);

		if (result < 0) {
			return result;
		}
		if (result == 0) {
			break;
		}
	}
	return news;
}

/* Waits until the socket is readable. returns: 1; 0 not by then; -EINTR asked to stop */
static int wait_for_words(int socket, uint64_t end_ns)
{
	for (;;) {
		uint64_t left_ns = clock_elapsed_ns(clock_now_ns(), end_ns);
		struct timespec left = { .tv_sec = (time_t)(left_ns / NS_PER_S),
			.tv_nsec = (long)(left_ns % NS_PER_S) };
		struct pollfd wanted = { .fd = socket, .events = POLLIN };
		int ready = ppoll(&wanted, 1, &left, NULL);

		if (ready >= 0) {
			return ready;
		}
		if (errno != EINTR || stop_requested()) {
			return -errno;
		}
	}
}

/* returns: 0 with all that a greeting needs, or -errno */
static int take_greeting(struct ivshmem_client *client, uint64_t timeout_ns, struct complaint *why)
{
	uint64_t end_ns = clock_now_ns() + timeout_ns;
	bool whole = false;
	int news = 0;

	for (;;) {
		uint64_t until_ns = whole ? clock_now_ns() + SILENCE_NS : end_ns;
		int result = clock_now_ns() < end_ns ? wait_for_words(client->socket, until_ns) : 0;

		if (result > 0) {
			result = take_message(client, &news, why);
		} else if (result == 0 && !whole) {
			complain(why,
			        "its server did not greet us within %" PRIu64 " ms; is it an "
			        "ivshmem server, and is it alive?",
			        timeout_ns / NS_PER_MS);
			return -ETIMEDOUT;
		} else if (result == 0) {
			return 0;
		} else {
			complain(why, "%s", strerror(-result));
		}
		if (result < 0) {
			/* One that leaves after a whole greeting has done its work. */
			return whole && result == -EPIPE ? 0 : result;
		}
		whole = client->memory >= 0 && client->own.vectors;
	}
}

int ivshmem_client_greet(struct ivshmem_client *client, int socket, uint64_t timeout_ns,
        int *memory, struct complaint *why)
{
	int error;

	ivshmem_client_init(client);
	client->socket = socket;
	error = take_greeting(client, timeout_ns, why);
	if (error) {
		ivshmem_client_finish(client);
		return error;
	}
	*memory = client->memory;
	client->memory = -1;
	return 0;
}

static int complain_of_connect(const char *path, int error, struct complaint *why)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		complain(why,
		        "no server listens there; start one with 'doorbell-server --socket %.200s', "
		        "or wait for it with --wait",
		        path);
		return -ENOENT;
	case EACCES:
		complain(why, "its server's socket may not be used by this user; join its group, "
		              "or start doorbell-server with --group or --mode");
		return -EACCES;
	case EAGAIN:
		complain(why, "its server does not answer");
		return -ETIMEDOUT;
	default:
		complain(why, "cannot be connected to: %s", strerror(error));
		return -error;
	}
}

int ivshmem_client_connect(
        struct ivshmem_client *client, const char *path, int *memory, struct complaint *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* Bounds connect() too, which waits when too many others do. */
	struct timeval limit = { .tv_sec = IVSHMEM_GREETING_NS / NS_PER_S };
	int error;
	int fd;

	ivshmem_client_init(client);
	if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path)) {
		complain(why, "a socket's path has 1 to %zu characters",
		        sizeof(address.sun_path) - 1);
		return -EINVAL;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		error = -errno;
		complain(why, "%s", strerror(errno));
		return error;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
	        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error = complain_of_connect(path, errno, why);
		close(fd);
		return error;
	}
	return ivshmem_client_greet(client, fd, IVSHMEM_GREETING_NS, memory, why);
}

int ivshmem_client_fd(const struct ivshmem_client *client, unsigned vector)
{
	return vector < client->own.vectors ? client->own.fds[vector] : -1;
}

uint64_t ivshmem_client_drain(const struct ivshmem_client *client, unsigned vector)
{
	int fd = ivshmem_client_fd(client, vector);
	uint64_t rings = 0;

	return fd >= 0 && read(fd, &rings, sizeof(rings)) == (ssize_t)sizeof(rings) ? rings : 0;
}

int ivshmem_client_ring(const struct ivshmem_client *client, unsigned peer, unsigned vector)
{
	const struct ivshmem_peer *found =
	        (int)peer == client->id ? &client->own : find_peer(client, peer);
	const uint64_t one = 1;

	if (!found || vector >= found->vectors) {
		return -ENOENT;
	}
	/* A full counter refuses one more: it is ringing already. */
	if (write(found->fds[vector], &one, sizeof(one)) < 0 && errno != EAGAIN) {
		return -errno;
	}
	return 0;
}
