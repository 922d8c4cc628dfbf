/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ABORT_GRACE_MS = 1000 };

struct pipes {
	int input[2];
	int output[JOB_OUTPUTS][2];
};

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

void job_init(struct job *job)
{
	memset(job, 0, sizeof(*job));
	job->watch = -1;
	job->input = -1;
	job->output[JOB_STDOUT] = -1;
	job->output[JOB_STDERR] = -1;
}

static void pipes_close(struct pipes *pipes)
{
	for (int end = 0; end < 2; end++) {
		close_fd(&pipes->input[end]);
		close_fd(&pipes->output[JOB_STDOUT][end]);
		close_fd(&pipes->output[JOB_STDERR][end]);
	}
}

static int pipes_open(struct pipes *pipes, bool with_stdin)
{
	memset(pipes, 0xff, sizeof(*pipes));
	if (with_stdin) {
		if (pipe2(pipes->input, O_CLOEXEC) != 0) {
			goto failed;
		}
	} else {
		pipes->input[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (pipes->input[0] < 0) {
			goto failed;
		}
	}
	for (int i = 0; i < JOB_OUTPUTS; i++) {
		if (pipe2(pipes->output[i], O_CLOEXEC) != 0) {
			goto failed;
		}
	}
	return 0;

failed:;
	int error = -errno;
	pipes_close(pipes);
	return error;
}

/* In the child. dup2 clears close-on-exec; everything else closes by itself. */
static _Noreturn void become_command(const struct pipes *pipes, char *const argv[])
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(pipes->input[0], STDIN_FILENO) < 0 ||
	        dup2(pipes->output[JOB_STDOUT][1], STDOUT_FILENO) < 0 ||
	        dup2(pipes->output[JOB_STDERR][1], STDERR_FILENO) < 0) {
		_exit(126);
	}
	execvp(argv[0], argv);
	int error = errno;
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

static int set_nonblocking(int fd)
{
	return fd < 0 ? 0 : fcntl(fd, F_SETFL, O_NONBLOCK);
}

int job_start(struct job *job, char *const argv[], bool with_stdin)
{
	struct pipes pipes;
	int error = pipes_open(&pipes, with_stdin);

	if (error != 0) {
		return error;
	}
	pid_t pid = fork();
	if (pid < 0) {
		error = -errno;
		pipes_close(&pipes);
		return error;
	}
	if (pid == 0) {
		become_command(&pipes, argv);
	}
	job_init(job);
	job->pid = pid;
	job->watch = (int)syscall(SYS_pidfd_open, pid, 0);
	job->input = pipes.input[1];
	pipes.input[1] = -1;
	set_nonblocking(job->input);
	for (int i = 0; i < JOB_OUTPUTS; i++) {
		job->output[i] = pipes.output[i][0];
		pipes.output[i][0] = -1;
		set_nonblocking(job->output[i]);
	}
	pipes_close(&pipes);
	return 0;
}

void job_collect(struct job *job)
{
	int status = 0;

	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) {
	}
	job->ended = true;
	job->exit_code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0;
	job->exit_signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
	close_fd(&job->watch);
	close_fd(&job->input);
	for (int i = 0; i < JOB_OUTPUTS; i++) {
		int waiting = 0;
		if (job->output[i] >= 0 && ioctl(job->output[i], FIONREAD, &waiting) == 0) {
			job->rest[i] = (size_t)waiting;
		}
		if (job->rest[i] == 0) {
			close_fd(&job->output[i]);
		}
	}
}

void job_signal(const struct job *job, int number)
{
	/*
	 * The child may not have reached setsid() yet: then there is no such group,
	 * and the child alone is the group.
	 */
	if (job->pid > 0 && !job->ended && kill(-job->pid, number) != 0) {
		kill(job->pid, number);
	}
}

void job_close_input(struct job *job)
{
	close_fd(&job->input);
}

void job_close_output(struct job *job, int which)
{
	close_fd(&job->output[which]);
}

void job_abort(struct job *job)
{
	if (job->pid > 0 && !job->ended) {
		/*
		 * Its stdin stays open until it is dead: a command that reads a file
		 * from there must not take this for the file's end.
		 */
		struct pollfd end = { .fd = job->watch, .events = POLLIN };
		job_signal(job, SIGTERM);
		poll(&end, 1, ABORT_GRACE_MS);
		/* Before the pid is reaped: until then nobody else can have it. */
		job_signal(job, SIGKILL);
		job_collect(job);
	}
	job_finish(job);
}

void job_finish(struct job *job)
{
	close_fd(&job->watch);
	close_fd(&job->input);
	close_fd(&job->output[JOB_STDOUT]);
	close_fd(&job->output[JOB_STDERR]);
	job_init(job);
}
