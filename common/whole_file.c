/* SPDX-License-Identifier: MIT */
#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain_of(const char *path, int error, struct complaint *why)
{
	complain(why, "%.200s cannot be written: %s", path, strerror(-error));
	return error;
}

int whole_file_begin(struct whole_file *file, const char *path, struct complaint *why)
{
	struct stat status;
	bool in_place = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
	int flags = O_WRONLY | O_CLOEXEC;
	int fd;

	*file = (struct whole_file) { .path = path };
	if (!*path) {
		return complain_of(path, -ENOENT, why);
	}
	if (!in_place) {
		int length = snprintf(
		        file->made, sizeof(file->made), "%s.%ld.new", path, (long)getpid());

		if (length < 0 || (size_t)length >= sizeof(file->made)) {
			return complain_of(path, -ENAMETOOLONG, why);
		}
		/* Of a process of this number that was killed here. */
		unlink(file->made);
		flags |= O_CREAT | O_EXCL;
	}
	fd = open(in_place ? path : file->made, flags, 0666);
	if (fd < 0) {
		return complain_of(path, -errno, why);
	}
	file->stream = fdopen(fd, "w");
	if (!file->stream) {
		close(fd);
		return whole_file_end(file, -ENOMEM, why);
	}
	return 0;
}

int whole_file_check(const char *path, struct complaint *why)
{
	struct whole_file file;
	struct complaint unused;
	struct stat status;
	int error;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		/* To open a device may do things, and a FIFO waits for its reader. */
		return 0;
	}
	error = whole_file_begin(&file, path, why);
	if (!error) {
		whole_file_end(&file, -ECANCELED, &unused);
	}
	return error;
}

int whole_file_end(struct whole_file *file, int error, struct complaint *why)
{
	if (file->stream) {
		if (!error && (fflush(file->stream) != 0 || ferror(file->stream))) {
			error = errno ? -errno : -EIO;
		}
		if (fclose(file->stream) != 0 && !error) {
			error = -errno;
		}
		file->stream = NULL;
	}
	if (file->made[0]) {
		if (!error && rename(file->made, file->path) != 0) {
			error = -errno;
		}
		if (error) {
			unlink(file->made);
		}
	}
	return error ? complain_of(file->path, error, why) : 0;
}
