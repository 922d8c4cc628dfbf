/* SPDX-License-Identifier: MIT */
#include "window_snapshot.h"

#include "png_file.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *snapshot_run(void *argument)
{
	struct window_snapshot *snapshot = argument;

	snapshot->result =
	        png_file_write(snapshot->path, &snapshot->info, snapshot->pixels, &snapshot->why);
	/* Pairs with the load in window_snapshot_poll(). */
	atomic_store_explicit(&snapshot->is_done, true, memory_order_release);
	return NULL;
}

/* Signals are for the thread that asks stop_requested(): its sleep has to end. */
static int thread_start(struct window_snapshot *snapshot)
{
	sigset_t all;
	sigset_t before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&snapshot->thread, NULL, snapshot_run, snapshot);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

static int name_picture(struct window_snapshot *snapshot, const char *folder, uint64_t sequence)
{
	time_t now = time(NULL);
	struct tm local;
	char date[32];
	int length;

	localtime_r(&now, &local);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &local);
	length = snprintf(snapshot->path, sizeof(snapshot->path), "%s/oriel-%s-%" PRIu64 ".png",
	        folder ? folder : ".", date, sequence);
	return (size_t)length < sizeof(snapshot->path) ? 0 : -ENAMETOOLONG;
}

void window_snapshot_init(struct window_snapshot *snapshot)
{
	memset(snapshot, 0, sizeof(*snapshot));
	atomic_init(&snapshot->is_done, false);
}

int window_snapshot_begin(struct window_snapshot *snapshot, const char *folder, uint64_t sequence,
        const struct frame_info *info, void *pixels, struct complaint *why)
{
	int result = -EBUSY;

	if (!snapshot->is_busy) {
		result = name_picture(snapshot, folder, sequence);
	}
	if (result == 0) {
		snapshot->info = *info;
		snapshot->pixels = pixels;
		atomic_store_explicit(&snapshot->is_done, false, memory_order_relaxed);
		result = thread_start(snapshot);
	}
	if (result != 0) {
		complain(why, "%s",
		        result == -EBUSY ? "the last picture is still being saved"
		                         : strerror(-result));
		free(pixels);
		return result;
	}
	snapshot->is_busy = true;
	return 0;
}

bool window_snapshot_wait(struct window_snapshot *snapshot, int *result)
{
	if (!snapshot->is_busy) {
		return false;
	}
	pthread_join(snapshot->thread, NULL);
	free(snapshot->pixels);
	snapshot->pixels = NULL;
	snapshot->is_busy = false;
	*result = snapshot->result;
	return true;
}

bool window_snapshot_poll(struct window_snapshot *snapshot, int *result)
{
	return atomic_load_explicit(&snapshot->is_done, memory_order_acquire) &&
	       window_snapshot_wait(snapshot, result);
}
