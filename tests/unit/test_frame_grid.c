/* SPDX-License-Identifier: MIT */
/*
 * Every frame is cut into strips and tiles that cover it exactly, within the limits; and marks find
 * the tiles that a rectangle touches, all of them and no others.
 */
#include "frame_grid.h"
#include "dice.h"
#include "pixel_format.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

static struct frame_info info_of(const char *format, uint32_t width, uint32_t height)
{
	const struct pixel_format *found = pixel_format_by_name(format);

	return (struct frame_info) { found->fourcc, width, height,
		pixel_format_stride(found, width) };
}

static void known_screens_are_cut_into_tiles_of_16_kib(void **state)
{
	static const struct {
		const char *format;
		uint32_t width, height;
		enum digest_algorithm algorithm;
		uint32_t words;
		struct frame_grid grid;
	} cases[] = {
		{ "xrgb8888", 1920, 1080, DIGEST_XXH3, 960, { 16, 68, 256, 8 } },
		{ "xrgb8888", 2560, 1440, DIGEST_XXH3, 1792, { 16, 90, 256, 10 } },
		{ "xrgb8888", 3840, 2160, DIGEST_XXH3, 2048, { 16, 135, 256, 15 } },
		{ "xrgb8888", 3840, 2160, DIGEST_NONE, 2048, { 16, 135, 256, 15 } },
		{ "xrgb8888", 7680, 4320, DIGEST_XXH64, 2048, { 32, 135, 512, 15 } },
		{ "rgb888", 1920, 1080, DIGEST_XXH3, 960, { 16, 68, 256, 8 } },
		{ "xrgb8888", 3840, 2160, DIGEST_SHA256, 2048, { 32, 68, 1024, 4 } },
		/* rows that are no whole lines */
		{ "xrgb8888", 1366, 768, DIGEST_XXH3, 512, { 16, 48, 1366, 1 } },
		/* tiny, narrow, flat */
		{ "xrgb8888", 1, 1, DIGEST_XXH3, 512, { 1, 1, 1, 1 } },
		{ "xrgb8888", 16, 16384, DIGEST_XXH3, 512, { 128, 128, 16, 1 } },
		{ "xrgb8888", 16384, 1, DIGEST_XXH3, 512, { 1, 1, 256, 64 } },
		{ "xrgb8888", 16384, 16384, DIGEST_SHA256, 512, { 256, 64, 8192, 2 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct frame_info info =
		        info_of(cases[i].format, cases[i].width, cases[i].height);
		const struct frame_grid grid =
		        frame_grid_choose(&info, cases[i].algorithm, cases[i].words);

		if (!frame_grid_equal(&grid, &cases[i].grid)) {
			fail_msg("case %zu: %u strips of %u, %u columns of %u", i, grid.strips,
			        grid.strip_rows, grid.columns, grid.tile_width);
		}
	}
}

/* Each byte of a frame belongs to one tile. */
static void cover(const struct frame_info *info, const struct frame_grid *grid)
{
	size_t next = 0;

	for (uint32_t strip = 0; strip < grid->strips; strip++) {
		size_t in_row = 0;
		size_t rows = 0;

		for (uint32_t column = 0; column < grid->columns; column++) {
			size_t offset;
			const struct copy_band band =
			        frame_grid_band(grid, info, strip, column, column + 1, &offset);

			assert_int_equal(band.tiles, 1);
			assert_int_equal(band.pitch, info->stride);
			assert_true(band.rows > 0 && band.row_bytes > 0);
			assert_int_equal(offset, next + in_row);
			in_row += band.row_bytes;
			rows = band.rows;
		}
		assert_int_equal(in_row, info->stride);
		next += rows * info->stride;
	}
	assert_int_equal(next, frame_info_bytes(info));
}

static void every_frame_is_covered_within_the_limits(void **state)
{
	static const char *const formats[] = { "xrgb8888", "rgb565", "rgb888" };
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct frame_info info = info_of(formats[i % 3], 1 + roll(i % 5 ? 4000 : 16384),
		        1 + roll(i % 7 ? 3000 : 16384));
		const enum digest_algorithm algorithm = (enum digest_algorithm)(i % 4);
		const uint32_t words = 512 + 64 * roll(25);
		struct frame_grid grid;

		if (i % 2) {
			info.stride = (info.stride + 63) / 64 * 64 + 64 * roll(40);
		}
		grid = frame_grid_choose(&info, algorithm, words);
		assert_true(frame_grid_fits(&grid, algorithm, words));
		assert_true(grid.strips <= RING_STRIPS_MAX && grid.columns <= RING_COLUMNS_MAX);
		assert_true(frame_grid_tiles(&grid) * digest_words(algorithm) <= words);
		cover(&info, &grid);
	}
}

/* And through the ring. */
static void strips_cover_every_frame(void **state)
{
	const struct ring_writer_config config = {
		.slot_count = 3, .version_text = "", .epoch = STAND_EPOCH
	};
	static const struct frame_info infos[] = {
		{ STAND_XRGB, 1, 16384, 4 },
		{ STAND_XRGB, 1, 16383, 256 },
		{ STAND_XRGB, 1920, 1080, 7680 },
		{ STAND_XRGB, 16384, 128, 65536 },
		{ STAND_XRGB, 1, 9, 1 << 20 },
		{ STAND_XRGB, 1, 4, (1 << 20) + 4 },
		{ STAND_XRGB, 1, 3, 3 << 20 },
		{ STAND_XRGB, 1, 129, 65536 },
	};
	struct ring_reader reader;
	struct frame frame;
	struct stand stand;

	(void)state;
	stand_set_up(&stand, 64 * STAND_REGION, &config);
	stand_attach(&stand, &reader, 0, READER_LATEST);
	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		stand.info = infos[i];
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
		assert_int_equal(reader.claim.strip_count,
		        (infos[i].height + reader.claim.strip_rows - 1) / reader.claim.strip_rows);
		assert_true(
		        reader.claim.tile_width > 0 && reader.claim.tile_width <= infos[i].width);
	}
	stand_tear_down(&stand);
}

/* However high, however long its rows. */
static void there_are_at_most_255_strips(void **state)
{
	static const uint32_t heights[] = { 1, 127, 128, 129, 255, 256, 257, 16383, 16384 };
	static const uint32_t strides[] = { 4, 7680, 65536, 1 << 20, (1 << 20) + 4, 1 << 24 };

	(void)state;
	for (size_t i = 0; i < sizeof(heights) / sizeof(heights[0]); i++) {
		for (size_t j = 0; j < sizeof(strides) / sizeof(strides[0]); j++) {
			struct frame_info info = info_of("xrgb8888", 1, heights[i]);
			struct frame_grid grid;

			info.stride = strides[j];
			grid = frame_grid_choose(&info, DIGEST_XXH64, 512);
			assert_true(grid.strip_rows > 0 && grid.strip_rows <= heights[i]);
			assert_true(grid.strips <= RING_STRIPS_MAX);
			assert_int_equal(
			        grid.strips, (heights[i] + grid.strip_rows - 1) / grid.strip_rows);
			cover(&info, &grid);
		}
	}
}

static void limits_are_limits(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		const struct frame_grid strips = { 1, RING_STRIPS_MAX + i, 1, 1 };
		const struct frame_grid columns = { 1, 1, 1, RING_COLUMNS_MAX + i };
		const struct frame_grid words = { 1, 128 + i, 1, 4 };

		assert_int_equal(frame_grid_fits(&strips, DIGEST_XXH3, 2048), i == 0);
		assert_int_equal(frame_grid_fits(&columns, DIGEST_XXH3, 2048), i == 0);
		assert_int_equal(frame_grid_fits(&words, DIGEST_XXH3, 512), i == 0);
		assert_int_equal(frame_grid_fits(&words, DIGEST_SHA256, 2048), i == 0);
	}
}

/* By the definition: does the tile share a pixel with any of them? */
static bool is_touched(const struct frame_grid *grid, uint32_t strip, uint32_t column,
        const struct frame_rect *rects, size_t count)
{
	const uint32_t left = column * grid->tile_width;
	const uint32_t top = strip * grid->strip_rows;

	for (size_t i = 0; i < count; i++) {
		const struct frame_rect *rect = &rects[i];

		if (rect->width && rect->height && rect->x < left + grid->tile_width &&
		        left < (uint32_t)rect->x + rect->width &&
		        rect->y < top + grid->strip_rows &&
		        top < (uint32_t)rect->y + rect->height) {
			return true;
		}
	}
	return false;
}

static void compare(const struct tile_marks *marks, const struct frame_grid *grid,
        const struct frame_rect *rects, size_t count)
{
	for (uint32_t strip = 0; strip < grid->strips; strip++) {
		bool seen[RING_COLUMNS_MAX] = { false };
		uint32_t end = 0;
		uint32_t at;

		while ((at = tile_marks_next_run(marks, grid, strip, end, &end)) < grid->columns) {
			assert_true(at < end && end <= grid->columns);
			memset(seen + at, true, end - at);
			/* As long as can be. */
			assert_true(end == grid->columns ||
			            !is_touched(grid, strip, end, rects, count));
		}
		for (uint32_t column = 0; column < grid->columns; column++) {
			assert_int_equal(
			        seen[column], is_touched(grid, strip, column, rects, count));
		}
	}
}

static void marks_are_the_tiles_that_rectangles_touch(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		const struct frame_info info =
		        info_of("xrgb8888", 16 + 16 * roll(250), 1 + roll(2000));
		const struct frame_grid grid = frame_grid_choose(&info, DIGEST_XXH3, 2048);
		const size_t count = roll(5);
		struct tile_marks marks = { 0 };
		struct tile_marks others = { 0 };
		struct frame_rect rects[4];

		for (size_t j = 0; j < count; j++) {
			rects[j].x = (uint16_t)roll(info.width);
			rects[j].y = (uint16_t)roll(info.height);
			rects[j].width = (uint16_t)roll(info.width - rects[j].x + 1u);
			rects[j].height = (uint16_t)roll(info.height - rects[j].y + 1);
			if (i % 4 == 0) {
				/* Anywhere, outside of the frame, too. */
				rects[j] = (struct frame_rect) { (uint16_t)roll(UINT16_MAX),
					(uint16_t)roll(UINT16_MAX), (uint16_t)roll(UINT16_MAX),
					(uint16_t)roll(UINT16_MAX) };
			}
			tile_marks_add(j % 2 ? &marks : &others, &grid, &rects[j]);
		}
		tile_marks_join(&marks, &others);
		compare(&marks, &grid, rects, count);
		tile_marks_remove(&marks, &marks);
		compare(&marks, &grid, rects, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_screens_are_cut_into_tiles_of_16_kib),
		cmocka_unit_test(every_frame_is_covered_within_the_limits),
		cmocka_unit_test(strips_cover_every_frame),
		cmocka_unit_test(there_are_at_most_255_strips),
		cmocka_unit_test(limits_are_limits),
		cmocka_unit_test(marks_are_the_tiles_that_rectangles_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
