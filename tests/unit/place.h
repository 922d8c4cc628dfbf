/* SPDX-License-Identifier: MIT */
/*
 * A folder of a test's own, one path in it, and sentences that were asked for. For tests only;
 * every test gets a new one.
 */
#ifndef ORIEL_TEST_PLACE_H
#define ORIEL_TEST_PLACE_H

#include "complaint.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

#define MIB ((size_t)1024 * 1024)

struct place {
	char folder[64];
	char path[96];
};

static inline int place_set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	snprintf(place->folder, sizeof(place->folder), "/tmp/oriel_test.XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	/* Others may look for the file; whether they may open it is the test. */
	assert_int_equal(chmod(place->folder, 0755), 0);
	snprintf(place->path, sizeof(place->path), "%s/region", place->folder);
	*state = place;
	return 0;
}

static inline int place_tear_down(void **state)
{
	struct place *place = *state;

	if (remove(place->path) != 0) {
		assert_int_equal(errno, ENOENT);
	}
	/* Fails when a half-made file was left. */
	assert_int_equal(rmdir(place->folder), 0);
	free(place);
	return 0;
}

static inline void make_file(const struct place *place, off_t size)
{
	int fd = open(place->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static inline void assert_says(const struct complaint *why, const char *words)
{
	if (!strstr(why->text, words)) {
		fail_msg("'%s' does not say '%s'", why->text, words);
	}
}

#endif
