/* SPDX-License-Identifier: MIT */
/*
 * The doorbell of a host process: eventfds that an ivshmem server handed out.
 */
#include "doorbell_backend.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>

#define VECTOR 0u /* every peer has it */

struct server_doorbell {
	struct doorbell doorbell;
	struct ivshmem_client client;
};

struct ivshmem_client *doorbell_server_client(struct doorbell *doorbell)
{
	return &((struct server_doorbell *)doorbell)->client;
}

static void server_turn(struct doorbell *doorbell)
{
	struct complaint why;
	int error = ivshmem_client_turn(doorbell_server_client(doorbell), &why);

	if (error < 0) {
		log_info("%s; who is known already rings and is rung as before", why.text);
	}
}

static int server_ring(struct doorbell *doorbell, unsigned peer, unsigned vector)
{
	int error = ivshmem_client_ring(doorbell_server_client(doorbell), peer, vector);

	if (error == -ENOENT) {
		/* Perhaps it came since we last listened. */
		server_turn(doorbell);
		error = ivshmem_client_ring(doorbell_server_client(doorbell), peer, vector);
	}
	return error;
}

static void server_close(struct doorbell *doorbell)
{
	ivshmem_client_finish(doorbell_server_client(doorbell));
	free(doorbell);
}

static const struct doorbell_ops server_ops = {
	.name = "server",
	.ring = server_ring,
	.turn = server_turn,
	.close = server_close,
};

int doorbell_server_open(
        struct doorbell **doorbell, const char *path, int *memory, struct complaint *why)
{
	struct server_doorbell *server = calloc(1, sizeof(*server));
	int error;

	if (!server) {
		complain(why, "out of memory");
		return -ENOMEM;
	}
	error = ivshmem_client_connect(&server->client, path, memory, why);
	if (error) {
		free(server);
		return error;
	}
	/* A greeting without a vector of our own is none. */
	server->doorbell = (struct doorbell) {
		.ops = &server_ops,
		.peer = (unsigned)server->client.id,
		.vector = VECTOR,
		.fd = ivshmem_client_fd(&server->client, VECTOR),
	};
	*doorbell = &server->doorbell;
	return 0;
}
