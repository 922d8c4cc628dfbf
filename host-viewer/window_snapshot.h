/* SPDX-License-Identifier: MIT */
/*
 * Saves pictures that the person at the window asks for. Compressing a 4K picture takes longer than
 * a producer waits for its consumer, so a thread of this module's own does it, one at a time.
 */
#ifndef ORIEL_WINDOW_SNAPSHOT_H
#define ORIEL_WINDOW_SNAPSHOT_H

#include "complaint.h"
#include "frame.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct window_snapshot {
	bool is_busy;        /* a thread runs or waits to be joined */
	atomic_bool is_done; /* set last by the thread: all below is ours again */
	pthread_t thread;
	char path[PATH_MAX];
	struct frame_info info;
	void *pixels; /* owned while busy */
	int result;
	struct complaint why;
};

void window_snapshot_init(struct window_snapshot *snapshot);

/*
 * Begins to save folder/oriel-<date>-<sequence>.png. folder: NULL is where the program was started
 * pixels:  become the snapshot's, which free()s them, whatever is returned
 * returns: 0; -EBUSY while the one before is being saved; or another -errno, complaint filled
 */
int window_snapshot_begin(struct window_snapshot *snapshot, const char *folder, uint64_t sequence,
        const struct frame_info *info, void *pixels, struct complaint *why);

/*
 * Has a picture been saved since the last call? Then *result is 0 and snapshot->path is where, or
 * *result is -errno and snapshot->why says why not.
 */
bool window_snapshot_poll(struct window_snapshot *snapshot, int *result);

/* The same, but waits for one that is being saved: called at the end, so that none is lost. */
bool window_snapshot_wait(struct window_snapshot *snapshot, int *result);

#endif
