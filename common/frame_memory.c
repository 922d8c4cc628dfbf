/* SPDX-License-Identifier: MIT */
#include "frame_memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)
#define PAGE_BYTES      ((size_t)4096)

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

void *frame_memory_alloc(size_t size)
{
	void *memory;

	if (size > SIZE_MAX - HUGE_PAGE_BYTES) {
		return NULL;
	}
	if (size < HUGE_PAGE_BYTES) {
		return aligned_alloc(PAGE_BYTES, round_up(size, PAGE_BYTES));
	}
	size = round_up(size, HUGE_PAGE_BYTES);
	memory = aligned_alloc(HUGE_PAGE_BYTES, size);
	if (memory) {
		/* A wish: without it pages are small, and all else is the same. */
		(void)madvise(memory, size, MADV_HUGEPAGE);
	}
	return memory;
}

json_t *frame_memory_describe(void)
{
	static const struct {
		const char *name;
		bool is_shared;
	} kinds[] = {
		{ "AnonHugePages:", false },
		{ "Private_Hugetlb:", false },
		{ "ShmemPmdMapped:", true },
		{ "FilePmdMapped:", true },
		{ "Shared_Hugetlb:", true },
	};
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	json_int_t bytes[2] = { 0, 0 };
	char line[256];

	if (!file) {
		return json_null();
	}
	while (fgets(line, sizeof(line), file)) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			size_t length = strlen(kinds[i].name);

			if (strncmp(line, kinds[i].name, length) == 0) {
				bytes[kinds[i].is_shared] +=
				        (json_int_t)strtoll(line + length, NULL, 10) * 1024;
			}
		}
	}
	fclose(file);
	return json_pack("{s:I, s:I}", "private_bytes", bytes[0], "shared_bytes", bytes[1]);
}
