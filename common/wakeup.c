/* SPDX-License-Identifier: MIT */
#include "wakeup.h"
#include "stop.h"

#include <sys/prctl.h>

#define WAKEUP_SHORTEST_NS (50 * NS_PER_US)
/* Looks at most within the time in which a frame is expected: what a jittering stream may cost. */
#define WAKEUP_LOOKS    80u
#define WAKEUP_SLACK_NS 1000ul
/* Looks between two looks at the clock, which costs up to 1 us in a guest. */
#define WAKEUP_SPIN_LOOKS 16u

void wakeup_init(struct wakeup *wakeup, uint64_t longest_ns)
{
	*wakeup = (struct wakeup) {
		.sleep_ns = WAKEUP_SHORTEST_NS,
		.longest_ns = longest_ns < WAKEUP_LIMIT_NS ? longest_ns : WAKEUP_LIMIT_NS,
	};
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

static bool spin(wakeup_condition *condition, void *argument, uint64_t until_ns)
{
	do {
		for (unsigned i = 0; i < WAKEUP_SPIN_LOOKS; i++) {
			if (condition(argument)) {
				return true;
			}
			cpu_pause();
		}
	} while (clock_now_ns() < until_ns);
	return false;
}

void wakeup_sharpen(void)
{
	prctl(PR_SET_TIMERSLACK, WAKEUP_SLACK_NS);
}

void wakeup_learn(struct wakeup *wakeup, uint64_t sequence, uint64_t published_ns, uint64_t seen_ns)
{
	arrival_note(&wakeup->arrival, sequence, published_ns, seen_ns);
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

/* Nothing is expected for longer than a spin takes. */
static bool is_early(const struct wakeup *wakeup, uint64_t now_ns)
{
	struct arrival_window window;

	return arrival_expect(&wakeup->arrival, &window) &&
	       now_ns + WAKEUP_SPIN_NS < window.early_ns;
}

static bool sleep_and_look(
        struct wakeup *wakeup, wakeup_condition *condition, void *argument, uint64_t until_ns)
{
	while (!stop_requested()) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = clock_elapsed_ns(now_ns, until_ns);
		uint64_t sleep_ns;

		if (left_ns == 0) {
			wakeup->timeouts++;
			return false;
		}
		sleep_ns = next_sleep_ns(wakeup, now_ns);
		wakeup->sleeps++;
		clock_sleep_until_ns(now_ns + (sleep_ns < left_ns ? sleep_ns : left_ns));
		if (condition(argument)) {
			return true;
		}
	}
	return false;
}

bool wakeup_wait(
        struct wakeup *wakeup, wakeup_condition *condition, void *argument, uint64_t timeout_ns)
{
	uint64_t start_ns;
	uint64_t spin_ns;
	bool found;

	wakeup->waits++;
	if (timeout_ns > WAKEUP_LIMIT_NS) {
		timeout_ns = WAKEUP_LIMIT_NS;
	}
	spin_ns = timeout_ns < WAKEUP_SPIN_NS ? timeout_ns : WAKEUP_SPIN_NS;
	start_ns = clock_now_ns();
	found = is_early(wakeup, start_ns) ? condition(argument)
	                                   : spin(condition, argument, start_ns + spin_ns);
	found = found || sleep_and_look(wakeup, condition, argument, start_ns + timeout_ns);
	if (found) {
		wakeup->sleep_ns = WAKEUP_SHORTEST_NS;
	}
	return found;
}
