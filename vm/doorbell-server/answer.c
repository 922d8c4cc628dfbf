/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "clock.h"
#include "complaint.h"
#include "server.h"
#include "version.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *error_text(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* An eventfd's counter: what anybody rang and its owner has not taken yet. null: cannot be told. */
static json_t *pending(int bell)
{
	char path[48];
	char line[128];
	unsigned long long count;
	json_t *value = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bell);
	file = fopen(path, "re");
	while (file && !value && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "eventfd-count: %llx", &count) == 1) {
			value = json_integer((json_int_t)count);
		}
	}
	if (file) {
		fclose(file);
	}
	return value ? value : json_null();
}

static json_t *describe_peer(const struct peer *peer, unsigned vectors, uint64_t now_ns)
{
	json_t *bells = json_array();

	for (unsigned i = 0; i < vectors; i++) {
		json_array_append_new(
		        bells, json_pack("{s:I, s:o}", "rings", (json_int_t)peer->rings[i],
		                       "pending", pending(peer->bells[i])));
	}
	return json_pack("{s:i, s:i, s:I, s:I, s:f, s:i, s:o}", "id", (int)peer->id, "pid",
	        (int)peer->who.pid, "uid", (json_int_t)peer->who.uid, "gid",
	        (json_int_t)peer->who.gid, "seconds",
	        (double)clock_elapsed_ns(peer->joined_ns, now_ns) / (double)NS_PER_S, "unsent",
	        (int)peer->outbox.count, "vectors", bells);
}

static json_t *answer_status(struct server *server)
{
	struct peers *peers = &server->peers;
	uint64_t now_ns = clock_now_ns();
	json_t *list = json_array();

	for (struct peer *peer = NULL; (peer = peers_next(peers, peer));) {
		json_array_append_new(list, describe_peer(peer, peers->vectors, now_ns));
	}
	return json_pack("{s:{s:s, s:s, s:i, s:s, s:f}, s:{s:I, s:s?, s:b}, s:i, s:i, "
	                 "s:{s:I, s:I, s:I, s:I}, s:o}",
	        "server", "version", ORIEL_VERSION, "commit", ORIEL_COMMIT, "pid", (int)getpid(),
	        "socket", server->doorbell.path, "seconds",
	        (double)clock_elapsed_ns(server->started_ns, now_ns) / (double)NS_PER_S, "memory",
	        "bytes", (json_int_t)server->memory.bytes, "file", server->memory.file, "sealed",
	        server->memory.sealed, "vectors", (int)peers->vectors, "peers_max", (int)PEERS_MAX,
	        "counts", "joined", (json_int_t)peers->joined, "left", (json_int_t)peers->left,
	        "dropped", (json_int_t)peers->dropped, "refused", (json_int_t)peers->refused,
	        "peers", list);
}

static json_t *complain_of_ring(
        int error, const struct peers *peers, json_int_t id, json_int_t vector)
{
	struct complaint why;

	switch (error) {
	case -ENOENT:
		complain(&why, "peer %lld: there is none; 'status' lists those there are",
		        (long long)id);
		break;
	case -ERANGE:
		complain(&why, "vector %lld: there is none; they go from 0 to %u",
		        (long long)vector, peers->vectors - 1);
		break;
	default:
		complain(&why,
		        "peer %lld: its counter is full: it is ringing and does not take its rings",
		        (long long)id);
	}
	return error_text(why.text);
}

static json_t *answer_ring(struct server *server, json_t *request)
{
	const json_t *peer = json_object_get(request, "peer");
	const json_t *vector = json_object_get(request, "vector");
	json_int_t id = json_integer_value(peer);
	json_int_t number = vector ? json_integer_value(vector) : PEERS_ALL_VECTORS;
	int error;

	if (!json_is_integer(peer) || (vector && (!json_is_integer(vector) || number < 0))) {
		return error_text("ring: needs a peer's id, and a vector or none for all");
	}
	if (id < 0 || id > PEERS_ID_LAST) {
		error = -ENOENT;
	} else if (number > (json_int_t)PEERS_VECTORS_MAX) {
		error = -ERANGE;
	} else {
		error = peers_ring(&server->peers, (unsigned)id, (int)number);
	}
	return error ? complain_of_ring(error, &server->peers, id, number)
	             : json_pack("{s:I}", "rung", id);
}

static json_t *answer_request(struct server *server, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "request"));

	if (name && strcmp(name, "status") == 0) {
		return answer_status(server);
	}
	if (name && strcmp(name, "ring") == 0) {
		return answer_ring(server, request);
	}
	return error_text("no such request; there are status and ring");
}

char *answer_line(struct server *server, const char *untrusted_line, size_t length)
{
	json_t *request = json_loadb(untrusted_line, length, JSON_REJECT_DUPLICATES, NULL);
	json_t *answer = answer_request(server, request);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	char *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
	}
	free(text);
	json_decref(answer);
	json_decref(request);
	return line;
}
