/* SPDX-License-Identifier: MIT */
/*
 * The command line of doorbell-server, parsed once by main.c.
 */
#ifndef ORIEL_DOORBELL_SERVER_OPTIONS_H
#define ORIEL_DOORBELL_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum server_verb {
	VERB_SERVE,
	VERB_STATUS,
	VERB_RING,
};

struct server_options {
	enum server_verb verb;
	const char *socket; /* NULL: systemd's */
	const char *memory; /* NULL: a memfd */
	uint64_t bytes;     /* 0: not given */
	unsigned vectors;
	mode_t mode;
	gid_t group; /* LISTENER_ANY_GROUP: our own */
	bool quiet;
	bool json;
	unsigned ring_peer;
	int ring_vector; /* or PEERS_ALL_VECTORS */
	unsigned argument_count;
};

/* Ends the program with EXIT_USAGE for whatever it refuses. */
void server_options_parse(struct server_options *options, int argc, char **argv);

#endif
