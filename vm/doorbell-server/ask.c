/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include "control.h"
#include "log.h"
#include "peers.h"
#include "region.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX       ((size_t)1 << 20)
#define PATIENCE_S       5
#define FORMAT_SIZE_ROOM 24

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		return -errno;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s" CONTROL_SUFFIX, path);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
	        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static char *make_request(const struct server_options *options)
{
	json_t *request = options->verb == VERB_STATUS ? json_pack("{s:s}", "request", "status")
	                                               : json_pack("{s:s, s:i}", "request", "ring",
	                                                         "peer", (int)options->ring_peer);
	char *text;

	if (options->verb == VERB_RING && options->ring_vector != PEERS_ALL_VECTORS) {
		json_object_set_new(request, "vector", json_integer(options->ring_vector));
	}
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	return text;
}

/* Sends the line and reads until the end. returns: the answer, or NULL */
static json_t *converse(int fd, const char *request)
{
	char *answer = malloc(ANSWER_MAX);
	json_t *json = NULL;
	size_t used = 0;
	ssize_t came = 1;

	if (answer && request && send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 &&
	        send(fd, "\n", 1, MSG_NOSIGNAL) == 1) {
		while (came > 0 && used < ANSWER_MAX) {
			came = recv(fd, answer + used, ANSWER_MAX - used, 0);
			used += came > 0 ? (size_t)came : 0;
		}
		json = came == 0 ? json_loadb(answer, used, 0, NULL) : NULL;
	}
	free(answer);
	return json;
}

static long long number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_peer(const json_t *peer)
{
	const json_t *vectors = json_object_get(peer, "vectors");

	printf("%6lld %8lld %8lld %10.1f %7lld ", number(peer, "id"), number(peer, "pid"),
	        number(peer, "uid"), json_real_value(json_object_get(peer, "seconds")),
	        number(peer, "unsent"));
	for (size_t i = 0; i < json_array_size(vectors); i++) {
		const json_t *vector = json_array_get(vectors, i);

		if (json_is_integer(json_object_get(vector, "pending"))) {
			printf(" %lld/%lld", number(vector, "rings"), number(vector, "pending"));
		} else {
			printf(" %lld/?", number(vector, "rings"));
		}
	}
	putchar('\n');
}

static void print_status(const json_t *status)
{
	const json_t *memory = json_object_get(status, "memory");
	const json_t *server = json_object_get(status, "server");
	const json_t *counts = json_object_get(status, "counts");
	const json_t *peers = json_object_get(status, "peers");
	const char *file = json_string_value(json_object_get(memory, "file"));
	char size[FORMAT_SIZE_ROOM];

	printf("server: pid %lld, up %.0f s, version %s\n", number(server, "pid"),
	        json_real_value(json_object_get(server, "seconds")),
	        json_string_value(json_object_get(server, "version")));
	printf("memory: %s, %s\n", region_format_size((uint64_t)number(memory, "bytes"), size),
	        file ? file : "sealed, without a name");
	printf("peers: %zu of %lld, %lld vectors each; since the start %lld joined, %lld left, "
	       "%lld dropped, %lld refused\n",
	        json_array_size(peers), number(status, "peers_max"), number(status, "vectors"),
	        number(counts, "joined"), number(counts, "left"), number(counts, "dropped"),
	        number(counts, "refused"));
	if (json_array_size(peers)) {
		printf("%6s %8s %8s %10s %7s  %s\n", "id", "pid", "uid", "seconds", "unsent",
		        "rung by 'ring'/not taken yet, for each vector");
	}
	for (size_t i = 0; i < json_array_size(peers); i++) {
		print_peer(json_array_get(peers, i));
	}
}

static void print_answer(const struct server_options *options, const json_t *answer)
{
	if (options->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (options->verb == VERB_STATUS) {
		print_status(answer);
	}
}

enum exit_code ask(const struct server_options *options)
{
	char *request = make_request(options);
	int fd = connect_to(options->socket);
	json_t *answer = fd < 0 ? NULL : converse(fd, request);
	const char *error = json_string_value(json_object_get(answer, "error"));
	enum exit_code code = EXIT_OTHER;

	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		log_error("--socket: %s: no server runs there; start one, or name its socket",
		        options->socket);
	} else if (fd < 0) {
		log_error("--socket: %s" CONTROL_SUFFIX ": %s", options->socket, strerror(-fd));
	} else if (error) {
		log_error("%s", error);
	} else if (!answer) {
		log_error("--socket: %s" CONTROL_SUFFIX ": no answer within %d s; is it alive?",
		        options->socket, PATIENCE_S);
	} else {
		print_answer(options, answer);
		code = fflush(stdout) == 0 ? EXIT_GOOD : EXIT_OTHER;
	}
	json_decref(answer);
	if (fd >= 0) {
		close(fd);
	}
	free(request);
	return code;
}
