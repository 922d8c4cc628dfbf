/* SPDX-License-Identifier: MIT */
#include "wake_pair.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AWAIT_LOOKS 1000u

static uint64_t cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* xorshift: a round's pauses are the same each time, and of no period that anything could learn. */
static uint64_t random_below(struct wake_pair *pair, uint64_t limit)
{
	pair->random ^= pair->random << 13;
	pair->random ^= pair->random >> 7;
	pair->random ^= pair->random << 17;
	return limit ? pair->random % limit : 0;
}

/* The n-th of the cores that we may use, as often around as there are any. */
static void pin(unsigned n)
{
	cpu_set_t may;
	cpu_set_t one;
	unsigned count = 0;

	if (sched_getaffinity(0, sizeof(may), &may) != 0 || CPU_COUNT(&may) == 0) {
		return;
	}
	n %= (unsigned)CPU_COUNT(&may);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &may) && count++ == n) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			sched_setaffinity(0, sizeof(one), &one);
			return;
		}
	}
}

/* Two that never sleep need a core each, whatever the scheduler thinks. */
static void place(const struct wake_pair *pair, unsigned n)
{
	if (!pair->plan->is_free || pair->which->pace == WAKE_BUSY) {
		pin(n);
	}
}

unsigned wake_pair_total(const struct wake_case *which, const struct wake_plan *plan)
{
	unsigned kept = plan->samples;

	if (which->pace == WAKE_STEADY || which->pace == WAKE_JITTERED) {
		kept = (unsigned)(plan->steady_ns / plan->period_ns);
	}
	return WAKE_WARM + (kept < WAKE_SAMPLES_MAX ? kept : WAKE_SAMPLES_MAX);
}

void wake_pair_pause(struct wake_pair *pair, unsigned number)
{
	const struct wake_plan *plan = pair->plan;
	uint64_t due_ns = clock_now_ns();

	switch (pair->which->pace) {
	case WAKE_RANDOM:
		due_ns += plan->least_ns + random_below(pair, plan->most_ns - plan->least_ns);
		break;
	case WAKE_BUSY:
		due_ns += plan->busy_least_ns +
		          random_below(pair, plan->busy_most_ns - plan->busy_least_ns);
		while (clock_now_ns() < due_ns) {
			wake_pair_spin();
		}
		return;
	case WAKE_JITTERED:
		due_ns = pair->start_ns + (number + 1) * plan->period_ns - plan->jitter_ns +
		         random_below(pair, 2 * plan->jitter_ns);
		break;
	case WAKE_STEADY:
		due_ns = pair->start_ns + (number + 1) * plan->period_ns;
		break;
	}
	clock_sleep_until_ns(due_ns);
}

bool wake_pair_await(const struct wake_pair *pair, uint64_t taken)
{
	uint64_t end_ns = clock_now_ns() + NS_PER_S;

	for (unsigned i = 0; i < AWAIT_LOOKS; i++) {
		if (shared_load_u64(&pair->page->taken) >= taken) {
			return true;
		}
		wake_pair_spin();
	}
	while (shared_load_u64(&pair->page->taken) < taken) {
		if (clock_now_ns() >= end_ns) {
			return false;
		}
		clock_sleep_until_ns(clock_now_ns() + 50 * NS_PER_US);
	}
	return true;
}

void wake_pair_keep(struct wake_pair *pair, uint64_t sent_ns, uint64_t seen_ns)
{
	struct wake_page *page = pair->page;
	uint64_t seen = shared_load_u64(&page->taken) + 1;

	if (seen == WAKE_WARM) {
		pair->first_ns = seen_ns;
		pair->first_cpu_ns = cpu_now_ns();
	}
	if (seen > WAKE_WARM && page->count < WAKE_SAMPLES_MAX) {
		page->values_ns[page->count++] = clock_elapsed_ns(sent_ns, seen_ns);
	}
	shared_store_release_u64(&page->taken, seen);
}

static void run_waiter(struct wake_pair *pair)
{
	/* Dies with the waker, and by itself should anything be stuck. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(WAKE_LIMIT_S);
	place(pair, 1);
	pair->which->wait(pair);
	pair->page->cpu_ns = clock_elapsed_ns(pair->first_cpu_ns, cpu_now_ns());
	pair->page->wall_ns = clock_elapsed_ns(pair->first_ns, clock_now_ns());
	_exit(0);
}

static bool run_both(struct wake_pair *pair, struct complaint *why)
{
	cpu_set_t before;
	pid_t waiter = fork();
	int status = 0;

	if (waiter < 0) {
		complain(why, "no second process: %s", strerror(errno));
		return false;
	}
	if (waiter == 0) {
		run_waiter(pair);
	}
	sched_getaffinity(0, sizeof(before), &before);
	place(pair, 0);
	pair->start_ns = clock_now_ns();
	pair->which->wake(pair);
	shared_store_release_u64(&pair->page->is_over, 1);
	/* For whoever waits for ever. */
	(void)eventfd_write(pair->bell, 1);
	(void)waitpid(waiter, &status, 0);
	sched_setaffinity(0, sizeof(before), &before);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		complain(why, "%s: its waiter ended with status %d", pair->which->name, status);
		return false;
	}
	return true;
}

bool wake_pair_run(const struct wake_case *which, const struct wake_plan *plan,
        struct wake_page **page, struct complaint *why)
{
	struct wake_pair pair = {
		.which = which,
		.plan = plan,
		.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.bell_two = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.random = UINT64_C(0x9e3779b97f4a7c15),
	};
	bool done = false;

	*page = mmap(
	        NULL, sizeof(**page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*page == MAP_FAILED || pair.bell < 0 || pair.bell_two < 0) {
		complain(why, "%s", strerror(errno));
		*page = *page == MAP_FAILED ? NULL : *page;
	} else {
		memset(*page, 0, sizeof(**page));
		pair.page = *page;
		done = (!which->prepare || which->prepare(&pair, why)) && run_both(&pair, why);
	}
	if (which->finish) {
		which->finish(&pair);
	}
	close(pair.bell);
	close(pair.bell_two);
	if (!done) {
		wake_pair_free(*page);
		*page = NULL;
	}
	return done;
}

void wake_pair_free(struct wake_page *page)
{
	if (page) {
		munmap(page, sizeof(*page));
	}
}
