/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "job.h"

enum {
	ARGUMENT_BYTES_MAX = 1 << 20,
	ARGUMENTS_MAX = 65536,
	/* One data frame, and room for the few small frames beside it. */
	OUT_BYTES = FRAME_MAX_BYTES + 4096,
	/* Where each descriptor stands in the poll set. */
	AT_PORT = 0,
	AT_WATCH,
	AT_INPUT,
	AT_OUTPUT,
	AT_END = AT_OUTPUT + JOB_OUTPUTS,
};

struct session {
	int port;
	struct frame_reader reader;
	struct job job;
	char arguments[ARGUMENT_BYTES_MAX];
	size_t argument_bytes;
	uint8_t stdin_bytes[STDIN_WINDOW_BYTES];
	size_t stdin_filled;
	bool stdin_ends;
	uint8_t out[OUT_BYTES];
	size_t out_filled;
};

static void queue_frame(struct session *s, uint8_t type, const void *payload, uint32_t length)
{
	if (s->out_filled + FRAME_HEADER_BYTES + length > sizeof(s->out)) {
		return; /* only a host that floods and never reads gets here */
	}
	uint8_t *at = s->out + s->out_filled;
	at[0] = type;
	frame_put_u32(at + 1, length);
	memcpy(at + FRAME_HEADER_BYTES, payload, length);
	s->out_filled += FRAME_HEADER_BYTES + length;
}

static void queue_exit(struct session *s, uint32_t code, uint32_t signal_number)
{
	uint8_t payload[8];

	frame_put_u32(payload, code);
	frame_put_u32(payload + 4, signal_number);
	queue_frame(s, 'x', payload, sizeof(payload));
}

static void forget_client(struct session *s)
{
	job_abort(&s->job);
	s->argument_bytes = 0;
	s->stdin_filled = 0;
	s->stdin_ends = false;
	s->out_filled = 0;
}

static void greet(struct session *s, const struct frame *frame)
{
	uint8_t reply[NONCE_BYTES + 1];

	forget_client(s);
	if (frame->length != NONCE_BYTES) {
		return;
	}
	memcpy(reply, frame->payload, NONCE_BYTES);
	reply[NONCE_BYTES] = AGENT_VERSION;
	queue_frame(s, 'h', reply, sizeof(reply));
}

static void add_arguments(struct session *s, const struct frame *frame)
{
	if (frame->length > sizeof(s->arguments) - s->argument_bytes) {
		s->argument_bytes = sizeof(s->arguments) + 1; /* refused by split_arguments() */
		return;
	}
	if (s->argument_bytes > sizeof(s->arguments)) {
		return;
	}
	memcpy(s->arguments + s->argument_bytes, frame->payload, frame->length);
	s->argument_bytes += frame->length;
}

/* Returns a NULL-ended argv for free(), or NULL; errno says why. */
static char **split_arguments(struct session *s)
{
	if (s->argument_bytes == 0 || s->argument_bytes > sizeof(s->arguments)) {
		errno = s->argument_bytes == 0 ? EINVAL : E2BIG;
		return NULL;
	}
	s->arguments[s->argument_bytes - 1] = '\0';
	char **argv = calloc(ARGUMENTS_MAX + 1, sizeof(*argv));
	if (!argv) {
		return NULL;
	}
	size_t count = 0;
	for (size_t at = 0; at < s->argument_bytes; at += strlen(s->arguments + at) + 1) {
		if (count == ARGUMENTS_MAX) {
			free(argv);
			errno = E2BIG;
			return NULL;
		}
		argv[count++] = s->arguments + at;
	}
	return argv;
}

static void run(struct session *s, const struct frame *frame)
{
	bool with_stdin = frame->length == 1 && frame->payload[0] == 1;

	if (s->job.pid != 0) {
		return;
	}
	char **argv = split_arguments(s);
	int error = argv ? job_start(&s->job, argv, with_stdin) : -errno;
	if (error != 0) {
		const char *text = strerror(-error);
		queue_frame(s, 'e', text, (uint32_t)strlen(text));
		queue_frame(s, 'e', "\n", 1);
		queue_exit(s, 126, 0);
	}
	free(argv);
	s->argument_bytes = 0;
}

static void credit(struct session *s, size_t taken)
{
	uint8_t payload[4];

	frame_put_u32(payload, (uint32_t)taken);
	queue_frame(s, 'k', payload, sizeof(payload));
}

static void add_stdin(struct session *s, const struct frame *frame)
{
	if (s->job.input < 0) {
		credit(s, frame->length); /* nobody reads it: let the host go on */
		return;
	}
	if (frame->length <= sizeof(s->stdin_bytes) - s->stdin_filled) {
		memcpy(s->stdin_bytes + s->stdin_filled, frame->payload, frame->length);
		s->stdin_filled += frame->length;
	}
}

static void end_stdin(struct session *s)
{
	s->stdin_ends = true;
	if (s->stdin_filled == 0) {
		job_close_input(&s->job);
	}
}

static void obey(struct session *s, const struct frame *frame)
{
	switch (frame->type) {
	case 'H':
		greet(s, frame);
		break;
	case 'A':
		add_arguments(s, frame);
		break;
	case 'R':
		run(s, frame);
		break;
	case 'I':
		add_stdin(s, frame);
		break;
	case 'E':
		end_stdin(s);
		break;
	case 'S':
		if (frame->length == 1) {
			job_signal(&s->job, frame->payload[0]);
		}
		break;
	default:
		break;
	}
}

static int read_port(struct session *s)
{
	uint8_t bytes[FRAME_MAX_BYTES];
	ssize_t got = read(s->port, bytes, sizeof(bytes));

	if (got < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	for (size_t at = 0; at < (size_t)got;) {
		struct frame frame;
		at += frame_reader_take(&s->reader, bytes + at, (size_t)got - at, &frame);
		obey(s, &frame);
	}
	return 0;
}

static int write_port(struct session *s)
{
	ssize_t sent = write(s->port, s->out, s->out_filled);

	if (sent < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	s->out_filled -= (size_t)sent;
	memmove(s->out, s->out + sent, s->out_filled);
	return 0;
}

static void feed_stdin(struct session *s)
{
	ssize_t taken = write(s->job.input, s->stdin_bytes, s->stdin_filled);

	if (taken < 0) {
		if (errno == EAGAIN || errno == EINTR) {
			return;
		}
		taken = (ssize_t)s->stdin_filled; /* the command closed its stdin */
		job_close_input(&s->job);
	}
	s->stdin_filled -= (size_t)taken;
	memmove(s->stdin_bytes, s->stdin_bytes + taken, s->stdin_filled);
	credit(s, (size_t)taken);
	if (s->stdin_ends && s->stdin_filled == 0) {
		job_close_input(&s->job);
	}
}

/* Sends one piece of output; the caller saw that the out buffer is empty. */
static void take_output(struct session *s, int which)
{
	uint8_t bytes[FRAME_PAYLOAD_MAX];
	size_t wanted = sizeof(bytes);

	if (s->job.ended && s->job.rest[which] < wanted) {
		wanted = s->job.rest[which];
	}
	ssize_t got = read(s->job.output[which], bytes, wanted);
	if (got < 0 && (errno == EINTR || (errno == EAGAIN && !s->job.ended))) {
		return;
	}
	if (got > 0) {
		queue_frame(s, which == JOB_STDOUT ? 'o' : 'e', bytes, (uint32_t)got);
		if (!s->job.ended) {
			return;
		}
		s->job.rest[which] -= (size_t)got;
		if (s->job.rest[which] > 0) {
			return;
		}
	}
	job_close_output(&s->job, which);
}

/* Sends what an ended command left in its pipes, then its exit status. */
static void send_rest(struct session *s)
{
	for (int i = 0; i < JOB_OUTPUTS; i++) {
		if (s->job.output[i] >= 0) {
			take_output(s, i);
			return;
		}
	}
	queue_exit(s, s->job.exit_code, s->job.exit_signal);
	job_finish(&s->job);
	s->stdin_filled = 0;
	s->stdin_ends = false;
}

/*
 * Sleeps until a client is connected. poll() cannot do that, for it reports
 * POLLHUP all the while; but a blocking write waits for the host. The byte is
 * padding that the client skips.
 */
static int wait_for_client(struct session *s)
{
	fcntl(s->port, F_SETFL, 0);
	ssize_t sent = write(s->port, "", 1);
	int error = sent < 0 && errno != EINTR ? -errno : 0;
	fcntl(s->port, F_SETFL, O_NONBLOCK);
	return error;
}

static void want(struct pollfd *entry, int fd, short events)
{
	entry->fd = fd;
	entry->events = events;
	entry->revents = 0;
}

static void choose_events(struct session *s, struct pollfd set[AT_END])
{
	bool idle = s->out_filled == 0;
	bool room = s->out_filled < OUT_BYTES - FRAME_MAX_BYTES;

	want(&set[AT_PORT], s->port, (short)((room ? POLLIN : 0) | (idle ? 0 : POLLOUT)));
	want(&set[AT_WATCH], s->job.watch, POLLIN);
	want(&set[AT_INPUT], s->stdin_filled > 0 ? s->job.input : -1, POLLOUT);
	for (int i = 0; i < JOB_OUTPUTS; i++) {
		want(&set[AT_OUTPUT + i], idle && !s->job.ended ? s->job.output[i] : -1, POLLIN);
	}
}

static int handle_events(struct session *s, const struct pollfd set[AT_END])
{
	int error = 0;

	if (set[AT_PORT].revents & POLLHUP) {
		forget_client(s);
		return wait_for_client(s);
	}
	if (set[AT_PORT].revents & POLLOUT) {
		error = write_port(s);
	}
	if (set[AT_INPUT].revents) {
		feed_stdin(s);
	}
	for (int i = 0; i < JOB_OUTPUTS; i++) {
		if (set[AT_OUTPUT + i].revents && s->out_filled == 0) {
			take_output(s, i);
		}
	}
	if (set[AT_WATCH].revents) {
		job_collect(&s->job);
	}
	/* Last: a HELLO replaces the job, and with it all descriptors above. */
	if (error == 0 && set[AT_PORT].revents & POLLIN) {
		error = read_port(s);
	}
	return error;
}

int session_serve(int port)
{
	struct session *s = calloc(1, sizeof(*s));
	int error = 0;

	if (!s) {
		return -ENOMEM;
	}
	s->port = port;
	frame_reader_init(&s->reader);
	job_init(&s->job);
	while (error == 0) {
		struct pollfd set[AT_END];
		if (s->job.ended && s->out_filled == 0) {
			send_rest(s);
		}
		choose_events(s, set);
		if (poll(set, AT_END, -1) < 0) {
			error = errno == EINTR ? 0 : -errno;
			continue;
		}
		error = handle_events(s, set);
	}
	job_abort(&s->job);
	free(s);
	return error;
}
