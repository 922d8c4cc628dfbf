/* SPDX-License-Identifier: MIT */
/*
 * Files as shared memory: every unusable thing gets its own sentence (G1, G2), a full file system
 * is an error (G4).
 */
#include "region.h"
#include "place.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define NOBODY 65534

static void refuse(
        const struct place *place, enum region_access access, int error, const char *words)
{
	struct complaint why = { "" };
	struct region region;

	assert_int_equal(region_open(&region, place->path, access, NULL, &why), error);
	assert_null(region.bytes);
	assert_int_equal(region.fd, -1);
	assert_says(&why, words);
	region_close(&region);
}

static void a_missing_file_names_the_cure(void **state)
{
	refuse(*state, REGION_READ, -ENOENT, "--wait");
	refuse(*state, REGION_WRITE, -ENOENT, "--create");
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	static const struct {
		off_t size;
		int error;
		const char *words;
	} cases[] = {
		{ 0, -ENOENT, "empty" },
		{ 4096, -EINVAL, "4K (4096 bytes)" },
		{ MIB - 4096, -EINVAL, "between 1M and 1T" },
		{ MIB + 4096, -EINVAL, "anew with 2M" },
		{ 3 * MIB, -EINVAL, "anew with 4M" },
		{ 64 * MIB - 4096, -EINVAL, "anew with 64M" },
		{ 3000 * MIB, -EINVAL, "anew with 4G" },
	};
	const struct place *place = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_file(place, cases[i].size);
		refuse(place, REGION_READ, cases[i].error, cases[i].words);
		refuse(place, REGION_WRITE, cases[i].error, cases[i].words);
	}
}

static void large_files_keep_their_size(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct region region;

	make_file(place, (off_t)(4096 * MIB));
	assert_int_equal(region_open(&region, place->path, REGION_READ, NULL, &why), 0);
	assert_true(region.size == 4096 * MIB);
	region_close(&region);
}

static void other_kinds_of_files_are_refused(void **state)
{
	const struct place *place = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(mkdir(place->path, 0700), 0);
	refuse(place, REGION_READ, -EINVAL, "a directory");
	assert_int_equal(remove(place->path), 0);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	refuse(place, REGION_READ, -EINVAL, "a FIFO");
	refuse(place, REGION_READ_ONLY_FILE, -EINVAL, "a FIFO");
	assert_int_equal(remove(place->path), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", place->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	refuse(place, REGION_READ, -EINVAL, "a socket");
	close(fd);
	assert_int_equal(remove(place->path), 0);
	assert_int_equal(symlink("/dev/null", place->path), 0);
	refuse(place, REGION_READ, -EINVAL, "a device");
	assert_int_equal(remove(place->path), 0);
	assert_int_equal(symlink("nowhere", place->path), 0);
	refuse(place, REGION_READ, -ENOENT, "no such file");
}

static void a_symbolic_link_is_followed(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct region region;
	char real[128];

	snprintf(real, sizeof(real), "%s.real", place->path);
	make_file(place, (off_t)MIB);
	assert_int_equal(rename(place->path, real), 0);
	assert_int_equal(symlink(real, place->path), 0);
	assert_int_equal(region_open(&region, place->path, REGION_WRITE, NULL, &why), 0);
	assert_string_equal(region.mapping, "file");
	assert_string_equal(region.address, place->path);
	assert_false(region_was_replaced(&region));
	region_close(&region);
	assert_int_equal(remove(real), 0);
}

/* Runs in a child that is nobody; true when all its checks held. */
static bool as_nobody(const struct place *place, void (*run)(const struct place *place))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)) {
			_exit(2);
		}
		run(place);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* assert_*() of cmocka does not work in a child of the test. */
static void child_refused(const struct place *place, enum region_access access, const char *words)
{
	struct complaint why = { "" };
	struct region region;
	int error = region_open(&region, place->path, access, NULL, &why);

	if (error != -EACCES || !strstr(why.text, words)) {
		fprintf(stderr, "error %d, '%s' instead of '%s'\n", error, why.text, words);
		_exit(1);
	}
}

static void nothing_allowed(const struct place *place)
{
	child_refused(place, REGION_READ, "belongs to root (uid 0), mode 0600");
	child_refused(place, REGION_READ, place->path);
	child_refused(place, REGION_READ, "(uid 65534) may not write it");
	child_refused(place, REGION_WRITE, "chmod a+rw");
	child_refused(place, REGION_READ_ONLY_FILE, "chmod a+r ");
}

static void reading_allowed(const struct place *place)
{
	struct complaint why;
	struct region region;
	struct span part;

	child_refused(place, REGION_WRITE, "mode 0644");
	child_refused(place, REGION_READ, "--mode observe");
	if (region_open(&region, place->path, REGION_READ_ONLY_FILE, NULL, &why) != 0 ||
	        region.bytes[0] != 0 || region_map_writable(&region, 0, 4096, &part) != -EACCES) {
		_exit(1);
	}
	region_close(&region);
}

static void all_allowed(const struct place *place)
{
	struct complaint why;
	struct region region;

	if (region_open(&region, place->path, REGION_WRITE, NULL, &why) != 0) {
		_exit(1);
	}
	region_close(&region);
}

static void folder_closed(const struct place *place)
{
	child_refused(place, REGION_READ, "a folder on the way");
}

static void permissions_are_explained(void **state)
{
	const struct place *place = *state;

	if (geteuid() != 0) {
		skip();
	}
	make_file(place, (off_t)MIB);
	assert_true(as_nobody(place, nothing_allowed));
	assert_int_equal(chmod(place->path, 0644), 0);
	assert_true(as_nobody(place, reading_allowed));
	assert_int_equal(chmod(place->path, 0666), 0);
	assert_true(as_nobody(place, all_allowed));
	assert_int_equal(chmod(place->path, 0060), 0);
	assert_int_equal(chown(place->path, 0, NOBODY), 0);
	assert_true(as_nobody(place, all_allowed));
	assert_int_equal(chmod(place->folder, 0700), 0);
	assert_true(as_nobody(place, folder_closed));
}

static void created_memory_is_there_and_private(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct stat status;

	umask(0);
	assert_int_equal(region_create(place->path, 2 * MIB, &why), 0);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_true((size_t)status.st_size == 2 * MIB);
	assert_true((size_t)status.st_blocks * 512 >= 2 * MIB);
	assert_int_equal(region_create(place->path, 2 * MIB, &why), 0);
	assert_int_equal(region_create(place->path, 4 * MIB, &why), -EEXIST);
	assert_says(&why, "2M instead of 4M");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_int_equal(region_create(place->path, MIB, &why), -EINVAL);
	assert_says(&why, "a directory");
}

/* The tree's own check that nothing is left behind is the folder's removal in tear_down(). */
static void memory_that_is_not_there_is_an_error(void **state)
{
	const struct place *place = *state;
	struct complaint why = { "" };
	struct rlimit before;
	struct rlimit small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit) { MIB, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(region_create(place->path, 4 * MIB, &why), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_says(&why, "4M cannot be had");
	assert_int_equal(access(place->path, F_OK), -1);
	assert_int_equal(region_create("/nowhere/at/all", MIB, &why), -ENOENT);
}

static void a_full_file_system_is_an_error(void **state)
{
	struct complaint why = { "" };

	(void)state;
	/* More than any machine has; the file system gives up before it takes anything. */
	assert_int_equal(
	        region_create("/dev/shm/test_region_full", REGION_SIZE_MAX, &why), -ENOSPC);
	assert_says(&why, "needs 1T");
	assert_says(&why, "M free");
	assert_int_equal(access("/dev/shm/test_region_full", F_OK), -1);
}

/* In a mount namespace of its own; the exit code says what was seen. */
static void open_on_small_disk(const struct place *place)
{
	struct complaint why = { "" };
	struct region region;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	        mount("tmpfs", place->folder, "tmpfs", 0, "size=512K")) {
		_exit(2);
	}
	make_file(place, (off_t)MIB);
	/* Reading takes nothing; writing is refused now instead of a SIGBUS later. */
	if (region_open(&region, place->path, REGION_READ, NULL, &why) != 0) {
		_exit(1);
	}
	region_close(&region);
	if (region_open(&region, place->path, REGION_WRITE, NULL, &why) != -ENOSPC ||
	        !strstr(why.text, "1M") || region.bytes) {
		_exit(1);
	}
	unlink(place->path);
	if (region_create(place->path, MIB, &why) != -ENOSPC || !strstr(why.text, "only 0M free") ||
	        access(place->path, F_OK) == 0) {
		_exit(1);
	}
	_exit(0);
}

static void a_full_file_system_shows_before_the_first_touch(void **state)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		open_on_small_disk(*state);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2) {
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_missing_file_names_the_cure),
		TEST(sizes_that_cannot_be_are_refused),
		TEST(large_files_keep_their_size),
		TEST(other_kinds_of_files_are_refused),
		TEST(a_symbolic_link_is_followed),
		TEST(permissions_are_explained),
		TEST(created_memory_is_there_and_private),
		TEST(memory_that_is_not_there_is_an_error),
		TEST(a_full_file_system_is_an_error),
		TEST(a_full_file_system_shows_before_the_first_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
