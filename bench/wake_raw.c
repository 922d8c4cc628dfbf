/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do, with nothing of ours in between: the fewest steps from one process to
 * another that sleeps (eventfd, futex) or spins (a cache line).
 */
#include "wake_pair.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_for_eventfd(struct wake_pair *pair)
{
	struct pollfd bell = { .fd = pair->bell, .events = POLLIN };
	eventfd_t rings;

	while (!wake_pair_is_over(pair)) {
		if (poll(&bell, 1, -1) == 1) {
			uint64_t seen_ns = clock_now_ns();

			(void)eventfd_read(pair->bell, &rings);
			if (!wake_pair_is_over(pair)) {
				wake_pair_keep(
				        pair, shared_load_u64(&pair->page->sent_ns), seen_ns);
			}
		}
	}
}

static void wake_by_eventfd(struct wake_pair *pair)
{
	unsigned total = wake_pair_total(pair->which, pair->plan);
	const uint64_t one = 1;

	for (unsigned i = 0; i < total && wake_pair_await(pair, i); i++) {
		wake_pair_pause(pair, i);
		shared_store_u64(&pair->page->sent_ns, clock_now_ns());
		if (write(pair->bell, &one, sizeof(one)) < 0) {
			return;
		}
	}
	wake_pair_await(pair, total);
}

static void *futex_of(struct wake_pair *pair)
{
	/* Little-endian: the lower half comes first. */
	return &pair->page->number;
}

/* Should the last wake-up slip through, it ends by its limit. */
static void wait_for_futex(struct wake_pair *pair)
{
	const struct timespec limit = { .tv_sec = 1 };

	while (!wake_pair_is_over(pair)) {
		uint64_t before = shared_load_u64(&pair->page->taken);

		syscall(SYS_futex, futex_of(pair), FUTEX_WAIT, (uint32_t)before, &limit, NULL, 0);
		if (shared_load_u64(&pair->page->number) != before) {
			uint64_t seen_ns = clock_now_ns();

			wake_pair_keep(pair, shared_load_u64(&pair->page->sent_ns), seen_ns);
		}
	}
}

static void wake_by_futex(struct wake_pair *pair)
{
	unsigned total = wake_pair_total(pair->which, pair->plan);

	for (unsigned i = 0; i < total && wake_pair_await(pair, i); i++) {
		wake_pair_pause(pair, i);
		shared_store_u64(&pair->page->sent_ns, clock_now_ns());
		shared_store_release_u64(&pair->page->number, i + 1);
		syscall(SYS_futex, futex_of(pair), FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	wake_pair_await(pair, total);
}

static void wait_for_line(struct wake_pair *pair)
{
	uint64_t last_ns = 0;

	while (!wake_pair_is_over(pair)) {
		uint64_t sent_ns = shared_load_u64(&pair->page->sent_ns);

		if (sent_ns != last_ns) {
			last_ns = sent_ns;
			wake_pair_keep(pair, sent_ns, clock_now_ns());
		} else {
			wake_pair_spin();
		}
	}
}

static void wake_by_line(struct wake_pair *pair)
{
	unsigned total = wake_pair_total(pair->which, pair->plan);

	for (unsigned i = 0; i < total && wake_pair_await(pair, i); i++) {
		wake_pair_pause(pair, i);
		shared_store_u64(&pair->page->sent_ns, clock_now_ns());
	}
	wake_pair_await(pair, total);
}

const struct wake_case wake_eventfd = {
	.name = "eventfd",
	.what = "write(eventfd) -> poll() returned",
	.pace = WAKE_RANDOM,
	.wait = wait_for_eventfd,
	.wake = wake_by_eventfd,
};

const struct wake_case wake_futex = {
	.name = "futex",
	.what = "FUTEX_WAKE -> FUTEX_WAIT returned",
	.pace = WAKE_RANDOM,
	.wait = wait_for_futex,
	.wake = wake_by_futex,
};

const struct wake_case wake_line = {
	.name = "line",
	.what = "store -> a spinning load saw it",
	.pace = WAKE_BUSY,
	.wait = wait_for_line,
	.wake = wake_by_line,
};
