/* SPDX-License-Identifier: MIT */
/*
 * What a frame costs of which 1 % changed, as a ratio to a whole one: the writer's copy, the
 * reader's, and both together, each with its digests, over the ring itself in one process. Rounds
 * of all rows in turn; the ratio is taken within a round, and the medians of the rounds are told.
 *
 *   damage-cost WIDTHxHEIGHT ROUNDS
 */
#include "clock.h"
#include "copy_digest.h"
#include "exit_code.h"
#include "frame_memory.h"
#include "log.h"
#include "pixel_format.h"
#include "region_header.h"
#include "resolution.h"
#include "ring_reader.h"
#include "ring_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS        4u
#define FRAMES       8u /* timed in a round, the fastest counts; as many before them are not */
#define ROUNDS_MAX   200u
#define CHOICE_NS    (50 * NS_PER_MS)
#define SCATTERED    16u
#define DAMAGE_PARTS 100u /* 1 % */

enum shape { WHOLE, LINES, SQUARE, SCATTER, SHAPES };

static const char *const shape_names[] = { "whole", "1 %: lines", "1 %: a square",
	"1 %: 16 squares" };

struct theatre {
	struct frame_info info;
	uint8_t *region;
	size_t region_bytes;
	uint8_t *source;
	uint8_t *private;
	struct copier in;
	struct copier out;
	struct ring_writer writer;
	struct ring_reader reader;
	double in_ns[SHAPES][ROUNDS_MAX];
	double out_ns[SHAPES][ROUNDS_MAX];
};

static uint32_t root(uint32_t square)
{
	uint32_t side = 1;

	while ((side + 1) * (side + 1) <= square) {
		side++;
	}
	return side;
}

/* Somewhere else each time. */
static struct frame_rect place(const struct frame_info *info, uint32_t width, uint32_t height)
{
	return (struct frame_rect) {
		.x = (uint16_t)((uint32_t)random() % (info->width - width + 1)),
		.y = (uint16_t)((uint32_t)random() % (info->height - height + 1)),
		.width = (uint16_t)width,
		.height = (uint16_t)height,
	};
}

static void fill_damage(
        const struct frame_info *info, enum shape shape, struct frame_damage *damage)
{
	const uint32_t pixels = info->width * info->height / DAMAGE_PARTS;
	const uint32_t count = shape == SCATTER ? SCATTERED : 1;
	const uint32_t side = root(pixels / count);

	damage->count = count;
	for (uint32_t i = 0; i < count; i++) {
		damage->rects[i] = shape == LINES ? place(info, info->width, pixels / info->width)
		                                  : place(info, side, side);
	}
}

/* The source draws what it says that it changed. */
static void draw(struct theatre *theatre, const struct frame_damage *damage)
{
	const uint8_t colour = (uint8_t)random();

	for (uint32_t i = 0; i < damage->count; i++) {
		const struct frame_rect *rect = &damage->rects[i];

		for (uint32_t row = 0; row < rect->height; row++) {
			memset(theatre->source + (size_t)(rect->y + row) * theatre->info.stride +
			                (size_t)rect->x * 4,
			        colour, (size_t)rect->width * 4);
		}
	}
}

/* One frame through the ring. returns: false when it did not arrive */
static bool play(struct theatre *theatre, enum shape shape, double *in_ns, double *out_ns)
{
	struct frame frame = { .info = theatre->info };
	uint64_t start_ns;

	if (shape != WHOLE) {
		fill_damage(&theatre->info, shape, &frame.damage);
		frame.damage.base_sequence = ring_writer_next_sequence(&theatre->writer) - 1;
		draw(theatre, &frame.damage);
	}
	(void)ring_writer_tend(&theatre->writer, clock_now_ns());
	if (ring_writer_begin(&theatre->writer, &theatre->info, clock_now_ns()) != WRITER_OK) {
		return false;
	}
	start_ns = clock_now_ns();
	ring_writer_copy(&theatre->writer, &theatre->in, theatre->source,
	        shape == WHOLE ? NULL : &frame.damage);
	*in_ns = (double)clock_elapsed_ns(start_ns, clock_now_ns());
	(void)ring_writer_publish(&theatre->writer, &frame);
	if (ring_reader_claim(&theatre->reader, &frame) != READER_FRAME) {
		return false;
	}
	start_ns = clock_now_ns();
	if (ring_reader_copy(&theatre->reader, &theatre->out, theatre->private, &frame) !=
	        READER_FRAME) {
		return false;
	}
	*out_ns = (double)clock_elapsed_ns(start_ns, clock_now_ns());
	return true;
}

static bool run_round(struct theatre *theatre, unsigned round)
{
	for (enum shape shape = WHOLE; shape < SHAPES; shape++) {
		double *in_ns = &theatre->in_ns[shape][round];
		double *out_ns = &theatre->out_ns[shape][round];

		for (unsigned i = 0; i < 2 * FRAMES; i++) {
			double in;
			double out;

			if (!play(theatre, shape, &in, &out)) {
				return false;
			}
			if (i == FRAMES) {
				*in_ns = in;
				*out_ns = out;
			}
			*in_ns = in < *in_ns ? in : *in_ns;
			*out_ns = out < *out_ns ? out : *out_ns;
		}
	}
	return true;
}

static bool set_up(struct theatre *theatre)
{
	const struct ring_writer_config writer = { .slot_count = SLOTS, .version_text = "bench" };
	const uint64_t bytes = frame_info_bytes(&theatre->info);
	struct ring_reader_config reader = { .mode = READER_LATEST, .keeps_pixels = true };
	struct ring_memory memory;
	struct ring_header header;
	struct span scratch;

	theatre->region_bytes = ring_region_size_for(SLOTS, bytes);
	theatre->region = mmap(NULL, theatre->region_bytes, PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	theatre->source = frame_memory_alloc(bytes);
	theatre->private = frame_memory_alloc(bytes);
	if (theatre->region == MAP_FAILED || !theatre->source || !theatre->private ||
	        copier_init(&theatre->in, COPY_IN) < 0 ||
	        copier_init(&theatre->out, COPY_OUT) < 0) {
		return false;
	}
	memset(theatre->source, 0x5a, bytes);
	memory = ring_memory_of_region(theatre->region, theatre->region_bytes);
	if (ring_writer_occupy(&theatre->writer, memory, true) != OCCUPY_OK) {
		return false;
	}
	scratch = ring_writer_scratch(&theatre->writer);
	copier_choose(&theatre->in, scratch.bytes, scratch.size, CHOICE_NS);
	copier_choose_digest(&theatre->in);
	copier_choose(&theatre->out, theatre->region, theatre->region_bytes, CHOICE_NS);
	reader.g = (struct span) { theatre->region, theatre->region_bytes };
	reader.h = memory.h;
	if (ring_writer_open(&theatre->writer, &writer) < 0 ||
	        region_header_read(reader.g, &header) != HEADER_GOOD) {
		return false;
	}
	ring_reader_attach(&theatre->reader, &reader, &header);
	return true;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_rows(const char *side, double took_ns[SHAPES][ROUNDS_MAX], unsigned rounds)
{
	for (enum shape shape = WHOLE; shape < SHAPES; shape++) {
		double sorted_ns[ROUNDS_MAX];
		double ratios[ROUNDS_MAX];

		for (unsigned i = 0; i < rounds; i++) {
			sorted_ns[i] = took_ns[shape][i];
			ratios[i] = took_ns[shape][i] / took_ns[WHOLE][i];
		}
		qsort(sorted_ns, rounds, sizeof(sorted_ns[0]), compare);
		qsort(ratios, rounds, sizeof(ratios[0]), compare);
		printf("%-7s %-16s %8.3f ms   %.3f (%.3f to %.3f)\n", side, shape_names[shape],
		        sorted_ns[rounds / 2] / 1e6, ratios[rounds / 2], ratios[0],
		        ratios[rounds - 1]);
	}
}

int main(int argc, char **argv)
{
	static struct theatre theatre;
	struct resolution sizes[RESOLUTION_LIST_MAX];
	unsigned rounds = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	struct complaint why;

	log_init("damage-cost", LOG_LEVEL_INFO);
	if (rounds == 0 || rounds > ROUNDS_MAX ||
	        resolution_parse_list(argv[1], sizes, &why) != 1) {
		log_error("usage: damage-cost WIDTHxHEIGHT ROUNDS; at most %u rounds", ROUNDS_MAX);
		return EXIT_USAGE;
	}
	theatre.info = (struct frame_info) { pixel_format_by_name("xrgb8888")->fourcc,
		sizes[0].width, sizes[0].height, sizes[0].width * 4 };
	if (!set_up(&theatre)) {
		log_error("no memory for a ring of %s", argv[1]);
		return EXIT_OTHER;
	}
	for (unsigned round = 0; round < rounds; round++) {
		if (!run_round(&theatre, round)) {
			log_error("a frame did not arrive");
			return EXIT_OTHER;
		}
	}
	print_rows("writer", theatre.in_ns, rounds);
	print_rows("reader", theatre.out_ns, rounds);
	for (enum shape shape = WHOLE; shape < SHAPES; shape++) {
		for (unsigned round = 0; round < rounds; round++) {
			theatre.in_ns[shape][round] += theatre.out_ns[shape][round];
		}
	}
	print_rows("both", theatre.in_ns, rounds);
	return EXIT_GOOD;
}
