/* SPDX-License-Identifier: MIT */
#include "control.h"

#include "answer.h"
#include "clock.h"
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void control_init(struct control *control)
{
	memset(control, 0, sizeof(*control));
	for (unsigned i = 0; i < CONTROL_CALLERS_MAX; i++) {
		control->callers[i].socket = -1;
	}
}

static void hang_up(struct control *control, struct caller *caller)
{
	close(caller->socket);
	free(caller->answer);
	*caller = (struct caller) { .socket = -1 };
	control->count--;
}

void control_finish(struct control *control)
{
	for (unsigned i = 0; i < CONTROL_CALLERS_MAX; i++) {
		if (control->callers[i].socket >= 0) {
			hang_up(control, &control->callers[i]);
		}
	}
}

void control_add(struct control *control, int socket, uint64_t now_ns)
{
	for (unsigned i = 0; i < CONTROL_CALLERS_MAX; i++) {
		struct caller *caller = &control->callers[i];

		if (caller->socket < 0) {
			*caller = (struct caller) { .socket = socket, .since_ns = now_ns };
			control->count++;
			return;
		}
	}
	close(socket);
}

short control_events(const struct caller *caller)
{
	return caller->answer ? POLLOUT : POLLIN;
}

/* False when there will be no line. */
static bool read_line(struct server *server, struct caller *caller)
{
	size_t room = sizeof(caller->line) - caller->used;
	ssize_t came = recv(caller->socket, caller->line + caller->used, room, MSG_DONTWAIT);
	const char *end;

	if (came < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	caller->used += (size_t)came;
	end = memchr(caller->line, '\n', caller->used);
	if (!end) {
		return came > 0 && caller->used < sizeof(caller->line);
	}
	caller->answer = answer_line(server, caller->line, (size_t)(end - caller->line));
	caller->answer_bytes = caller->answer ? strlen(caller->answer) : 0;
	return caller->answer != NULL;
}

/* False when all of it is written, or nobody takes it. */
static bool write_answer(struct caller *caller)
{
	ssize_t sent = send(caller->socket, caller->answer + caller->answered,
	        caller->answer_bytes - caller->answered, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	caller->answered += (size_t)sent;
	return caller->answered < caller->answer_bytes;
}

void control_serve(struct server *server, struct caller *caller)
{
	if (!caller->answer && !read_line(server, caller)) {
		hang_up(&server->control, caller);
	} else if (caller->answer && !write_answer(caller)) {
		hang_up(&server->control, caller);
	}
}

void control_expire(struct control *control, uint64_t now_ns)
{
	for (unsigned i = 0; i < CONTROL_CALLERS_MAX; i++) {
		struct caller *caller = &control->callers[i];

		if (caller->socket >= 0 &&
		        clock_elapsed_ns(caller->since_ns, now_ns) > CONTROL_PATIENCE_NS) {
			hang_up(control, caller);
		}
	}
}
