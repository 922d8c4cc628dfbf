/* SPDX-License-Identifier: MIT */
/*
 * The guest's first process after /init. It finds the virtio-serial ports that
 * the launcher made, keeps one worker process on each command port, tells the
 * launcher through the mark port that the guest is ready, and powers off when
 * asked there.
 *
 *   oriel.run.N   command ports, one client and one command at a time
 *   oriel.mark    guest -> host "READY\n", and "LOST N\n" when the worker of
 *                 oriel.run.N has died and is started anew;
 *                 host -> guest "poweroff\n"
 *
 * Usage: guest-agent COUNT    COUNT command ports are to be served before READY
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

#define PORTS_DIRECTORY "/sys/class/virtio-ports"
#define RUN_PREFIX      "oriel.run."
#define MARK_NAME       "oriel.mark"

enum { PORTS_MAX = 64, NAME_BYTES = 64 };

struct worker {
	char device[NAME_BYTES];
	unsigned long number; /* N of oriel.run.N */
	pid_t pid;
};

struct agent {
	struct worker workers[PORTS_MAX];
	size_t served;
	size_t expected;
	int mark;
	bool said_ready;
	int changes; /* kernel uevents */
	int deaths;  /* SIGCHLD */
};

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		return false;
	}
	bool got = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (got) {
		line[strcspn(line, "\n")] = '\0';
	}
	return got;
}

static int open_port(const char *device)
{
	char path[NAME_BYTES + sizeof("/dev/")];

	snprintf(path, sizeof(path), "/dev/%s", device);
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static void start_worker(struct worker *worker)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0) {
		worker->pid = pid > 0 ? pid : 0;
		return;
	}
	if (getppid() != parent) {
		_exit(1);
	}
	int port = open_port(worker->device);
	int error = port < 0 ? -errno : session_serve(port);
	fprintf(stderr, "guest-agent: %s: %s\n", worker->device, strerror(-error));
	_exit(1);
}

static struct worker *worker_of(struct agent *agent, const char *device)
{
	for (size_t i = 0; i < agent->served; i++) {
		if (strcmp(agent->workers[i].device, device) == 0) {
			return &agent->workers[i];
		}
	}
	return NULL;
}

static void take_port(struct agent *agent, const char *device)
{
	char path[2 * NAME_BYTES + sizeof(PORTS_DIRECTORY)];
	char name[NAME_BYTES];

	if (strlen(device) >= NAME_BYTES) {
		return;
	}
	snprintf(path, sizeof(path), PORTS_DIRECTORY "/%s/name", device);
	if (!read_line(path, name, sizeof(name))) {
		return; /* the name comes a little later, with a uevent of its own */
	}
	if (strcmp(name, MARK_NAME) == 0 && agent->mark < 0) {
		agent->mark = open_port(device);
	}
	bool is_run = strncmp(name, RUN_PREFIX, strlen(RUN_PREFIX)) == 0;
	if (is_run && agent->served < PORTS_MAX && !worker_of(agent, device)) {
		struct worker *worker = &agent->workers[agent->served++];
		snprintf(worker->device, sizeof(worker->device), "%s", device);
		worker->number = strtoul(name + strlen(RUN_PREFIX), NULL, 10);
		start_worker(worker);
	}
}

static void find_ports(struct agent *agent)
{
	DIR *directory = opendir(PORTS_DIRECTORY);

	if (!directory) {
		return; /* the driver is not there yet: uevents follow */
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] != '.') {
			take_port(agent, entry->d_name);
		}
	}
	closedir(directory);
}

static bool say(const struct agent *agent, const char *line)
{
	size_t length = strlen(line);

	return agent->mark >= 0 && write(agent->mark, line, length) == (ssize_t)length;
}

static void say_ready(struct agent *agent)
{
	if (!agent->said_ready && agent->served >= agent->expected) {
		agent->said_ready = say(agent, "READY\n");
	}
}

static void restart_worker(const struct agent *agent, struct worker *worker)
{
	char line[NAME_BYTES];

	snprintf(line, sizeof(line), "LOST %lu\n", worker->number);
	say(agent, line);
	start_worker(worker);
}

static void reap(struct agent *agent)
{
	struct signalfd_siginfo ignored;

	while (read(agent->deaths, &ignored, sizeof(ignored)) > 0) {
	}
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
		for (size_t i = 0; i < agent->served; i++) {
			if (agent->workers[i].pid == pid) {
				restart_worker(agent, &agent->workers[i]);
			}
		}
	}
}

static void read_mark(const struct agent *agent)
{
	char text[NAME_BYTES];
	ssize_t got = read(agent->mark, text, sizeof(text) - 1);

	if (got <= 0) {
		return;
	}
	text[got] = '\0';
	if (strstr(text, "poweroff")) {
		sync();
		reboot(RB_POWER_OFF);
	}
}

static void drain(int socket_fd)
{
	char event[8192];

	while (recv(socket_fd, event, sizeof(event), MSG_DONTWAIT) > 0) {
	}
}

static int open_events(struct agent *agent)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	sigset_t set;

	agent->changes = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (agent->changes < 0 ||
	        bind(agent->changes, (struct sockaddr *)&address, sizeof(address)) != 0) {
		return -errno;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	agent->deaths = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return agent->deaths < 0 ? -errno : 0;
}

int main(int count, char **arguments)
{
	static struct agent agent = { .mark = -1 };

	agent.expected = count > 1 ? strtoul(arguments[1], NULL, 10) : 1;
	signal(SIGPIPE, SIG_IGN);
	int error = open_events(&agent);
	if (error != 0) {
		fprintf(stderr, "guest-agent: no events: %s\n", strerror(-error));
		return 1;
	}
	for (;;) {
		find_ports(&agent);
		say_ready(&agent);
		struct pollfd set[] = {
			{ .fd = agent.changes, .events = POLLIN },
			{ .fd = agent.deaths, .events = POLLIN },
			{ .fd = agent.mark, .events = POLLIN },
		};
		if (poll(set, sizeof(set) / sizeof(set[0]), -1) < 0) {
			continue;
		}
		drain(agent.changes);
		reap(&agent);
		if (set[2].revents & POLLIN) {
			read_mark(&agent);
		}
	}
}
