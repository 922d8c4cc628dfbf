/* SPDX-License-Identifier: MIT */
#include "bus_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

enum guard_state {
	GUARD_FREE,
	GUARD_FILLING, /* bus_guard_watch() is at it */
	GUARD_WATCHED,
	GUARD_REPLACING, /* a handler is at it; who faults meanwhile faults again */
	GUARD_HIT,
};

struct guard {
	atomic_int state;
	uintptr_t start;
	size_t size;
	int protection;
};

/* A signal handler has no argument to be handed its state in. */
static struct guard guards[BUS_GUARD_MAX];

static struct guard *guard_find(uintptr_t address)
{
	for (size_t i = 0; i < BUS_GUARD_MAX; i++) {
		/* Pairs with the release in bus_guard_watch(): start and size are set. */
		int state = atomic_load_explicit(&guards[i].state, memory_order_acquire);

		if (state >= GUARD_WATCHED && address - guards[i].start < guards[i].size) {
			return &guards[i];
		}
	}
	return NULL;
}

/* Lays zeros over a mapping; false when the kernel refuses. Async-signal-safe. */
static bool guard_replace(struct guard *guard)
{
	int watched = GUARD_WATCHED;
	void *start = (void *)guard->start;

	if (!atomic_compare_exchange_strong(&guard->state, &watched, GUARD_REPLACING)) {
		return true;
	}
	if (mmap(start, guard->size, guard->protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	            0) == MAP_FAILED) {
		return false;
	}
	atomic_store_explicit(&guard->state, GUARD_HIT, memory_order_release);
	return true;
}

static void guard_on_signal(int signal_number, siginfo_t *info, void *context)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	bool from_kernel = info->si_code > 0;
	int saved_errno = errno;
	struct guard *guard = from_kernel ? guard_find((uintptr_t)info->si_addr) : NULL;

	(void)context;
	if (!guard || !guard_replace(guard)) {
		/* On return the fault repeats and means what it always meant. */
		sigaction(signal_number, &by_default, NULL);
		if (!from_kernel) {
			raise(signal_number);
		}
	}
	errno = saved_errno;
}

static void guard_install(void)
{
	struct sigaction action = { .sa_sigaction = guard_on_signal, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

int bus_guard_watch(void *bytes, size_t size, bool writable)
{
	guard_install();
	for (size_t i = 0; i < BUS_GUARD_MAX; i++) {
		int unused = GUARD_FREE;

		if (atomic_compare_exchange_strong(&guards[i].state, &unused, GUARD_FILLING)) {
			guards[i].start = (uintptr_t)bytes;
			guards[i].size = size;
			guards[i].protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
			/* Pairs with the acquire in guard_find(). */
			atomic_store_explicit(
			        &guards[i].state, GUARD_WATCHED, memory_order_release);
			return 0;
		}
	}
	return -ENOSPC;
}

bool bus_guard_was_hit(const void *bytes)
{
	const struct guard *guard = guard_find((uintptr_t)bytes);

	return guard && atomic_load_explicit(&guard->state, memory_order_acquire) > GUARD_WATCHED;
}

void bus_guard_forget(const void *bytes)
{
	struct guard *guard = guard_find((uintptr_t)bytes);

	if (guard && guard->start == (uintptr_t)bytes) {
		atomic_store_explicit(&guard->state, GUARD_FREE, memory_order_release);
	}
}
