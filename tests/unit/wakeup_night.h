/* SPDX-License-Identifier: MIT */
/*
 * A wait with a doorbell, in which the other side is a script that is played at our own looks: in
 * the window that it is about, however the machine's time goes. For tests only.
 */
#ifndef ORIEL_TEST_WAKEUP_NIGHT_H
#define ORIEL_TEST_WAKEUP_NIGHT_H

#include "wakeup.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

#define SHORT_NS (2 * NS_PER_MS)

struct night;

/* Plays the other side. armed: the first look since arm is number 1; 0 for those while awake */
typedef void play(struct night *night, unsigned armed);

struct night {
	struct wakeup wakeup;
	struct doorbell bell;
	play *before; /* a look */
	play *behind; /* a look: what it does is too late for it */
	bool news;
	bool is_armed;
	unsigned armed_looks;
	unsigned looks;
	unsigned arms;
	unsigned disarms;
	unsigned turn; /* for scripts */
};

static inline bool look(void *argument)
{
	struct night *night = argument;
	bool found;

	night->looks++;
	night->armed_looks += night->is_armed;
	if (night->before) {
		night->before(night, night->armed_looks);
	}
	found = night->news;
	if (night->behind) {
		night->behind(night, night->armed_looks);
	}
	return found;
}

static inline void arm(void *argument)
{
	struct night *night = argument;

	assert_false(night->is_armed);
	night->is_armed = true;
	night->armed_looks = 0;
	night->arms++;
}

static inline void disarm(void *argument)
{
	struct night *night = argument;

	assert_true(night->is_armed);
	night->is_armed = false;
	night->armed_looks = 0;
	night->disarms++;
}

static inline void ring(const struct night *night)
{
	uint64_t one = 1;

	assert_int_equal(write(night->bell.fd, &one, sizeof(one)), sizeof(one));
}

static inline bool is_readable(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	return poll(&readable, 1, 0) > 0;
}

static inline void set_up_way(struct night *night, enum wakeup_way way)
{
	memset(night, 0, sizeof(*night));
	night->bell.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(night->bell.fd >= 0);
	wakeup_init(&night->wakeup, way, NS_PER_MS);
	wakeup_listen(&night->wakeup, &night->bell);
}

static inline void set_up(struct night *night)
{
	set_up_way(night, WAKEUP_DOORBELL);
}

static inline void tear_down(struct night *night)
{
	assert_false(night->is_armed);
	assert_int_equal(night->arms, night->disarms);
	close(night->bell.fd);
}

/* Waits once more, for news that are still to come. */
static inline enum wakeup_end wait_for(struct night *night, uint64_t timeout_ns)
{
	const struct wakeup_wish wish = { look, arm, disarm, night };

	night->news = false;
	return wakeup_wait(&night->wakeup, &wish, timeout_ns);
}

/* A process that stands still for the whole time before it sleeps has to try again. */
static inline void wait_for_news(struct night *night, uint64_t timeout_ns)
{
	enum wakeup_end end = WAKEUP_TIMEOUT;

	for (unsigned i = 0; i < 20 && end == WAKEUP_TIMEOUT; i++) {
		end = wait_for(night, timeout_ns);
	}
	assert_int_equal(end, WAKEUP_NEWS);
}

static inline bool is_in_use(const struct night *night, const char *way)
{
	return strcmp(wakeup_in_use(&night->wakeup, clock_now_ns()), way) == 0;
}

static inline void news_and_ring(struct night *night, unsigned armed)
{
	if (armed == 1) {
		night->news = true;
		ring(night);
	}
}

#endif
