/* SPDX-License-Identifier: MIT */
#include "clock_reading.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define TRIES 4 /* something may come in between */

#define LEAF_POWER    0x80000007u
#define INVARIANT_TSC (1u << 8) /* edx; what Linux calls constant_tsc and nonstop_tsc */

bool clock_has_counter(void)
{
#if defined(__x86_64__)
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(LEAF_POWER, &eax, &ebx, &ecx, &edx) && (edx & INVARIANT_TSC);
#else
	return false;
#endif
}

/* Not before what was asked for earlier, nor after what is asked for later. */
static uint64_t read_counter(void)
{
#if defined(__x86_64__)
	uint64_t ticks;

	__builtin_ia32_lfence();
	ticks = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return ticks;
#else
	return 0;
#endif
}

struct clock_reading clock_read(bool has_counter)
{
	struct clock_reading reading = { .ns = clock_now_ns() };

	for (int i = 0; has_counter && i < TRIES; i++) {
		uint64_t now_ns;

		reading.counter = read_counter();
		now_ns = clock_now_ns();
		if (now_ns - reading.ns <= CLOCK_READING_APART_NS) {
			return reading;
		}
		reading.ns = now_ns;
	}
	reading.counter = 0;
	return reading;
}
