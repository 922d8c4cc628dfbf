/* SPDX-License-Identifier: MIT */
/*
 * Files that shrink under their mapping, seen by one thread and by many, and the SIGBUS that is
 * nobody's business here.
 */
#include "bus_guard.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

#define MAPPED_BYTES ((size_t)1024 * 1024)
#define THREADS      8

struct mapped {
	uint8_t *bytes;
	int fd;
};

static struct mapped map_new(int protection)
{
	struct mapped mapped = { .fd = memfd_create("test_bus_guard", MFD_CLOEXEC) };

	assert_true(mapped.fd >= 0);
	assert_int_equal(ftruncate(mapped.fd, (off_t)MAPPED_BYTES), 0);
	mapped.bytes = mmap(NULL, MAPPED_BYTES, protection, MAP_SHARED, mapped.fd, 0);
	assert_ptr_not_equal(mapped.bytes, MAP_FAILED);
	return mapped;
}

static void unmap(struct mapped *mapped)
{
	munmap(mapped->bytes, MAPPED_BYTES);
	close(mapped->fd);
}

static uint8_t look(const uint8_t *at)
{
	return *(const volatile uint8_t *)at;
}

static void a_lost_page_reads_zero(void **state)
{
	struct mapped mapped = map_new(PROT_READ);
	struct mapped other = map_new(PROT_READ);

	(void)state;
	assert_int_equal(pwrite(mapped.fd, "x", 1, 0), 1);
	assert_int_equal(bus_guard_watch(mapped.bytes, MAPPED_BYTES, false), 0);
	assert_int_equal(bus_guard_watch(other.bytes, MAPPED_BYTES, false), 0);
	assert_int_equal(look(mapped.bytes), 'x');
	assert_false(bus_guard_was_hit(mapped.bytes));
	assert_int_equal(ftruncate(mapped.fd, 4096), 0);
	assert_int_equal(look(mapped.bytes), 'x');
	assert_false(bus_guard_was_hit(mapped.bytes));
	errno = 77;
	assert_int_equal(look(mapped.bytes + MAPPED_BYTES - 1), 0);
	assert_int_equal(errno, 77);
	assert_true(bus_guard_was_hit(mapped.bytes));
	/* All of it, not only the page that was missed: no half of an old frame. */
	assert_int_equal(look(mapped.bytes), 0);
	assert_false(bus_guard_was_hit(other.bytes));
	bus_guard_forget(mapped.bytes);
	bus_guard_forget(other.bytes);
	assert_false(bus_guard_was_hit(mapped.bytes));
	unmap(&mapped);
	unmap(&other);
}

static void a_lost_writable_page_can_be_written(void **state)
{
	struct mapped mapped = map_new(PROT_READ | PROT_WRITE);

	(void)state;
	assert_int_equal(bus_guard_watch(mapped.bytes, MAPPED_BYTES, true), 0);
	assert_int_equal(ftruncate(mapped.fd, 0), 0);
	*(volatile uint8_t *)(mapped.bytes + 5000) = 7;
	assert_int_equal(look(mapped.bytes + 5000), 7);
	assert_true(bus_guard_was_hit(mapped.bytes));
	bus_guard_forget(mapped.bytes);
	unmap(&mapped);
}

struct crowd {
	pthread_barrier_t barrier;
	uint8_t *bytes;
};

static void *look_together(void *argument)
{
	struct crowd *crowd = argument;
	uintptr_t sum = 0;

	pthread_barrier_wait(&crowd->barrier);
	for (size_t i = 0; i < MAPPED_BYTES; i += 4096) {
		sum += look(crowd->bytes + i);
	}
	return (void *)sum;
}

static void many_threads_may_fault_at_once(void **state)
{
	(void)state;
	for (int round = 0; round < 100; round++) {
		struct mapped mapped = map_new(PROT_READ);
		struct crowd crowd = { .bytes = mapped.bytes };
		pthread_t threads[THREADS];

		pthread_barrier_init(&crowd.barrier, NULL, THREADS);
		assert_int_equal(bus_guard_watch(mapped.bytes, MAPPED_BYTES, false), 0);
		assert_int_equal(ftruncate(mapped.fd, 0), 0);
		for (int i = 0; i < THREADS; i++) {
			assert_int_equal(
			        pthread_create(&threads[i], NULL, look_together, &crowd), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			void *sum;

			pthread_join(threads[i], &sum);
			assert_null(sum);
		}
		assert_true(bus_guard_was_hit(mapped.bytes));
		bus_guard_forget(mapped.bytes);
		pthread_barrier_destroy(&crowd.barrier);
		unmap(&mapped);
	}
}

static void only_so_many_are_watched(void **state)
{
	static uint8_t bytes[BUS_GUARD_MAX + 1][16];

	(void)state;
	for (int i = 0; i < BUS_GUARD_MAX; i++) {
		assert_int_equal(bus_guard_watch(bytes[i], sizeof(bytes[i]), false), 0);
	}
	assert_int_equal(bus_guard_watch(bytes[BUS_GUARD_MAX], 16, false), -ENOSPC);
	bus_guard_forget(bytes[3]);
	assert_int_equal(bus_guard_watch(bytes[BUS_GUARD_MAX], 16, false), 0);
	for (int i = 0; i <= BUS_GUARD_MAX; i++) {
		bus_guard_forget(bytes[i]);
	}
}

/* Runs in a child; returns the signal that ended it, 0 for none. */
static int signal_of(void (*run)(struct mapped *mapped), struct mapped *mapped)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit no_core = { 0, 0 };

		setrlimit(RLIMIT_CORE, &no_core);
		run(mapped);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void look_at_unwatched(struct mapped *mapped)
{
	look(mapped->bytes);
}

static void send_to_oneself(struct mapped *mapped)
{
	(void)mapped;
	raise(SIGBUS);
}

static void look_at_watched(struct mapped *mapped)
{
	if (bus_guard_watch(mapped->bytes, MAPPED_BYTES, false) != 0) {
		abort();
	}
	look(mapped->bytes);
}

static void any_other_sigbus_keeps_its_meaning(void **state)
{
	struct mapped watched = map_new(PROT_READ);
	struct mapped mapped = map_new(PROT_READ);

	(void)state;
	assert_int_equal(bus_guard_watch(watched.bytes, MAPPED_BYTES, false), 0);
	assert_int_equal(ftruncate(mapped.fd, 0), 0);
	assert_int_equal(signal_of(look_at_unwatched, &mapped), SIGBUS);
	assert_int_equal(signal_of(send_to_oneself, &mapped), SIGBUS);
	assert_int_equal(signal_of(look_at_watched, &mapped), 0);
	bus_guard_forget(watched.bytes);
	unmap(&mapped);
	unmap(&watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_page_reads_zero),
		cmocka_unit_test(a_lost_writable_page_can_be_written),
		cmocka_unit_test(many_threads_may_fault_at_once),
		cmocka_unit_test(only_so_many_are_watched),
		cmocka_unit_test(any_other_sigbus_keeps_its_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
