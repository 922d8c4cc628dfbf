/* SPDX-License-Identifier: MIT */
/*
 * A region that is a file, in /dev/shm most often. What can be wrong with such a file is what
 * people ask about most, so most of this file is answers.
 */
#include "region_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define USER_NAME_ROOM   64
#define FORMAT_SIZE_ROOM 24

/* "alice (uid 1000)" */
static const char *user_name(uid_t uid, char text[USER_NAME_ROOM])
{
	char room[1024];
	struct passwd entry;
	struct passwd *found = NULL;

	if (getpwuid_r(uid, &entry, room, sizeof(room), &found) == 0 && found) {
		snprintf(text, USER_NAME_ROOM, "%.32s (uid %u)", entry.pw_name, (unsigned)uid);
	} else {
		snprintf(text, USER_NAME_ROOM, "uid %u", (unsigned)uid);
	}
	return text;
}

/* Do owner, group and mode let us in, whatever else does not? */
static bool mode_allows(const struct stat *status, mode_t wanted)
{
	unsigned shift = 0;

	if (geteuid() == 0) {
		return true;
	}
	if (status->st_uid == geteuid()) {
		shift = 6;
	} else if (status->st_gid == getegid() || group_member(status->st_gid)) {
		shift = 3;
	}
	return (status->st_mode >> shift & wanted) == wanted;
}

static int complain_of_access(const char *path, const struct stat *status,
        enum region_access access, struct complaint *why)
{
	bool reading = access == REGION_READ_ONLY_FILE;
	mode_t wanted = reading ? 4 : 6;
	char me[USER_NAME_ROOM];
	char owner[USER_NAME_ROOM];

	user_name(geteuid(), me);
	user_name(status->st_uid, owner);
	if (mode_allows(status, wanted)) {
		complain(why,
		        "%s may not %s it although its owner %s and its mode %04o allow that: a "
		        "security module (AppArmor, SELinux) says no; its log or dmesg names the "
		        "rule",
		        me, reading ? "read" : "write", owner, (unsigned)status->st_mode & 07777u);
		return -EACCES;
	}
	complain(why,
	        "%s may not %s it: it belongs to %s, mode %04o. As its owner run "
	        "'chmod %s %.120s', or chgrp it to a group of yours and chmod %s%s",
	        me, reading ? "read" : "write", owner, (unsigned)status->st_mode & 07777u,
	        reading ? "a+r" : "a+rw", path, reading ? "g+r" : "g+rw",
	        !reading && mode_allows(status, 4) ? "; or only look, with --mode observe" : "");
	return -EACCES;
}

/* What stat() or open() said, and the cure. */
static int complain_of_path(const char *path, int error, struct complaint *why)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		complain(why, "there is no such file; start the guest first, wait for it with "
		              "--wait, or make the file with --create");
		return -ENOENT;
	case EACCES:
		complain(why,
		        "a folder on the way to %.200s may not be searched; chmod a+x it or use "
		        "/dev/shm",
		        path);
		return -EACCES;
	default:
		complain(why, "cannot be opened: %s", strerror(error));
		return -error;
	}
}

static const char *kind_of_file(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

int region_file_open(
        struct region *region, const char *path, enum region_access access, struct complaint *why)
{
	struct stat status;
	int fd;

	/* Looked at before it is opened: opening a device may do things. */
	if (stat(path, &status) != 0) {
		return complain_of_path(path, errno, why);
	}
	if (kind_of_file(status.st_mode)) {
		complain(why, "is %s; shared memory is a plain file, such as " REGION_DEFAULT,
		        kind_of_file(status.st_mode));
		return -EINVAL;
	}
	fd = open(path, region_open_flags(access));
	if (fd < 0) {
		return errno == EACCES ? complain_of_access(path, &status, access, why)
		                       : complain_of_path(path, errno, why);
	}
	if (fstat(fd, &status) != 0 || kind_of_file(status.st_mode) || status.st_size == 0) {
		/* QEMU makes a file first and gives it a size a moment later. */
		complain(why, "is empty (0 bytes); start the guest that gives it its size, wait "
		              "for it with --wait, or remove it and use --create");
		close(fd);
		return -ENOENT;
	}
	return region_map(region, fd, path, access, "file", why);
}

static int complain_of_space(const char *path, uint64_t size, int error, struct complaint *why)
{
	char needed[FORMAT_SIZE_ROOM];
	struct statvfs space;
	uint64_t free_mib = 0;

	if (error != ENOSPC && error != EDQUOT) {
		complain(why, "%s cannot be had: %s", region_format_size(size, needed),
		        strerror(error));
		return -error;
	}
	if (statvfs(path, &space) == 0) {
		free_mib = (uint64_t)space.f_bavail * space.f_frsize >> 20;
	}
	complain(why,
	        "needs %s, but its file system has only %" PRIu64 "M free; remove what is not "
	        "needed there, or enlarge it (mount -o remount,size=...)",
	        region_format_size(size, needed), free_mib);
	return -error;
}

/* One that exists already will do if it has the size. */
static int check_existing(const char *path, uint64_t size, struct complaint *why)
{
	char is[FORMAT_SIZE_ROOM];
	char wanted[FORMAT_SIZE_ROOM];
	struct stat status;

	if (stat(path, &status) != 0) {
		return complain_of_path(path, errno, why);
	}
	if (kind_of_file(status.st_mode)) {
		complain(why, "is there already, and is %s", kind_of_file(status.st_mode));
		return -EINVAL;
	}
	if ((uint64_t)status.st_size != size) {
		complain(why,
		        "is there already with %s instead of %s; use that size, or remove it when "
		        "no guest uses it",
		        region_format_size((uint64_t)status.st_size, is),
		        region_format_size(size, wanted));
		return -EEXIST;
	}
	return 0;
}

/*
 * The file gets its size under another name, so that nobody ever maps half of it. posix_fallocate()
 * takes the memory now: with ftruncate() a full tmpfs would be a SIGBUS in QEMU later.
 */
int region_file_create(const char *path, uint64_t size, struct complaint *why)
{
	char made[REGION_ADDRESS_SIZE + 8];
	int error;
	int fd;

	if (strlen(path) >= REGION_ADDRESS_SIZE) {
		complain(why, "is longer than %u characters", REGION_ADDRESS_SIZE - 1);
		return -EINVAL;
	}
	if (access(path, F_OK) == 0) {
		return check_existing(path, size, why);
	}
	snprintf(made, sizeof(made), "%s.XXXXXX", path);
	fd = mkostemp(made, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		error = -errno;
		complain(why,
		        "cannot be made: %s; name a file in a folder that is there and may be "
		        "written, such as " REGION_DEFAULT,
		        strerror(errno));
		return error;
	}
	error = posix_fallocate(fd, 0, (off_t)size);
	if (error) {
		/* First of all give back what was had, or "free" would be too little. */
		(void)!ftruncate(fd, 0);
		error = complain_of_space(made, size, error, why);
	} else if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
		error = errno == EEXIST ? check_existing(path, size, why)
		                        : complain_of_space(path, size, errno, why);
	} else {
		close(fd);
		return 0;
	}
	unlink(made);
	close(fd);
	return error;
}
