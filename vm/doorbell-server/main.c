/* SPDX-License-Identifier: MIT */
/*
 * doorbell-server: options, descriptors, sockets, memory, loop, exit code. Stays in the foreground.
 */
#include "ask.h"
#include "clock.h"
#include "exit_code.h"
#include "log.h"
#include "serve.h"
#include "server.h"
#include "server_options.h"
#include "stop.h"
#include "systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Beside the peers' own: both sockets, the memory, callers, a place to accept into, libraries. */
#define FDS_BESIDES 40u
/* Descriptors on their way to peers that do not read count against the same limit. */
#define FDS_PLENTY 65536u

static bool raise_fd_limit(unsigned vectors)
{
	rlim_t needed = PEERS_MAX * (vectors + 1) + FDS_BESIDES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return true;
	}
	if (limit.rlim_max < needed) {
		log_error("--vectors: %u: %u peers need %u file descriptors, the limit is %u; use "
		          "fewer vectors, or raise it (ulimit -Hn, LimitNOFILE=)",
		        vectors, PEERS_MAX, (unsigned)needed, (unsigned)limit.rlim_max);
		return false;
	}
	if (limit.rlim_cur < FDS_PLENTY) {
		limit.rlim_cur = limit.rlim_max < FDS_PLENTY ? limit.rlim_max : FDS_PLENTY;
		(void)!setrlimit(RLIMIT_NOFILE, &limit);
	}
	return true;
}

static bool is_desk(const char *path)
{
	size_t length = strlen(path);
	size_t suffix = strlen(CONTROL_SUFFIX);

	return length > suffix && strcmp(path + length - suffix, CONTROL_SUFFIX) == 0;
}

/* The desk's socket is told by its name. */
static bool inherit_sockets(struct server *server, int count)
{
	struct complaint why;

	for (int i = 0; i < count; i++) {
		struct listener given;
		struct listener *place;

		if (listener_inherit(&given, SYSTEMD_FIRST_FD + i, &why) < 0) {
			log_error("LISTEN_FDS: descriptor %d: %s", SYSTEMD_FIRST_FD + i, why.text);
			return false;
		}
		place = is_desk(given.path) ? &server->desk : &server->doorbell;
		if (place->fd >= 0) {
			log_error(
			        "LISTEN_FDS: %s: one socket for peers and one whose name ends in " CONTROL_SUFFIX
			        " are all that is wanted",
			        given.path);
			return false;
		}
		*place = given;
	}
	return true;
}

static bool open_socket(
        struct listener *listener, const char *path, const struct server_options *options)
{
	struct complaint why;

	if (listener->fd >= 0) {
		return true;
	}
	if (listener_open(listener, path, options->mode, options->group, &why) < 0) {
		log_error("--socket: %s: %s", path, why.text);
		return false;
	}
	return true;
}

static bool open_sockets(struct server *server, const struct server_options *options)
{
	char desk[LISTENER_PATH_SIZE + sizeof(CONTROL_SUFFIX)];

	if (!inherit_sockets(server, systemd_listen_fds())) {
		return false;
	}
	if (server->doorbell.fd < 0 && !options->socket) {
		log_error("--socket: needed, a PATH for peers to connect to; such as "
		          "/run/oriel/doorbell.sock");
		return false;
	}
	if (!open_socket(&server->doorbell, options->socket, options)) {
		return false;
	}
	snprintf(desk, sizeof(desk), "%s" CONTROL_SUFFIX, server->doorbell.path);
	return open_socket(&server->desk, desk, options);
}

static bool open_memory(struct memory *memory, const struct server_options *options)
{
	uint64_t bytes = options->bytes ? options->bytes : MEMORY_DEFAULT_BYTES;
	struct complaint why;

	if (options->memory && memory_open(memory, options->memory, options->bytes, &why) < 0) {
		log_error("--memory: %s: %s", options->memory, why.text);
		return false;
	}
	if (!options->memory && memory_make(memory, bytes, &why) < 0) {
		log_error("--size: %s", why.text);
		return false;
	}
	return true;
}

static enum exit_code run(struct server *server, const struct server_options *options)
{
	int error;

	if (!raise_fd_limit(options->vectors) || !open_sockets(server, options)) {
		return EXIT_OTHER;
	}
	if (!open_memory(&server->memory, options)) {
		return EXIT_REGION;
	}
	peers_init(&server->peers, options->vectors, server->memory.fd);
	server->started_ns = clock_now_ns();
	log_info("%s: %llu bytes of %s memory, %u vectors, up to %u peers", server->doorbell.path,
	        (unsigned long long)server->memory.bytes,
	        server->memory.sealed ? "sealed" : "a file's", options->vectors, PEERS_MAX);
	systemd_notify("READY=1");
	error = serve(server);
	systemd_notify("STOPPING=1");
	if (error) {
		log_error("waiting: %s", strerror(-error));
	}
	return error ? EXIT_OTHER : EXIT_GOOD;
}

int main(int argc, char **argv)
{
	/* Static, for the outboxes are large. */
	static struct server server = {
		.doorbell = { .fd = -1 },
		.desk = { .fd = -1 },
		.memory = { .fd = -1 },
	};
	struct server_options options;
	enum exit_code code;

	log_init("doorbell-server", LOG_LEVEL_INFO);
	server_options_parse(&options, argc, argv);
	if (options.quiet) {
		log_init("doorbell-server", LOG_LEVEL_WARNING);
	}
	stop_on_signals();
	if (options.verb != VERB_SERVE) {
		return ask(&options);
	}
	control_init(&server.control);
	peers_init(&server.peers, options.vectors, -1);
	code = run(&server, &options);
	/* Nobody new from here on, and then nobody at all. */
	listener_close(&server.doorbell);
	listener_close(&server.desk);
	control_finish(&server.control);
	peers_finish(&server.peers);
	memory_close(&server.memory);
	return code;
}
