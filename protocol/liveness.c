/* SPDX-License-Identifier: MIT */
#include "liveness.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum liveness_state liveness_observe(struct liveness *liveness, uint64_t untrusted, uint64_t now_ns)
{
	if (!liveness->seen) {
		liveness->seen = true;
		liveness->value = untrusted;
	} else if (liveness->value != untrusted) {
		liveness->value = untrusted;
		liveness->moved = true;
		liveness->moved_ns = now_ns;
	}
	return liveness_at(liveness, now_ns);
}

enum liveness_state liveness_at(const struct liveness *liveness, uint64_t now_ns)
{
	uint64_t silent_ns;

	if (!liveness->moved) {
		return LIVENESS_UNKNOWN;
	}
	silent_ns = clock_elapsed_ns(liveness->moved_ns, now_ns);
	if (silent_ns < LIVENESS_STALE_NS) {
		return LIVENESS_LIVE;
	}
	return silent_ns < LIVENESS_GONE_NS ? LIVENESS_STALE : LIVENESS_GONE;
}

/* Under the lock. The release fence inside also pushes it out of a write-combining buffer. */
static void beat(struct heartbeat *heartbeat)
{
	shared_store_release_u64(heartbeat->word, ++heartbeat->value);
	shared_fence_release();
}

static void *heartbeat_run(void *argument)
{
	struct heartbeat *heartbeat = argument;
	uint64_t next_ns = clock_now_ns();

	pthread_mutex_lock(&heartbeat->lock);
	while (!heartbeat->stop) {
		struct timespec until;

		if (heartbeat->resting) {
			pthread_cond_wait(&heartbeat->change, &heartbeat->lock);
			continue;
		}
		beat(heartbeat);
		next_ns += HEARTBEAT_NS;
		if (next_ns < clock_now_ns()) {
			next_ns = clock_now_ns() + HEARTBEAT_NS;
		}
		until.tv_sec = (time_t)(next_ns / NS_PER_S);
		until.tv_nsec = (long)(next_ns % NS_PER_S);
		while (!heartbeat->stop && !heartbeat->resting && clock_now_ns() < next_ns) {
			pthread_cond_timedwait(&heartbeat->change, &heartbeat->lock, &until);
		}
	}
	pthread_mutex_unlock(&heartbeat->lock);
	return NULL;
}

int heartbeat_start(struct heartbeat *heartbeat, shared_u64 *word)
{
	pthread_condattr_t attributes;
	sigset_t all;
	sigset_t before;
	int error;

	memset(heartbeat, 0, sizeof(*heartbeat));
	heartbeat->word = word;
	/* Any start value will do, but a restart should not repeat the one before. */
	heartbeat->value = clock_now_ns();
	pthread_mutex_init(&heartbeat->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&heartbeat->change, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Signals are for the main loop: its sleeps have to end, not this one's. But a SIGBUS is
	 * raised by the very store that hits a truncated file, and kills where it is blocked. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&heartbeat->thread, NULL, heartbeat_run, heartbeat);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		pthread_cond_destroy(&heartbeat->change);
		pthread_mutex_destroy(&heartbeat->lock);
		return -error;
	}
	heartbeat->running = true;
	return 0;
}

void heartbeat_rest(struct heartbeat *heartbeat)
{
	if (heartbeat->running) {
		pthread_mutex_lock(&heartbeat->lock);
		heartbeat->resting = true;
		beat(heartbeat);
		pthread_mutex_unlock(&heartbeat->lock);
	}
}

void heartbeat_resume(struct heartbeat *heartbeat)
{
	/* Only this thread changes it. */
	if (heartbeat->resting) {
		pthread_mutex_lock(&heartbeat->lock);
		heartbeat->resting = false;
		pthread_cond_signal(&heartbeat->change);
		pthread_mutex_unlock(&heartbeat->lock);
	}
}

void heartbeat_stop(struct heartbeat *heartbeat)
{
	if (!heartbeat->running) {
		return;
	}
	pthread_mutex_lock(&heartbeat->lock);
	heartbeat->stop = true;
	pthread_cond_signal(&heartbeat->change);
	pthread_mutex_unlock(&heartbeat->lock);
	pthread_join(heartbeat->thread, NULL);
	pthread_cond_destroy(&heartbeat->change);
	pthread_mutex_destroy(&heartbeat->lock);
	heartbeat->running = false;
	heartbeat->resting = false;
}
