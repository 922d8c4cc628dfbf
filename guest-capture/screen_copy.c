/* SPDX-License-Identifier: MIT */
#include "screen_copy.h"
#include "frame_memory.h"
#include "pixel_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint32_t pixel_bytes(const struct screen_copy *copy)
{
	return pixel_format_by_fourcc(copy->info.fourcc)->bytes;
}

/*
 * Framebuffers are mapped to the borders of large pages, as memory for frames is. Ours is set off
 * against them: lines of both that are read in turn would else share their places in a cache and in
 * the page table of an emulated processor, and throw each other out (10 times slower under TCG).
 */
#define SET_OFF ((size_t)516 * 1024)

static int reserve(struct screen_copy *copy, const struct frame_info *info)
{
	const size_t need = frame_info_bytes(info);

	free(copy->digests);
	copy->digests = calloc(info->height, sizeof(copy->digests[0]));
	if (!copy->digests) {
		return -ENOMEM;
	}
	if (need <= copy->capacity) {
		return 0;
	}
	free(copy->memory);
	copy->memory = frame_memory_alloc(need + SET_OFF);
	copy->pixels = copy->memory ? copy->memory + SET_OFF : NULL;
	copy->capacity = copy->memory ? need : 0;
	return copy->memory ? 0 : -ENOMEM;
}

int screen_copy_shape(struct screen_copy *copy, const struct frame_info *info)
{
	if (frame_info_equal(&copy->info, info)) {
		return 0;
	}
	copy->info = (struct frame_info) { 0 };
	copy->is_whole = false;
	copy->is_taken = false;
	tile_set_clear(&copy->changed);
	if (reserve(copy, info) != 0) {
		return -ENOMEM;
	}
	memset(copy->pixels, 0, frame_info_bytes(info));
	copy->info = *info;
	return 0;
}

/*
 * The two loops below go a word at a time, and a cache line a turn. Where the processor is
 * emulated, vector instructions take two to four times as long (8 MB, TCG on Sapphire Rapids: 2.4
 * ms each; libc compares in 7.1 ms and copies in 4.3 ms); where it is not, memory is what limits
 * all of them. The empty asm keeps the compiler from making vectors of words.
 */
#define WORD       sizeof(uint64_t)
#define LINE_WORDS 8u

static inline uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, WORD);
	__asm__("" : "+r"(word));
	return word;
}

/* Like memcmp() == 0. */
static bool is_same(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	uint64_t differences = 0;
	size_t at = 0;

	for (; at + LINE_WORDS * WORD <= bytes; at += LINE_WORDS * WORD) {
		for (size_t i = 0; i < LINE_WORDS; i++) {
			differences |= word_at(a + at + i * WORD) ^ word_at(b + at + i * WORD);
		}
	}
	return differences == 0 && memcmp(a + at, b + at, bytes - at) == 0;
}

/* Like memcpy(). */
static void take(uint8_t *to, const uint8_t *from, size_t bytes)
{
	size_t at = 0;

	for (; at + LINE_WORDS * WORD <= bytes; at += LINE_WORDS * WORD) {
		for (size_t i = 0; i < LINE_WORDS; i++) {
			uint64_t word = word_at(from + at + i * WORD);

			memcpy(to + at + i * WORD, &word, WORD);
		}
	}
	memcpy(to + at, from + at, bytes - at);
}

static size_t line_bytes(const struct screen_copy *copy)
{
	return (size_t)copy->info.width * pixel_bytes(copy);
}

static uint8_t *line_at(const struct screen_copy *copy, uint32_t y)
{
	return copy->pixels + (size_t)y * copy->info.stride;
}

static uint32_t tiles_in(uint32_t pixels)
{
	return (pixels + TILE_SIDE - 1) / TILE_SIDE;
}

/* The row behind the row of tiles that begins here. */
static uint32_t bottom_of(const struct screen_copy *copy, uint32_t top)
{
	return copy->info.height - top < TILE_SIDE ? copy->info.height : top + TILE_SIDE;
}

/* Where a column of tiles begins in a line; the line's end behind the last. */
static size_t column_at(const struct screen_copy *copy, uint32_t column)
{
	uint32_t x = column * TILE_SIDE;

	return (size_t)(x < copy->info.width ? x : copy->info.width) * pixel_bytes(copy);
}

/* Is this line of the scanout as ours is? */
static bool is_at_rest(struct screen_copy *copy, const uint8_t *theirs, uint32_t y)
{
	if (copy->calm >= SCREEN_GLANCE) {
		return XXH64(theirs, line_bytes(copy), 0) == copy->digests[y];
	}
	if (!is_same(theirs, line_at(copy, y), line_bytes(copy))) {
		return false;
	}
	/* Of ours: theirs may be another one by now. */
	copy->digests[y] = XXH64(line_at(copy, y), line_bytes(copy), 0);
	return true;
}

/* returns: whether it saw a change */
static bool glance(struct screen_copy *copy, const uint8_t *scanout, size_t pitch)
{
	copy->phase = (copy->phase + 1) % SCREEN_GLANCE;
	for (uint32_t y = copy->phase; y < copy->info.height; y += SCREEN_GLANCE) {
		if (!is_at_rest(copy, scanout + y * pitch, y)) {
			return true;
		}
	}
	copy->calm += copy->calm < SCREEN_GLANCE;
	return false;
}

/* is_taken: by column; those that differ here are added. returns: how many were */
static uint32_t read_line(
        struct screen_copy *copy, const uint8_t *theirs, uint32_t y, bool is_taken[])
{
	uint8_t *ours = line_at(copy, y);
	uint32_t found = 0;

	for (uint32_t column = 0; column < tiles_in(copy->info.width); column++) {
		size_t at = column_at(copy, column);
		size_t bytes = column_at(copy, column + 1) - at;

		if (!is_taken[column]) {
			const struct frame_rect pixel = { (uint16_t)(column * TILE_SIDE),
				(uint16_t)y, 1, 1 };

			if (is_same(ours + at, theirs + at, bytes)) {
				continue;
			}
			is_taken[column] = true;
			tile_set_add(&copy->changed, &pixel);
			found++;
		}
		take(ours + at, theirs + at, bytes);
	}
	return found;
}

/*
 * A row of tiles. Each is compared down to where it first differs; from there on it is marked, and
 * taken without a further look: whatever it becomes meanwhile is covered by its mark.
 */
static bool read_tiles(struct screen_copy *copy, const uint8_t *scanout, size_t pitch, uint32_t top)
{
	bool is_taken[TILE_ROWS_MAX] = { false };
	uint32_t taken = 0;

	for (uint32_t y = top; y < bottom_of(copy, top); y++) {
		const uint8_t *theirs = scanout + y * pitch;

		if (taken == tiles_in(copy->info.width)) {
			take(line_at(copy, y), theirs, line_bytes(copy));
		} else if (taken > 0 || !is_same(line_at(copy, y), theirs, line_bytes(copy))) {
			taken += read_line(copy, theirs, y, is_taken);
		}
	}
	return taken > 0;
}

static bool read_all(struct screen_copy *copy, const uint8_t *scanout, size_t pitch)
{
	bool any = !copy->is_whole;

	for (uint32_t top = 0; top < copy->info.height; top += TILE_SIDE) {
		any |= read_tiles(copy, scanout, pitch, top);
	}
	copy->is_whole = true;
	copy->calm = 0;
	return any;
}

bool screen_copy_look(
        struct screen_copy *copy, const uint8_t *scanout, size_t pitch, bool is_moving)
{
	if (copy->is_whole && !is_moving && !glance(copy, scanout, pitch)) {
		return false;
	}
	return read_all(copy, scanout, pitch);
}

/* Some columns of a row of tiles. returns: whether they differed */
static bool read_run(struct screen_copy *copy, const uint8_t *scanout, size_t pitch, uint32_t top,
        uint32_t first, uint32_t end)
{
	size_t at = column_at(copy, first);
	size_t bytes = column_at(copy, end) - at;
	bool any = false;

	for (uint32_t y = top; y < bottom_of(copy, top); y++) {
		const uint8_t *theirs = scanout + y * pitch + at;
		uint8_t *ours = line_at(copy, y) + at;

		if (!is_same(ours, theirs, bytes)) {
			take(ours, theirs, bytes);
			any = true;
		}
	}
	return any;
}

/* What is marked, once more. returns: whether it differed again */
static bool read_marked(struct screen_copy *copy, const uint8_t *scanout, size_t pitch)
{
	const uint32_t columns = tiles_in(copy->info.width);
	bool any = false;

	for (uint32_t top = 0; top < copy->info.height; top += TILE_SIDE) {
		uint32_t end = 0;
		uint32_t first;

		while ((first = tile_set_next_run(
		                &copy->changed, top / TILE_SIDE, columns, end, &end)) < columns) {
			any |= read_run(copy, scanout, pitch, top, first, end);
		}
	}
	return any;
}

bool screen_copy_settle(struct screen_copy *copy, const uint8_t *scanout, size_t pitch)
{
	for (unsigned i = 0; i < SCREEN_SETTLES; i++) {
		if (!read_marked(copy, scanout, pitch)) {
			return true;
		}
	}
	return false;
}

bool screen_copy_take(struct screen_copy *copy, struct tile_set *changed)
{
	bool was_taken = copy->is_taken;

	*changed = copy->changed;
	tile_set_clear(&copy->changed);
	copy->is_taken = true;
	return was_taken;
}

void screen_copy_finish(struct screen_copy *copy)
{
	free(copy->digests);
	free(copy->memory);
	*copy = (struct screen_copy) { 0 };
}
