/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the other side. A wake-up is a hint: it may be early, late, doubled or lost; the ring
 * is the truth, so whoever waits looks again, and no wait is longer than WAKEUP_LIMIT_NS.
 *
 * With a doorbell: say that we sleep (arm), look once more, sleep until somebody rings, look.
 * Model: protocol/model/wake.pml. Rings that come in masses with nothing behind them, or that never
 * come though there was something, mean that the doorbell is no good: it is left alone for a while.
 *
 * Without one: look again after short sleeps that grow while nothing happens. Who tells of each
 * frame (wakeup_learn) sleeps through until just before the next one is expected, and looks often
 * from then on: a steady stream costs little and is noticed at once.
 *
 * Either way a wait that follows upon news spins first, for WAKEUP_SPIN_NS, unless the next frame
 * is known to be farther away: two awake sides meet without a system call.
 */
#ifndef ORIEL_WAKEUP_H
#define ORIEL_WAKEUP_H

#include "arrival.h"
#include "clock.h"
#include "doorbell.h"

#include <stdbool.h>
#include <stdint.h>

#define WAKEUP_SPIN_NS  (50 * NS_PER_US)
#define WAKEUP_LIMIT_NS (100 * NS_PER_MS)
#define WAKEUP_STORM    2000u          /* so many fruitless wake-ups a second are a storm */
#define WAKEUP_LOST     3u             /* so many sleeps in a row without the ring that was due */
#define WAKEUP_MASK_NS  (5 * NS_PER_S) /* a doorbell that is no good is left alone for so long */
#define WAKEUP_GRACE_NS NS_PER_MS      /* a ring may lag so far behind what it tells of */

enum wakeup_way {
	WAKEUP_AUTO,     /* a doorbell where there is one, else as WAKEUP_POLL */
	WAKEUP_DOORBELL, /* the same; the caller makes sure that there is one */
	WAKEUP_POLL,     /* never listens to a doorbell */
	WAKEUP_SPIN,     /* never sleeps */
};

struct wakeup_wish {
	/* Is there something to do? Cheap, reads shared memory, called many times. */
	bool (*holds)(void *argument);
	/* Says to the other side that we are about to sleep; NULL: it rings unasked. */
	void (*arm)(void *argument);
	/* Says that we sleep no more. */
	void (*disarm)(void *argument);
	void *argument;
};

enum wakeup_end {
	WAKEUP_NEWS,    /* the wish holds */
	WAKEUP_EVENT,   /* the other descriptor is readable */
	WAKEUP_TIMEOUT, /* neither came in time */
	WAKEUP_STOPPED, /* a signal asked the program to stop */
};

/* More than WAKEUP_STORM in a second, and it is not listened to until masked_until_ns. */
struct wakeup_storm {
	uint64_t second_ns;
	uint64_t masked_until_ns;
	unsigned count;
};

/* For run.json and the overlay; docs/measuring.md says what each is. */
struct wakeup_counts {
	uint64_t waits;
	uint64_t sleeps;   /* on a doorbell: announced, and rung for at most once each */
	uint64_t rung;     /* sleeps that a ring ended */
	uint64_t spurious; /* those of them that found nothing */
	uint64_t timeouts; /* waits that their limit ended with nothing there */
	uint64_t lost;  /* sleeps on a doorbell that only their limit ended, with something there */
	uint64_t masks; /* how often the doorbell was left alone */
};

struct wakeup {
	enum wakeup_way way;
	struct doorbell *doorbell; /* NULL, or one that can ring us */
	int events_fd;             /* -1: none */
	struct arrival arrival;    /* when the next frame is expected; empty: nobody tells us */
	uint64_t sleep_ns;         /* the next sleep, when nothing is expected */
	uint64_t longest_ns;       /* what it may grow to */
	bool is_quiet;             /* the last wait came to nothing */
	unsigned lost_row;
	struct wakeup_storm bell_storm;
	struct wakeup_storm event_storm;
	struct wakeup_counts counts;
};

/* longest_ns: what one sleep without a doorbell may grow to while nothing happens. */
void wakeup_init(struct wakeup *wakeup, enum wakeup_way way, uint64_t longest_ns);

/* "auto", "doorbell", "poll", "spin". returns: false for anything else */
bool wakeup_parse_way(const char *text, enum wakeup_way *way);
const char *wakeup_way_name(enum wakeup_way way);

/* What one sleep without a doorbell may grow to from now on. */
void wakeup_relax(struct wakeup *wakeup, uint64_t longest_ns);

/*
 * The doorbell that the other side will ring, NULL from now on for none; the caller's. Cheap enough
 * for before every wait. One that cannot be rung, or may not by the way of waking, is as none.
 */
void wakeup_listen(struct wakeup *wakeup, struct doorbell *doorbell);

/* How we wait at this moment: "doorbell", "poll" or "spin". */
const char *wakeup_in_use(const struct wakeup *wakeup, uint64_t now_ns);

/*
 * Makes this thread's sleeps end on time: the kernel adds 50 us of slack to each unless it is told
 * otherwise. Once, by the thread that will wait.
 */
void wakeup_sharpen(void);

/* A frame was seen: see arrival_note(). */
void wakeup_learn(
        struct wakeup *wakeup, uint64_t sequence, uint64_t published_ns, uint64_t seen_ns);

/*
 * Waits until the wish holds, something comes on events_fd, or timeout_ns (cut to WAKEUP_LIMIT_NS)
 * is over.
 * order: arm, then holds; the caller's arm ends in a full fence
 */
enum wakeup_end wakeup_wait(
        struct wakeup *wakeup, const struct wakeup_wish *wish, uint64_t timeout_ns);

#endif
