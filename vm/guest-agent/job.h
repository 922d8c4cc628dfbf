/* SPDX-License-Identifier: MIT */
/*
 * One command that a host client asked for: its process group and its three
 * streams. Used by session.c only; single threaded.
 */
#ifndef ORIEL_GUEST_AGENT_JOB_H
#define ORIEL_GUEST_AGENT_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { JOB_STDOUT, JOB_STDERR, JOB_OUTPUTS };

struct job {
	pid_t pid;               /* 0: no command */
	int watch;               /* pidfd: readable when the command has ended */
	int input;               /* pipe to its stdin, or -1 */
	int output[JOB_OUTPUTS]; /* pipes from its stdout and stderr, or -1 */
	bool ended;
	uint32_t exit_code;
	uint32_t exit_signal;
	/* Once it has ended: bytes in each pipe that still belong to it. */
	size_t rest[JOB_OUTPUTS];
};

void job_init(struct job *job);

/*
 * Starts the command in a session (and so a process group) of its own.
 *
 * argv:        NULL-ended; looked up in PATH
 * with_stdin:  false: stdin is /dev/null
 * returns:     0 or -errno. A program that cannot be executed is no error here:
 *              it says so on its stderr and exits 127 or 126, as in a shell.
 */
int job_start(struct job *job, char *const argv[], bool with_stdin);

/*
 * Takes the exit status and notes how much output is still to be sent. What
 * background children write later is not waited for.
 */
void job_collect(struct job *job);

/* Sends a signal to the whole process group. */
void job_signal(const struct job *job, int number);

void job_close_input(struct job *job);
void job_close_output(struct job *job, int which);

/* SIGTERM to the group, SIGKILL after a second; returns when it is gone. */
void job_abort(struct job *job);

/* Forgets an ended command. */
void job_finish(struct job *job);

#endif
