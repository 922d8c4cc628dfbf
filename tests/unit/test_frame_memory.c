/* SPDX-License-Identifier: MIT */
#include "frame_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
/* Needs setjmp.h, stdarg.h, stddef.h and stdint.h. */
#include <cmocka.h>

#define HUGE ((size_t)2 * 1024 * 1024)

static void all_of_it_can_be_written(void **state)
{
	static const size_t sizes[] = { 1, 64, 4097, HUGE - 1, HUGE, HUGE + 1, 16 * HUGE };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *memory = frame_memory_alloc(sizes[i]);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 4096, 0);
		memset(memory, 0x5a, sizes[i]);
		free(memory);
	}
}

static void what_cannot_be_had_is_null(void **state)
{
	(void)state;
	assert_null(frame_memory_alloc(SIZE_MAX));
}

/* The flags of the mapping that an address lies in; "" when there are none. */
static void mapping_flags(const void *address, char flags[256])
{
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	unsigned long from;
	unsigned long to;

	flags[0] = '\0';
	assert_non_null(file);
	while (fgets(flags, 256, file)) {
		if (sscanf(flags, "%lx-%lx ", &from, &to) == 2) {
			inside = from <= (uintptr_t)address && (uintptr_t)address < to;
		} else if (inside && strncmp(flags, "VmFlags:", strlen("VmFlags:")) == 0) {
			break;
		}
		flags[0] = '\0';
	}
	fclose(file);
}

/* Whether they are granted depends on what memory is free; that they are asked for does not. */
static void huge_pages_are_asked_for(void **state)
{
	uint8_t *memory = frame_memory_alloc(16 * HUGE);
	char flags[256];

	(void)state;
	assert_non_null(memory);
	if (madvise(memory, HUGE, MADV_HUGEPAGE) != 0) {
		print_message("[   NOTE   ] this kernel has no transparent huge pages\n");
	} else {
		mapping_flags(memory + 8 * HUGE, flags);
		assert_non_null(strstr(flags, " hg"));
	}
	free(memory);
}

static void it_is_said_how_much_is_huge(void **state)
{
	json_t *huge = frame_memory_describe();

	(void)state;
	if (json_is_null(huge)) {
		print_message("[   NOTE   ] this kernel has no smaps_rollup\n");
		return;
	}
	assert_int_equal(json_object_size(huge), 2);
	assert_true(json_integer_value(json_object_get(huge, "private_bytes")) % (1 << 12) == 0);
	assert_true(json_is_integer(json_object_get(huge, "shared_bytes")));
	json_decref(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_can_be_written),
		cmocka_unit_test(what_cannot_be_had_is_null),
		cmocka_unit_test(huge_pages_are_asked_for),
		cmocka_unit_test(it_is_said_how_much_is_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
