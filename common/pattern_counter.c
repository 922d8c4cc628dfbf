/* SPDX-License-Identifier: MIT */
/*
 * The sequence, for people in decimal digits and for machines in a block of black and white cells,
 * once at the top and once at the bottom: a frame torn in between does not hold one number.
 *
 * A block is 128 cells, row by row: the number's 64 bits from the highest, white for 1, then their
 * complement, so that any single wrong cell shows. It is 64 cells wide where the picture is, else
 * as wide as the picture; where only one block fits there is one, and where none fits the number
 * cannot be read.
 *
 * Digits are seven bars each, as on a pocket calculator: a guest needs no font for them.
 */
#include "pattern_scene.h"

#define CELL_COUNT    128u
#define CELL_SIDE_MAX 16u /* pixels; more would only cost the reader time */
#define COLUMNS_WIDE  64u
#define DIGITS_LEAST  6u
#define DIGITS_MOST   20u
#define SEGMENTS      7u
#define DARK_MOST     63u  /* of 255 in each channel: a black cell */
#define LIGHT_LEAST   192u /* a white one */

#define GROUND_COLOR 0x28303cu
#define WHITE_COLOR  0xffffffu
#define BLACK_COLOR  0x000000u
#define LIT_COLOR    0xffb020u
#define UNLIT_COLOR  0x303a48u

_Static_assert(2 * CELL_COUNT + DIGITS_MOST * SEGMENTS <= PATTERN_MOVERS_MAX, "room for all");

/* Where the cells lie, in pixels; blocks 0: they do not fit. */
struct cell_layout {
	uint32_t columns, rows;
	uint32_t side;
	uint32_t x;
	uint32_t blocks;
	uint32_t y[2];
};

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static struct cell_layout cell_layout(const struct frame_info *info)
{
	struct cell_layout cells = { 0 };
	uint32_t margin;

	cells.columns = lesser(info->width, info->height > 1 ? COLUMNS_WIDE : CELL_COUNT);
	cells.rows = (CELL_COUNT + cells.columns - 1) / cells.columns;
	if (cells.rows > info->height) {
		return cells;
	}
	cells.blocks = info->height >= 2 * cells.rows ? 2 : 1;
	cells.side =
	        lesser(info->width / cells.columns, info->height / (cells.blocks * cells.rows));
	/* The digits are to have most of the picture. */
	cells.side = lesser(cells.side, lesser(info->height / 30 + 1, CELL_SIDE_MAX));
	cells.x = (info->width - cells.columns * cells.side) / 2;
	margin = (info->height - cells.blocks * cells.rows * cells.side) / 4;
	cells.y[0] = lesser(margin, cells.side);
	cells.y[1] = info->height - cells.y[0] - cells.rows * cells.side;
	return cells;
}

/* Cell i of a block: the number's bits, then their complement. */
static bool cell_is_white(uint64_t number, uint32_t i)
{
	bool bit = number >> (63 - i % 64) & 1;

	return i < 64 ? bit : !bit;
}

static size_t place_cells(
        const struct frame_info *info, uint64_t number, struct pattern_mover *movers)
{
	struct cell_layout cells = cell_layout(info);
	size_t count = 0;

	for (uint32_t block = 0; block < cells.blocks; block++) {
		for (uint32_t i = 0; i < CELL_COUNT; i++, count++) {
			uint32_t x = cells.x + i % cells.columns * cells.side;
			uint32_t y = cells.y[block] + i / cells.columns * cells.side;

			movers[count].rect = (struct canvas_rect) {
				(int32_t)x,
				(int32_t)y,
				(int32_t)cells.side,
				(int32_t)cells.side,
			};
			movers[count].color = cell_is_white(number, i) ? WHITE_COLOR : BLACK_COLOR;
		}
	}
	return count;
}

/*
 * The bars of a digit, in units of their thickness: 5 wide, 9 high. Corners belong to nobody, so
 * bars never overlap.
 */
static const struct canvas_rect segments[SEGMENTS] = {
	{ 1, 0, 3, 1 }, /* a: top */
	{ 4, 1, 1, 3 }, /* b */
	{ 4, 5, 1, 3 }, /* c */
	{ 1, 8, 3, 1 }, /* d: bottom */
	{ 0, 5, 1, 3 }, /* e */
	{ 0, 1, 1, 3 }, /* f */
	{ 1, 4, 3, 1 }, /* g: middle */
};

/* Which bars make a digit, bit i for segments[i]. */
static const uint8_t lit_segments[10] = { 0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f,
	0x6f };

#define DIGIT_HIGH  9u
#define DIGIT_PITCH 7u /* from one digit to the next */
#define DIGIT_GAP   2u /* of which nothing follows the last */

static size_t place_digit(
        uint32_t digit, uint32_t x, uint32_t y, uint32_t unit, struct pattern_mover *movers)
{
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		bool lit = lit_segments[digit] >> i & 1;

		movers[i].rect = (struct canvas_rect) {
			(int32_t)x + segments[i].x * (int32_t)unit,
			(int32_t)y + segments[i].y * (int32_t)unit,
			segments[i].width * (int32_t)unit,
			segments[i].height * (int32_t)unit,
		};
		movers[i].color = lit ? LIT_COLOR : UNLIT_COLOR;
	}
	return SEGMENTS;
}

static uint32_t split_digits(uint64_t number, uint8_t *digits)
{
	uint32_t count = 0;

	while (number || count < DIGITS_LEAST) {
		digits[count++] = (uint8_t)(number % 10);
		number /= 10;
	}
	return count; /* the lowest digit comes first */
}

static size_t place_digits(
        const struct frame_info *info, uint64_t number, struct pattern_mover *movers)
{
	struct cell_layout cells = cell_layout(info);
	uint32_t taken = 2 * (cells.y[0] + cells.rows * cells.side);
	uint32_t high = cells.blocks == 2 && taken < info->height ? info->height - taken : 0;
	uint8_t digits[DIGITS_MOST];
	uint32_t count = split_digits(number, digits);
	uint32_t units_wide = count * DIGIT_PITCH - DIGIT_GAP;
	/* Two units of ground on every side. */
	uint32_t unit = lesser(info->width / (units_wide + 4), high / (DIGIT_HIGH + 4));
	uint32_t x = (info->width - units_wide * unit) / 2;
	uint32_t y = (info->height - DIGIT_HIGH * unit) / 2;
	size_t placed = 0;

	for (uint32_t i = count; unit > 0 && i-- > 0; x += DIGIT_PITCH * unit) {
		placed += place_digit(digits[i], x, y, unit, movers + placed);
	}
	return placed;
}

static void paint_ground(const struct canvas *canvas)
{
	canvas_fill(canvas, canvas->clip, GROUND_COLOR);
}

static size_t place_number(
        const struct frame_info *info, uint64_t sequence, struct pattern_mover *movers)
{
	size_t count = place_cells(info, sequence, movers);

	return count + place_digits(info, sequence, movers + count);
}

enum shade {
	SHADE_NEITHER,
	SHADE_BLACK,
	SHADE_WHITE,
};

/* Of pixels that are all black, or all white. */
static enum shade shade_of(const uint8_t *rgb, size_t pixels)
{
	size_t dark = 0;
	size_t light = 0;

	for (size_t i = 0; i < 3 * pixels; i++) {
		dark += rgb[i] <= DARK_MOST;
		light += rgb[i] >= LIGHT_LEAST;
	}
	if (dark == 3 * pixels) {
		return SHADE_BLACK;
	}
	return light == 3 * pixels ? SHADE_WHITE : SHADE_NEITHER;
}

/* Reads one row of pixels of a row of cells; false: a cell is neither, or not what it was above. */
static bool read_pixel_row(
        const struct cell_layout *cells, const uint8_t *rgb, uint32_t first, enum shade *shades)
{
	for (uint32_t i = first; i < CELL_COUNT && i < first + cells->columns; i++) {
		enum shade shade =
		        shade_of(rgb + (size_t)3 * (i - first) * cells->side, cells->side);

		if (shade == SHADE_NEITHER || (shades[i] != SHADE_NEITHER && shades[i] != shade)) {
			return false;
		}
		shades[i] = shade;
	}
	return true;
}

static bool read_block(
        const struct canvas *canvas, const struct cell_layout *cells, uint32_t y, uint64_t *number)
{
	uint8_t rgb[3 * COLUMNS_WIDE * CELL_SIDE_MAX];
	enum shade shades[CELL_COUNT] = { SHADE_NEITHER };

	for (uint32_t row = 0; row < cells->rows * cells->side; row++) {
		const uint8_t *from = canvas->pixels + (size_t)(y + row) * canvas->info.stride +
		                      (size_t)cells->x * canvas->format->bytes;

		pixel_format_to_rgb(canvas->format, from, cells->columns * cells->side, rgb);
		if (!read_pixel_row(cells, rgb, row / cells->side * cells->columns, shades)) {
			return false;
		}
	}
	*number = 0;
	for (uint32_t i = 0; i < 64; i++) {
		*number = *number << 1 | (shades[i] == SHADE_WHITE);
		if (shades[i] == shades[64 + i]) {
			return false;
		}
	}
	return true;
}

bool pattern_read_counter(const struct frame_info *info, const void *pixels, uint64_t *sequence)
{
	struct cell_layout cells;
	struct canvas canvas;
	uint64_t number[2];

	if (!canvas_info_fits(info)) {
		return false;
	}
	cells = cell_layout(info);
	canvas = canvas_over(info, (void *)pixels); /* only read from */
	for (uint32_t block = 0; block < cells.blocks; block++) {
		if (!read_block(&canvas, &cells, cells.y[block], &number[block])) {
			return false;
		}
	}
	if (cells.blocks == 0 || number[0] != number[cells.blocks - 1]) {
		return false;
	}
	*sequence = number[0];
	return true;
}

const struct pattern_scene pattern_counter_scene = {
	.paint_still = paint_ground,
	.place_movers = place_number,
	.movers_are_apart = true,
};

static struct pattern *counter_create(void)
{
	return pattern_scene_create(&pattern_counter, &pattern_counter_scene);
}

const struct pattern_ops pattern_counter = {
	.name = "counter",
	.create = counter_create,
	.draw = pattern_scene_draw,
	.destroy = pattern_scene_destroy,
};
