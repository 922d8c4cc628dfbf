/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "complaint.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *log_program = "oriel";
static enum log_level log_most = LOG_LEVEL_INFO;

/* A program may be started without them; the next file that it opens would take their place. */
static void hold_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		close(fd);
	}
}

void log_init(const char *program, enum log_level most)
{
	hold_standard_descriptors();
	log_program = program;
	log_most = most;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int used;

	if (level > log_most) {
		return;
	}
	used = snprintf(line, sizeof(line) - 1, "%s: ", log_program);
	va_start(arguments, format);
	used += vsnprintf(line + used, sizeof(line) - 1 - (size_t)used, format, arguments);
	va_end(arguments);
	if ((size_t)used > sizeof(line) - 2) {
		used = (int)sizeof(line) - 2;
	}
	complaint_clean(line);
	line[used++] = '\n';
	/* A log that cannot be written has nobody to be told. */
	(void)!write(STDERR_FILENO, line, (size_t)used);
}
