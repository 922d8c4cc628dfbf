/* SPDX-License-Identifier: MIT */
/*
 * Every pass against libxxhash and memcpy(): all lengths, all alignments of the private side, pages
 * without access directly before and behind both sides, and a source that changes meanwhile.
 */
#include "copy_digest.h"
#include "copy_piece.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* Only what the library itself computes. */
#include <xxhash.h>
/* Needs setjmp.h, stdarg.h, stddef.h and stdint.h. */
#include <cmocka.h>

#define ROOM_BYTES  ((size_t)1024 * 1024)
#define LENGTH_MOST 4096u
#define LINE        64u
#define SENTINEL    0xee

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

static void room_finish(struct room *room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(room->bytes - page, ROOM_BYTES + 2 * page);
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

static int tear_down(void **state)
{
	struct rooms *rooms = *state;

	room_finish(&rooms->from);
	room_finish(&rooms->to);
	free(rooms);
	return 0;
}

static void each_pass(
        struct rooms *rooms, void (*try)(const struct copy_pass *pass, struct rooms *rooms))
{
	size_t tried = 0;

	for (size_t i = 0; copy_pass_at(i); i++) {
		if (copy_pass_at(i)->is_supported()) {
			try(copy_pass_at(i), rooms);
			tried++;
		} else {
			print_message("[   NOTE   ] %s: not on this CPU\n", copy_pass_at(i)->name);
		}
	}
	/* There is none when xxHash's version is one whose inside is not known. */
	assert_true(tried >= 4);
}

static uint64_t library_value(enum digest_algorithm algorithm, const uint8_t *bytes, size_t size)
{
	return algorithm == DIGEST_XXH3 ? XXH3_64bits(bytes, size) : XXH64(bytes, size, 0);
}

static void try_pass(
        const struct copy_pass *pass, uint8_t *to, const uint8_t *from, size_t size, size_t behind)
{
	uint64_t value;

	assert_true(copy_pass_fits(pass, to, from));
	memset(to, SENTINEL, size + behind);
	value = pass->run(to, from, size);
	if (memcmp(to, from, size) != 0) {
		fail_msg("%s: %zu bytes from %p to %p differ", pass->name, size, (const void *)from,
		        (void *)to);
	}
	if (value != library_value(pass->algorithm, from, size)) {
		fail_msg("%s: %zu bytes from %p have another %s", pass->name, size,
		        (const void *)from, digest_name(pass->algorithm));
	}
	for (size_t i = 0; i < behind; i++) {
		if (to[size + i] != SENTINEL) {
			fail_msg("%s: %zu bytes to %p wrote behind", pass->name, size, (void *)to);
		}
	}
}

/* The source begins anywhere when it is private: a frame of ours. */
static void try_lengths(const struct copy_pass *pass, struct rooms *rooms)
{
	size_t offsets = pass->direction == COPY_IN ? LINE : 1;

	for (size_t size = 0; size <= LENGTH_MOST; size++) {
		size_t offset = size % offsets;

		try_pass(pass, rooms->to.bytes, rooms->from.bytes + offset, size, LINE);
	}
	for (size_t offset = 0; offset < offsets; offset++) {
		for (size_t size = 0; size <= LENGTH_MOST; size += 1 + (size_t)random() % 64) {
			try_pass(pass, rooms->to.bytes, rooms->from.bytes + offset, size, LINE);
		}
	}
	for (int i = 0; i < 200; i++) {
		size_t size = (size_t)random() % (ROOM_BYTES - 2 * LINE);

		try_pass(pass, rooms->to.bytes, rooms->from.bytes + (size_t)random() % offsets,
		        size, LINE);
	}
	try_pass(pass, rooms->to.bytes, rooms->from.bytes, ROOM_BYTES, 0);
}

static void every_length_has_the_value_of_the_library(void **state)
{
	each_pass(*state, try_lengths);
}

/* Both end where their room ends, as nearly as a line's alignment allows, and the source exactly.
 */
static void try_borders(const struct copy_pass *pass, struct rooms *rooms)
{
	for (size_t size = 0; size <= LENGTH_MOST; size++) {
		size_t whole = (size + LINE - 1) / LINE * LINE;

		if (pass->direction == COPY_IN) {
			try_pass(pass, rooms->to.end - whole, rooms->from.end - size, size,
			        whole - size);
		}
		try_pass(pass, rooms->to.end - whole, rooms->from.end - whole, size, whole - size);
		try_pass(pass, rooms->to.bytes, rooms->from.bytes, size, LINE);
	}
}

static void pages_before_and_behind_are_not_touched(void **state)
{
	each_pass(*state, try_borders);
}

static void a_line_has_to_begin_there(void **state)
{
	static const struct copy_pass in = { .direction = COPY_IN };
	static const struct copy_pass out = { .direction = COPY_OUT };
	struct rooms *rooms = *state;

	for (size_t i = 1; i < LINE; i++) {
		assert_false(copy_pass_fits(&in, rooms->to.bytes + i, rooms->from.bytes));
		assert_true(copy_pass_fits(&in, rooms->to.bytes, rooms->from.bytes + i));
		assert_false(copy_pass_fits(&out, rooms->to.bytes + i, rooms->from.bytes));
		assert_false(copy_pass_fits(&out, rooms->to.bytes, rooms->from.bytes + i));
	}
}

/* Every alignment of both sides, by the way that everybody takes. */
static void try_alignments(const struct copy_pass *pass, struct rooms *rooms)
{
	const size_t sizes[] = { 17, 240, 241, 1024, 1025, 2047, 4096 };
	struct copier copier;

	assert_int_equal(copier_init(&copier, pass->direction), 0);
	copier.passes[pass->algorithm] = pass;
	for (size_t i = 0; i < LINE * LINE; i++) {
		size_t size = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
		uint8_t *to = rooms->to.bytes + i % LINE;
		const uint8_t *from = rooms->from.bytes + i / LINE;
		struct digest expected;
		struct digest digest;

		memset(rooms->to.bytes, SENTINEL, size + 2 * LINE);
		copy_piece(&copier, pass->algorithm, to, from, size, &digest);
		assert_memory_equal(to, from, size);
		assert_int_equal(to[size], SENTINEL);
		digest_set_value(&expected, library_value(pass->algorithm, from, size));
		assert_true(digest_equal(&digest, &expected));
	}
	copier_finish(&copier);
}

static void every_alignment_of_both_sides_will_do(void **state)
{
	each_pass(*state, try_alignments);
}

#define BAND_ROWS 40u

/* Tiles of 64 bytes on, a last one that is narrower or wider, and what lies between the rows. */
static struct copy_band random_band(void)
{
	struct copy_band band = {
		.rows = 4 + (size_t)random() % (BAND_ROWS - 4),
		.tile_bytes = LINE * (size_t)(1 + random() % 40),
		.tiles = (size_t)(1 + random() % 7),
	};

	if (random() % 2) {
		band.tile_bytes = 1024;
	}
	band.row_bytes = (band.tiles - 1) * band.tile_bytes + LINE * (size_t)(1 + random() % 40);
	band.pitch = band.row_bytes + (random() % 2 ? LINE * (size_t)(random() % 9) : 0);
	return band;
}

/* By the library, row after row. */
static uint64_t tile_value(enum digest_algorithm algorithm, const uint8_t *from,
        const struct copy_band *band, size_t tile)
{
	const size_t bytes = copy_band_tile_bytes(band, tile);
	uint8_t *joined = malloc(bytes * band->rows);
	uint64_t value;

	assert_non_null(joined);
	for (size_t row = 0; row < band->rows; row++) {
		memcpy(joined + row * bytes, from + row * band->pitch + tile * band->tile_bytes,
		        bytes);
	}
	value = library_value(algorithm, joined, bytes * band->rows);
	free(joined);
	return value;
}

static void check_band(const struct copy_pass *pass, const uint8_t *to, const uint8_t *from,
        const struct copy_band *band, const uint64_t *values)
{
	for (size_t row = 0; row < band->rows; row++) {
		const size_t at = row * band->pitch;

		assert_memory_equal(to + at, from + at, band->row_bytes);
		for (size_t i = band->row_bytes; i < band->pitch; i++) {
			assert_int_equal(to[at + i], SENTINEL);
		}
	}
	for (size_t i = 0; i < band->tiles; i++) {
		struct digest expected;

		digest_set_value(&expected, tile_value(pass->algorithm, from, band, i));
		if (memcmp(&values[i], expected.bytes, sizeof(values[i])) != 0) {
			fail_msg("%s: tile %zu of %zu, %zu rows of %zu bytes, has another %s",
			        pass->name, i, band->tiles, band->rows, band->tile_bytes,
			        digest_name(pass->algorithm));
		}
	}
}

static void try_bands(const struct copy_pass *pass, struct rooms *rooms)
{
	for (unsigned i = 0; i < 1500; i++) {
		const struct copy_band band = random_band();
		const size_t extent = band.rows * band.pitch;
		const size_t offset = pass->direction == COPY_IN ? (size_t)random() % LINE : 0;
		const uint8_t *from = rooms->from.bytes + offset;
		uint64_t values[COPY_TILES_MAX];

		assert_true(extent + LINE < ROOM_BYTES);
		assert_true(copy_pass_fits_band(pass, rooms->to.bytes, from, &band));
		memset(rooms->to.bytes, SENTINEL, extent + LINE);
		pass->run_band(rooms->to.bytes, from, &band, values);
		check_band(pass, rooms->to.bytes, from, &band, values);
		assert_int_equal(rooms->to.bytes[extent], SENTINEL);
	}
}

static void every_tile_has_the_value_of_the_library(void **state)
{
	each_pass(*state, try_bands);
}

/* Whatever its bytes, by the way that everybody takes, which is not the pass where it cannot be. */
static void try_odd_bands(const struct copy_pass *pass, struct rooms *rooms)
{
	struct copier copier;

	assert_int_equal(copier_init(&copier, pass->direction), 0);
	copier.passes[pass->algorithm] = pass;
	for (unsigned i = 0; i < 1500; i++) {
		struct copy_band band = random_band();
		uint8_t *to = rooms->to.bytes + (i % 3 ? 0 : (size_t)random() % LINE);
		uint64_t values[COPY_TILES_MAX];

		if (i % 2) {
			band.rows = (size_t)(1 + random() % 5);
			band.tile_bytes = (size_t)(1 + random() % 300);
			band.row_bytes =
			        (band.tiles - 1) * band.tile_bytes + (size_t)(1 + random() % 300);
			band.pitch = band.row_bytes + (size_t)(random() % 2 * (random() % 99));
		}
		memset(to, SENTINEL, band.rows * band.pitch);
		copier_copy_band(&copier, pass->algorithm, to, rooms->from.bytes, &band, values);
		check_band(pass, to, rooms->from.bytes, &band, values);
		memset(to, SENTINEL, band.rows * band.pitch);
		copier_copy_band(&copier, DIGEST_NONE, to, rooms->from.bytes, &band, NULL);
		check_band(pass, to, rooms->from.bytes, &band, values);
	}
	copier_finish(&copier);
}

static void every_band_will_do(void **state)
{
	each_pass(*state, try_odd_bands);
}

static void tiles_have_to_be_lines_and_not_too_few(void **state)
{
	static const struct copy_pass in = { .direction = COPY_IN };
	const struct copy_band good = { 1024, 2, 512, 128, 4 };
	const struct copy_band bad[] = {
		{ 1028, 2, 512, 128, 4 }, { 1024, 2, 516, 128, 4 }, { 1024, 2, 512, 132, 4 },
		{ 1024, 1, 512, 128, 4 },
		{ 1024, 2, 448, 128, 4 }, /* the last one is half a tile */
	};
	struct rooms *rooms = *state;

	assert_true(copy_pass_fits_band(&in, rooms->to.bytes, rooms->from.bytes, &good));
	assert_false(copy_pass_fits_band(&in, rooms->to.bytes + 1, rooms->from.bytes, &good));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(copy_pass_fits_band(&in, rooms->to.bytes, rooms->from.bytes, &bad[i]));
	}
}

struct scribbler {
	uint8_t *bytes;
	atomic_bool stop;
};

/* Somebody who does not keep to the rules writes a slot that is being read. */
static void *scribble(void *argument)
{
	struct scribbler *scribbler = argument;
	volatile uint8_t *bytes = scribbler->bytes;

	for (unsigned i = 0; !atomic_load_explicit(&scribbler->stop, memory_order_relaxed); i++) {
		bytes[(size_t)i * 61 % LENGTH_MOST]++;
	}
	return NULL;
}

static void try_scribbled(const struct copy_pass *pass, struct rooms *rooms)
{
	struct scribbler scribbler = { .bytes = rooms->from.bytes };
	const struct copy_band band = { 1024, 4, 512, 512, 1 };
	struct digest expected;
	pthread_t thread;

	if (pass->direction == COPY_IN) {
		return;
	}
	assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = LENGTH_MOST - i % 512;
		uint64_t value = pass->run(rooms->to.bytes, rooms->from.bytes, size);

		if (value != library_value(pass->algorithm, rooms->to.bytes, size)) {
			fail_msg("%s: not the digest of the copy", pass->name);
		}
		pass->run_band(rooms->to.bytes, rooms->from.bytes, &band, &value);
		digest_set_value(&expected, tile_value(pass->algorithm, rooms->to.bytes, &band, 0));
		assert_memory_equal(&value, expected.bytes, sizeof(value));
	}
	atomic_store(&scribbler.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void the_copy_is_digested_whoever_writes_meanwhile(void **state)
{
	each_pass(*state, try_scribbled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_has_the_value_of_the_library),
		cmocka_unit_test(pages_before_and_behind_are_not_touched),
		cmocka_unit_test(a_line_has_to_begin_there),
		cmocka_unit_test(every_alignment_of_both_sides_will_do),
		cmocka_unit_test(every_tile_has_the_value_of_the_library),
		cmocka_unit_test(every_band_will_do),
		cmocka_unit_test(tiles_have_to_be_lines_and_not_too_few),
		cmocka_unit_test(the_copy_is_digested_whoever_writes_meanwhile),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
