/* SPDX-License-Identifier: MIT */
#include "wakeup.h"
#include "log.h"
#include "stop.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>

#define WAKEUP_SHORTEST_NS (50 * NS_PER_US)
/* Looks at most within the time in which a frame is expected: what a jittering stream may cost. */
#define WAKEUP_LOOKS    80u
#define WAKEUP_SLACK_NS 1000ul
/* Looks between two looks at the clock, which costs up to 1 us in a guest. */
#define WAKEUP_SPIN_LOOKS 16u
/* Who spins for long still looks at events_fd, which is a system call. */
#define WAKEUP_EVENTS_NS NS_PER_MS

static const char *const way_names[] = {
	[WAKEUP_AUTO] = "auto",
	[WAKEUP_DOORBELL] = "doorbell",
	[WAKEUP_POLL] = "poll",
	[WAKEUP_SPIN] = "spin",
};

bool wakeup_parse_way(const char *text, enum wakeup_way *way)
{
	for (unsigned i = 0; i < sizeof(way_names) / sizeof(way_names[0]); i++) {
		if (strcmp(text, way_names[i]) == 0) {
			*way = (enum wakeup_way)i;
			return true;
		}
	}
	return false;
}

const char *wakeup_way_name(enum wakeup_way way)
{
	return way_names[way];
}

void wakeup_init(struct wakeup *wakeup, enum wakeup_way way, uint64_t longest_ns)
{
	*wakeup = (struct wakeup) {
		.way = way,
		.events_fd = -1,
		.sleep_ns = WAKEUP_SHORTEST_NS,
	};
	wakeup_relax(wakeup, longest_ns);
}

void wakeup_relax(struct wakeup *wakeup, uint64_t longest_ns)
{
	wakeup->longest_ns = longest_ns < WAKEUP_LIMIT_NS ? longest_ns : WAKEUP_LIMIT_NS;
	if (wakeup->sleep_ns > wakeup->longest_ns) {
		wakeup->sleep_ns = wakeup->longest_ns;
	}
}

void wakeup_listen(struct wakeup *wakeup, struct doorbell *doorbell)
{
	bool may = wakeup->way == WAKEUP_AUTO || wakeup->way == WAKEUP_DOORBELL;

	wakeup->doorbell = may && doorbell && doorbell->fd >= 0 ? doorbell : NULL;
}

static bool is_masked(const struct wakeup_storm *storm, uint64_t now_ns)
{
	return now_ns < storm->masked_until_ns;
}

static bool is_listening(const struct wakeup *wakeup, uint64_t now_ns)
{
	return wakeup->doorbell && !is_masked(&wakeup->bell_storm, now_ns);
}

const char *wakeup_in_use(const struct wakeup *wakeup, uint64_t now_ns)
{
	if (wakeup->way == WAKEUP_SPIN) {
		return wakeup_way_name(WAKEUP_SPIN);
	}
	return wakeup_way_name(is_listening(wakeup, now_ns) ? WAKEUP_DOORBELL : WAKEUP_POLL);
}

void wakeup_sharpen(void)
{
	prctl(PR_SET_TIMERSLACK, WAKEUP_SLACK_NS);
}

void wakeup_learn(struct wakeup *wakeup, uint64_t sequence, uint64_t published_ns, uint64_t seen_ns)
{
	arrival_note(&wakeup->arrival, sequence, published_ns, seen_ns);
}

/* Leaves the core's other thread, or the hypervisor, some room. */
static inline void cpu_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" : : : "memory");
#else
	__asm__ volatile("" : : : "memory");
#endif
}

static bool spin(const struct wakeup_wish *wish, uint64_t until_ns)
{
	do {
		for (unsigned i = 0; i < WAKEUP_SPIN_LOOKS; i++) {
			if (wish->holds(wish->argument)) {
				return true;
			}
			cpu_pause();
		}
	} while (clock_now_ns() < until_ns);
	return false;
}

/* One more wake-up that led to nothing. returns: true when that made it a storm */
static bool note_fruitless(struct wakeup_storm *storm, uint64_t now_ns)
{
	if (clock_elapsed_ns(storm->second_ns, now_ns) >= NS_PER_S) {
		storm->second_ns = now_ns;
		storm->count = 0;
	}
	if (++storm->count <= WAKEUP_STORM) {
		return false;
	}
	storm->count = 0;
	storm->masked_until_ns = now_ns + WAKEUP_MASK_NS;
	return true;
}

static void mask_doorbell(struct wakeup *wakeup, uint64_t now_ns, const char *why)
{
	wakeup->lost_row = 0;
	wakeup->bell_storm.masked_until_ns = now_ns + WAKEUP_MASK_NS;
	if (wakeup->counts.masks++ == 0) {
		log_warning("the doorbell %s: polling for %u s before it is listened to again", why,
		        (unsigned)(WAKEUP_MASK_NS / NS_PER_S));
	}
}

enum sleep_end { SLEEP_OVER, SLEEP_RUNG, SLEEP_EVENT };

/* until_ns: our clock. bell_fd, events_fd: -1 not to listen */
static enum sleep_end sleep_until(
        struct wakeup *wakeup, int bell_fd, int events_fd, uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = clock_elapsed_ns(now_ns, until_ns);
	/* ppoll() passes over a descriptor of -1. */
	struct pollfd fds[] = {
		{ .fd = bell_fd, .events = POLLIN },
		{ .fd = is_masked(&wakeup->event_storm, now_ns) ? -1 : events_fd,
		        .events = POLLIN },
	};
	struct timespec left = {
		.tv_sec = (time_t)(left_ns / NS_PER_S),
		.tv_nsec = (long)(left_ns % NS_PER_S),
	};

	if (ppoll(fds, sizeof(fds) / sizeof(fds[0]), &left, NULL) <= 0) {
		return SLEEP_OVER;
	}
	if (fds[0].revents) {
		return SLEEP_RUNG;
	}
	note_fruitless(&wakeup->event_storm, clock_now_ns());
	return SLEEP_EVENT;
}

/*
 * How long until the next look is worth it: through to the time in which a frame is expected, short
 * within it; behind it, or where nothing is expected, longer and longer.
 */
static uint64_t next_sleep_ns(struct wakeup *wakeup, uint64_t now_ns)
{
	struct arrival_window window;
	uint64_t sleep_ns;

	if (arrival_expect(&wakeup->arrival, &window) && now_ns < window.late_ns) {
		sleep_ns = (window.late_ns - window.early_ns) / WAKEUP_LOOKS;
		sleep_ns = sleep_ns > WAKEUP_SHORTEST_NS ? sleep_ns : WAKEUP_SHORTEST_NS;
		return now_ns < window.early_ns ? window.early_ns - now_ns : sleep_ns;
	}
	sleep_ns = wakeup->sleep_ns;
	wakeup->sleep_ns *= 2;
	if (wakeup->sleep_ns > wakeup->longest_ns) {
		wakeup->sleep_ns = wakeup->longest_ns;
	}
	return sleep_ns;
}

static enum wakeup_end sleep_and_look(
        struct wakeup *wakeup, const struct wakeup_wish *wish, uint64_t until_ns)
{
	while (!stop_requested()) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = clock_elapsed_ns(now_ns, until_ns);
		uint64_t sleep_ns;
		enum sleep_end end;

		if (left_ns == 0) {
			wakeup->counts.timeouts++;
			return WAKEUP_TIMEOUT;
		}
		sleep_ns = next_sleep_ns(wakeup, now_ns);
		wakeup->counts.sleeps++;
		end = sleep_until(wakeup, -1, wakeup->events_fd,
		        now_ns + (sleep_ns < left_ns ? sleep_ns : left_ns));
		if (wish->holds(wish->argument)) {
			return WAKEUP_NEWS;
		}
		if (end == SLEEP_EVENT) {
			return WAKEUP_EVENT;
		}
	}
	return WAKEUP_STOPPED;
}

/* Something is there, and no ring told us: does it come after all? An event would not say. */
static void note_lost(struct wakeup *wakeup)
{
	uint64_t now_ns = clock_now_ns();

	if (sleep_until(wakeup, wakeup->doorbell->fd, -1, now_ns + WAKEUP_GRACE_NS) == SLEEP_RUNG) {
		doorbell_drain(wakeup->doorbell);
		wakeup->counts.rung++;
		wakeup->lost_row = 0;
		return;
	}
	wakeup->counts.lost++;
	if (++wakeup->lost_row >= WAKEUP_LOST) {
		mask_doorbell(wakeup, now_ns, "stays silent although frames come");
	}
}

/*
 * One sleep, armed. It is looked before the rings are drained: one that comes in between is a ring
 * of something that the next look finds, for nobody sleeps without a look.
 * returns: WAKEUP_TIMEOUT also when the sleep may go on
 */
static enum wakeup_end sleep_armed(
        struct wakeup *wakeup, const struct wakeup_wish *wish, uint64_t until_ns)
{
	enum sleep_end end;
	bool found;

	if (wish->holds(wish->argument)) {
		return WAKEUP_NEWS;
	}
	end = sleep_until(wakeup, wakeup->doorbell->fd, wakeup->events_fd, until_ns);
	found = wish->holds(wish->argument);
	if (end == SLEEP_RUNG) {
		doorbell_drain(wakeup->doorbell);
		wakeup->counts.rung++;
		wakeup->lost_row = 0;
		wakeup->counts.spurious += !found;
		if (!found && note_fruitless(&wakeup->bell_storm, clock_now_ns())) {
			mask_doorbell(wakeup, clock_now_ns(), "rings in a storm");
		}
	} else if (end == SLEEP_OVER && found) {
		note_lost(wakeup);
	}
	if (found) {
		return WAKEUP_NEWS;
	}
	return end == SLEEP_EVENT ? WAKEUP_EVENT : WAKEUP_TIMEOUT;
}

static enum wakeup_end sleep_until_rung(
        struct wakeup *wakeup, const struct wakeup_wish *wish, uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();

	while (!stop_requested()) {
		enum wakeup_end end;

		if (now_ns >= until_ns) {
			wakeup->counts.timeouts++;
			return WAKEUP_TIMEOUT;
		}
		if (!is_listening(wakeup, now_ns)) {
			return sleep_and_look(wakeup, wish, until_ns);
		}
		wakeup->counts.sleeps++;
		if (wish->arm) {
			wish->arm(wish->argument);
		}
		end = sleep_armed(wakeup, wish, until_ns);
		if (wish->disarm) {
			wish->disarm(wish->argument);
		}
		if (end != WAKEUP_TIMEOUT) {
			return end;
		}
		now_ns = clock_now_ns();
	}
	return WAKEUP_STOPPED;
}

static enum wakeup_end spin_and_look(
        struct wakeup *wakeup, const struct wakeup_wish *wish, uint64_t until_ns)
{
	while (!stop_requested()) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = clock_elapsed_ns(now_ns, until_ns);
		struct pollfd events = { .fd = wakeup->events_fd, .events = POLLIN };

		if (spin(wish,
		            now_ns + (left_ns < WAKEUP_EVENTS_NS ? left_ns : WAKEUP_EVENTS_NS))) {
			return WAKEUP_NEWS;
		}
		if (left_ns == 0) {
			wakeup->counts.timeouts++;
			return WAKEUP_TIMEOUT;
		}
		if (wakeup->events_fd >= 0 && poll(&events, 1, 0) > 0) {
			return WAKEUP_EVENT;
		}
	}
	return WAKEUP_STOPPED;
}

/* Nothing is expected for longer than a spin takes. */
static bool is_early(const struct wakeup *wakeup, uint64_t now_ns)
{
	struct arrival_window window;

	return wakeup->is_quiet || (arrival_expect(&wakeup->arrival, &window) &&
	                                   now_ns + WAKEUP_SPIN_NS < window.early_ns);
}

enum wakeup_end wakeup_wait(
        struct wakeup *wakeup, const struct wakeup_wish *wish, uint64_t timeout_ns)
{
	uint64_t start_ns = clock_now_ns();
	enum wakeup_end end;
	uint64_t until_ns;
	uint64_t spin_ns;

	timeout_ns = timeout_ns < WAKEUP_LIMIT_NS ? timeout_ns : WAKEUP_LIMIT_NS;
	until_ns = start_ns + timeout_ns;
	spin_ns = timeout_ns < WAKEUP_SPIN_NS ? timeout_ns : WAKEUP_SPIN_NS;
	wakeup->counts.waits++;
	if (wakeup->way == WAKEUP_SPIN) {
		return spin_and_look(wakeup, wish, until_ns);
	}
	if (is_early(wakeup, start_ns) ? wish->holds(wish->argument)
	                               : spin(wish, start_ns + spin_ns)) {
		end = WAKEUP_NEWS;
	} else {
		end = sleep_until_rung(wakeup, wish, until_ns);
	}
	wakeup->is_quiet = end != WAKEUP_NEWS;
	if (end == WAKEUP_NEWS) {
		wakeup->sleep_ns = WAKEUP_SHORTEST_NS;
		wakeup_relax(wakeup, wakeup->longest_ns);
	}
	return end;
}
