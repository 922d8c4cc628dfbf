/* SPDX-License-Identifier: MIT */
#include "server_options.h"

#include "command_line.h"
#include "control.h"
#include "listener.h"
#include "memory.h"
#include "peers.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_VECTORS 2
#define DEFAULT_MODE    0660

enum {
	KEY_QUIET = 'q',
	KEY_SOCKET = 0x100,
	KEY_SIZE,
	KEY_VECTORS,
	KEY_MEMORY,
	KEY_MODE,
	KEY_GROUP,
	KEY_JSON,
};

static const struct argp_option options_table[] = {
	{ "socket", KEY_SOCKET, "PATH", 0,
	        "Where peers connect; 'status' and 'ring' use PATH" CONTROL_SUFFIX
	        " beside it. Not needed when systemd hands the socket down",
	        1 },
	{ NULL, 0, NULL, 0, "Serving:", 2 },
	{ "size", KEY_SIZE, "SIZE", 0,
	        "Of the shared memory, a power of two from 1M (default: 128M, or what --memory has)",
	        2 },
	{ "vectors", KEY_VECTORS, "N", 0,
	        "Doorbells of each peer, 1 to 16 (default 2); QEMU's vectors= says the same", 2 },
	{ "memory", KEY_MEMORY, "FILE", 0,
	        "Share this file, made if it is not there, instead of sealed memory without a name",
	        2 },
	{ "mode", KEY_MODE, "OCTAL", 0, "Of both sockets (default 0660)", 2 },
	{ "group", KEY_GROUP, "NAME", 0, "Of both sockets, a name or a number", 2 },
	{ "quiet", KEY_QUIET, NULL, 0, "Say nothing but warnings and errors", 2 },
	{ NULL, 0, NULL, 0, "Asking:", 3 },
	{ "json", KEY_JSON, NULL, 0, "status as one line of JSON", 3 },
	{ 0 },
};

static mode_t parse_mode(const struct argp_state *state, const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (text[0] < '0' || text[0] > '7' || *end || mode > 0777) {
		command_line_refuse(state,
		        "--mode: '%s' is no mode; use three octal digits such as 0660", text);
	}
	return (mode_t)mode;
}

static gid_t parse_group(const struct argp_state *state, const char *text)
{
	const struct group *group = getgrnam(text);
	uint64_t number;

	if (group) {
		return group->gr_gid;
	}
	if (text[0] < '0' || text[0] > '9') {
		command_line_refuse(state,
		        "--group: '%s' is no group of this machine; 'getent group' lists them",
		        text);
	}
	number = command_line_count(state, "--group", text, 0, LISTENER_ANY_GROUP - 1);
	return (gid_t)number;
}

static void parse_argument(
        const struct argp_state *state, struct server_options *options, const char *text)
{
	switch (options->argument_count++) {
	case 0:
		if (strcmp(text, "status") == 0) {
			options->verb = VERB_STATUS;
		} else if (strcmp(text, "ring") == 0) {
			options->verb = VERB_RING;
		} else if (strcmp(text, "serve") != 0) {
			command_line_refuse(
			        state, "'%s' is no verb; use serve, status or ring", text);
		}
		return;
	case 1:
		options->ring_peer = (unsigned)command_line_count(
		        state, "ring PEER", text, PEERS_ID_FIRST, PEERS_ID_LAST);
		break;
	case 2:
		options->ring_vector =
		        strcmp(text, "all") == 0
		                ? PEERS_ALL_VECTORS
		                : (int)command_line_count(state, "ring VECTOR (or all)", text, 0,
		                          PEERS_VECTORS_MAX - 1);
		break;
	}
	if (options->verb != VERB_RING || options->argument_count > 3) {
		command_line_refuse(state, "'%s': nothing is expected here", text);
	}
}

static void check_together(const struct argp_state *state, const struct server_options *options)
{
	if (options->verb == VERB_RING && options->argument_count != 3) {
		command_line_refuse(state,
		        "ring: say whom and which: ring PEER VECTOR, or ring PEER all; 'status' lists "
		        "them");
	}
	if (options->verb != VERB_SERVE && !options->socket) {
		command_line_refuse(state, "--socket: needed, the PATH of the server's socket");
	}
	if (options->json && options->verb != VERB_STATUS) {
		command_line_refuse(state, "--json: only for status");
	}
	if (options->socket &&
	        (options->socket[0] == '\0' ||
	                strlen(options->socket) + strlen(CONTROL_SUFFIX) >= LISTENER_PATH_SIZE)) {
		command_line_refuse(state, "--socket: '%s': a path has 1 to %zu characters",
		        options->socket, LISTENER_PATH_SIZE - 1 - strlen(CONTROL_SUFFIX));
	}
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct server_options *options = state->input;

	switch (key) {
	case KEY_SOCKET:
		options->socket = argument;
		return 0;
	case KEY_SIZE:
		options->bytes = command_line_size(state, "--size", argument);
		return 0;
	case KEY_VECTORS:
		options->vectors = (unsigned)command_line_count(
		        state, "--vectors", argument, 1, PEERS_VECTORS_MAX);
		return 0;
	case KEY_MEMORY:
		options->memory = argument;
		return 0;
	case KEY_MODE:
		options->mode = parse_mode(state, argument);
		return 0;
	case KEY_GROUP:
		options->group = parse_group(state, argument);
		return 0;
	case KEY_QUIET:
		options->quiet = true;
		return 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	case ARGP_KEY_INIT:
		/* The words are parsed twice. */
		options->argument_count = 0;
		return 0;
	case ARGP_KEY_ARG:
		parse_argument(state, options, argument);
		return 0;
	case ARGP_KEY_END:
		if (command_line_is_checked(state)) {
			check_together(state, options);
		}
		return 0;
	case ARGP_KEY_ERROR:
		command_line_refuse_word(state);
	}
	return ARGP_ERR_UNKNOWN;
}

void server_options_parse(struct server_options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.args_doc = "[serve]\nstatus\nring PEER VECTOR|all",
		.doc = "Serves QEMU's ivshmem-doorbell: shared memory, and eventfds with which guests "
		       "and host processes ring each other."
		       "\vSIGTERM and SIGINT end it; the peers keep their memory and their doorbells, "
		       "but nobody new can join them: a new server has new memory, unless both "
		       "were given the same --memory."
		       "\n\nExit codes: 0 good, 1 other failure (a server runs there already, no "
		       "server answers, no such peer), 2 usage, 3 no memory.",
	};

	*options = (struct server_options) {
		.vectors = DEFAULT_VECTORS,
		.mode = DEFAULT_MODE,
		.group = LISTENER_ANY_GROUP,
		.ring_vector = PEERS_ALL_VECTORS,
	};
	command_line_parse(&argp, argc, argv, options);
}
