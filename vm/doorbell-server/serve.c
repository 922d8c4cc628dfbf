/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include "clock.h"
#include "log.h"
#include "server.h"
#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

/* Newcomers of one turn, so that a crowd at the door does not starve who is in. */
#define ACCEPTS_MAX     16
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS)
#define HELD_NS         (20 * NS_PER_MS) /* between tries while the kernel takes no descriptors */
#define LOOK_NS         NS_PER_S         /* at whose patience is over */
#define FOREVER_NS      UINT64_MAX

#define WAITS_MAX (2u + PEERS_MAX + CONTROL_CALLERS_MAX)

/* What the loop waits for in one turn; first and second are the listening sockets. */
struct waits {
	struct pollfd polls[WAITS_MAX];
	unsigned count;
	uint64_t longest_ns;
};

static void wait_for(struct waits *waits, int fd, int events)
{
	waits->polls[waits->count++] = (struct pollfd) { .fd = fd, .events = (short)events };
}

static void wait_at_most(struct waits *waits, uint64_t ns)
{
	if (ns < waits->longest_ns) {
		waits->longest_ns = ns;
	}
}

static void gather(struct server *server, struct waits *waits, uint64_t now_ns)
{
	bool paused = server->accept_after_ns > now_ns;

	waits->count = 0;
	waits->longest_ns = paused ? server->accept_after_ns - now_ns : FOREVER_NS;
	/* A negative descriptor is left out by poll(). */
	wait_for(waits, paused ? -1 : server->doorbell.fd, POLLIN);
	wait_for(waits, paused ? -1 : server->desk.fd, POLLIN);
	for (struct peer *peer = NULL; (peer = peers_next(&server->peers, peer));) {
		bool writing = peer->outbox.count && !peer->held;

		wait_for(waits, peer->socket, POLLIN | (writing ? POLLOUT : 0));
		if (peer->outbox.count) {
			wait_at_most(waits, peer->held ? HELD_NS : LOOK_NS);
		}
	}
	for (unsigned i = 0; i < CONTROL_CALLERS_MAX; i++) {
		const struct caller *caller = &server->control.callers[i];

		if (caller->socket >= 0) {
			wait_for(waits, caller->socket, control_events(caller));
			wait_at_most(waits, LOOK_NS);
		}
	}
}

/* Signals are let in here only, so that none comes between the question and the sleep. */
static int sleep_until_ready(struct waits *waits, const sigset_t *outside)
{
	struct timespec limit = { .tv_sec = (time_t)(waits->longest_ns / NS_PER_S),
		.tv_nsec = (long)(waits->longest_ns % NS_PER_S) };
	int ready = ppoll(waits->polls, waits->count,
	        waits->longest_ns == FOREVER_NS ? NULL : &limit, outside);

	if (ready < 0 && errno != EINTR && errno != ENOMEM) {
		return -errno;
	}
	return ready < 0 ? 0 : ready;
}

/* Once a second at most: a refused peer may come again at once, for ever. */
static void tell_of_refusal(struct server *server, int error, uint64_t now_ns)
{
	if (server->refusals_told_ns && now_ns - server->refusals_told_ns < NS_PER_S) {
		return;
	}
	server->refusals_told_ns = now_ns;
	log_warning("a peer is refused: %s; %u are connected, of %u", strerror(-error),
	        server->peers.count, PEERS_MAX);
}

/* The peers and callers that were asked about, in the order of gather(). */
static void hear(struct server *server, const struct waits *waits)
{
	const struct pollfd *at = waits->polls + 2;

	for (struct peer *peer = NULL; (peer = peers_next(&server->peers, peer));) {
		if (at++->revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) {
			peers_hear(peer);
		}
	}
	for (unsigned i = 0; i < CONTROL_CALLERS_MAX; i++) {
		struct caller *caller = &server->control.callers[i];

		if (caller->socket >= 0 && at++->revents) {
			control_serve(server, caller);
		}
	}
}

/* Out of descriptors or memory: whoever waits at the door can wait a little longer. */
static void pause_accepting(struct server *server, int error, uint64_t now_ns)
{
	log_warning("%s: nobody can be let in just now: %s; raise the limit (ulimit -n)",
	        server->doorbell.path, strerror(-error));
	server->accept_after_ns = now_ns + ACCEPT_PAUSE_NS;
}

static void let_in(struct server *server, uint64_t now_ns)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int socket = listener_accept(&server->doorbell);
		int error;

		if (socket == -EAGAIN) {
			break;
		}
		if (socket < 0) {
			pause_accepting(server, socket, now_ns);
			break;
		}
		error = peers_add(&server->peers, socket, now_ns);
		if (error) {
			tell_of_refusal(server, error, now_ns);
		}
	}
}

static void let_callers_in(struct server *server, uint64_t now_ns)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int socket = listener_accept(&server->desk);

		if (socket < 0) {
			if (socket != -EAGAIN) {
				pause_accepting(server, socket, now_ns);
			}
			break;
		}
		control_add(&server->control, socket, now_ns);
	}
}

static int turn(struct server *server, const sigset_t *outside)
{
	struct waits waits;
	uint64_t now_ns;
	int ready;

	gather(server, &waits, clock_now_ns());
	ready = sleep_until_ready(&waits, outside);
	if (ready < 0) {
		return ready;
	}
	now_ns = clock_now_ns();
	if (ready > 0) {
		hear(server, &waits);
		/* Who left makes room for who comes. */
		peers_settle(&server->peers, now_ns);
		if (waits.polls[0].revents) {
			let_in(server, now_ns);
		}
		if (waits.polls[1].revents) {
			let_callers_in(server, now_ns);
		}
	}
	peers_settle(&server->peers, now_ns);
	control_expire(&server->control, now_ns);
	return 0;
}

int serve(struct server *server)
{
	sigset_t blocked;
	sigset_t outside;
	int error = 0;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &outside);
	sigdelset(&outside, SIGINT);
	sigdelset(&outside, SIGTERM);
	while (!error && !stop_requested()) {
		error = turn(server, &outside);
	}
	return error;
}
