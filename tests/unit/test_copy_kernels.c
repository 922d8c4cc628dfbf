/* SPDX-License-Identifier: MIT */
/*
 * Every kernel against memcpy(): all lengths, all alignments of both sides, and pages without
 * access directly before and behind both sides.
 */
#include "copy_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

#define ROOM_BYTES  ((size_t)1024 * 1024)
#define SENTINEL    0xee
#define LENGTH_MOST 4096u
#define ALIGNMENTS  64u
#define MARGIN      64u

/* Memory between two pages that may not be touched. */
struct room {
	uint8_t *bytes;
	uint8_t *end;
};

struct rooms {
	struct room from;
	struct room to;
};

static void room_init(struct room *room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *all =
	        mmap(NULL, ROOM_BYTES + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(all, MAP_FAILED);
	assert_int_equal(mprotect(all + page, ROOM_BYTES, PROT_READ | PROT_WRITE), 0);
	room->bytes = all + page;
	room->end = room->bytes + ROOM_BYTES;
}

static int set_up(void **state)
{
	struct rooms *rooms = calloc(1, sizeof(*rooms));

	assert_non_null(rooms);
	room_init(&rooms->from);
	room_init(&rooms->to);
	srandom(1);
	for (size_t i = 0; i < ROOM_BYTES; i++) {
		rooms->from.bytes[i] = (uint8_t)random();
	}
	*state = rooms;
	return 0;
}

static void room_finish(struct room *room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(room->bytes - page, ROOM_BYTES + 2 * page);
}

static int tear_down(void **state)
{
	struct rooms *rooms = *state;

	room_finish(&rooms->from);
	room_finish(&rooms->to);
	free(rooms);
	return 0;
}

static void each_kernel(
        struct rooms *rooms, void (*try)(const struct copy_kernel *kernel, struct rooms *rooms))
{
	size_t tried = 0;

	for (size_t i = 0; copy_kernel_at(i); i++) {
		if (copy_kernel_at(i)->is_supported()) {
			try(copy_kernel_at(i), rooms);
			tried++;
		} else {
			print_message(
			        "[   NOTE   ] %s: not on this CPU\n", copy_kernel_at(i)->name);
		}
	}
	assert_true(tried >= 2);
}

/* Copies and looks at the copy and at the bytes around it. */
static void try_copy(const struct copy_kernel *kernel, uint8_t *to, const uint8_t *from,
        size_t size, size_t before, size_t behind)
{
	memset(to - before, SENTINEL, before + size + behind);
	kernel->copy(to, from, size);
	if (memcmp(to, from, size) != 0) {
		fail_msg("%s: %zu bytes from %p to %p differ", kernel->name, size,
		        (const void *)from, (void *)to);
	}
	for (size_t i = 0; i < before + behind; i++) {
		const uint8_t *outside = i < before ? to - before + i : to + size + i - before;

		if (*outside != SENTINEL) {
			fail_msg("%s: %zu bytes to %p wrote outside, at %p", kernel->name, size,
			        (void *)to, (const void *)outside);
		}
	}
}

static void try_alignments(const struct copy_kernel *kernel, struct rooms *rooms)
{
	uint8_t *to = rooms->to.bytes + MARGIN;
	const uint8_t *from = rooms->from.bytes;

	for (size_t size = 0; size <= 3 * ALIGNMENTS; size++) {
		for (size_t i = 0; i < ALIGNMENTS * ALIGNMENTS; i++) {
			try_copy(kernel, to + i % ALIGNMENTS, from + i / ALIGNMENTS, size, 8, 8);
		}
	}
}

static void every_alignment_of_both_sides(void **state)
{
	each_kernel(*state, try_alignments);
}

static void try_lengths(const struct copy_kernel *kernel, struct rooms *rooms)
{
	uint8_t *to = rooms->to.bytes + MARGIN;
	const uint8_t *from = rooms->from.bytes;

	for (size_t size = 0; size <= LENGTH_MOST; size++) {
		for (size_t i = 0; i < ALIGNMENTS; i++) {
			try_copy(kernel, to + i, from + (i * 7 + size) % ALIGNMENTS, size, MARGIN,
			        MARGIN);
		}
	}
	for (int i = 0; i < 200; i++) {
		size_t size = (size_t)random() % (ROOM_BYTES - 4 * MARGIN);

		try_copy(kernel, to + random() % (long)MARGIN, from + random() % (long)MARGIN, size,
		        MARGIN, MARGIN);
	}
}

static void every_length(void **state)
{
	each_kernel(*state, try_lengths);
}

static void try_borders(const struct copy_kernel *kernel, struct rooms *rooms)
{
	struct room *to = &rooms->to;
	struct room *from = &rooms->from;

	for (size_t size = 0; size <= LENGTH_MOST; size++) {
		try_copy(kernel, to->end - size, from->bytes, size, MARGIN, 0);
		try_copy(kernel, to->end - size, from->end - size, size, MARGIN, 0);
		try_copy(kernel, to->bytes, from->end - size, size, 0, MARGIN);
		try_copy(kernel, to->bytes, from->bytes, size, 0, MARGIN);
	}
	try_copy(kernel, to->bytes, from->bytes, ROOM_BYTES, 0, 0);
}

static void pages_before_and_behind_are_not_touched(void **state)
{
	each_kernel(*state, try_borders);
}

static void the_source_stays_as_it_is(void **state)
{
	struct rooms *rooms = *state;
	uint8_t *before = malloc(ROOM_BYTES);

	assert_non_null(before);
	memcpy(before, rooms->from.bytes, ROOM_BYTES);
	assert_int_equal(mprotect(rooms->from.bytes, ROOM_BYTES, PROT_READ), 0);
	for (size_t i = 0; copy_kernel_at(i); i++) {
		if (copy_kernel_at(i)->is_supported()) {
			copy_kernel_at(i)->copy(
			        rooms->to.bytes + 1, rooms->from.bytes + 3, ROOM_BYTES - 5);
		}
	}
	assert_memory_equal(before, rooms->from.bytes, ROOM_BYTES);
	free(before);
}

static void both_directions_begin_with_memcpy(void **state)
{
	(void)state;
	assert_string_equal(copy_kernel_at(0)->name, "memcpy");
	assert_int_equal(copy_kernel_at(0)->direction, COPY_IN);
	assert_string_equal(copy_kernel_at(1)->name, "memcpy");
	assert_int_equal(copy_kernel_at(1)->direction, COPY_OUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_alignment_of_both_sides),
		cmocka_unit_test(every_length),
		cmocka_unit_test(pages_before_and_behind_are_not_touched),
		cmocka_unit_test(both_directions_begin_with_memcpy),
		/* Last, for it write-protects the source. */
		cmocka_unit_test(the_source_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
