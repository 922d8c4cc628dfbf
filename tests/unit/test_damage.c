/* SPDX-License-Identifier: MIT */
/*
 * Frames of which only the damage travels are the same as whole frames, always: random damage, read
 * and skipped, over changes of size, format and slots, each accepted frame compared byte by byte.
 */
#include "ring_stand.h"
#include "pixel_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define SEQUENCES  10000u /* of small frames: a few strips */
#define LARGE      150u   /* of large ones: several tiles side by side */
#define FRAMES     8u
#define SMALL_SIDE 160u /* pixels */
#define LARGE_SIDE 640u
#define RECTS      6u

struct scene {
	struct stand stand;
	struct ring_reader reader;
	struct copier out;
	uint64_t random;
	uint8_t *source;  /* what the frame should be */
	uint8_t *private; /* what the reader makes of it */
	uint64_t published;
	uint32_t side;  /* frames are smaller */
	bool is_spoilt; /* the source changed outside of the damage: it must be whole */
};

static void set_up(struct scene *scene, uint64_t seed, uint32_t slots, uint32_t side)
{
	const struct ring_writer_config config = {
		.slot_count = slots, .version_text = "", .epoch = STAND_EPOCH
	};
	struct ring_header header;
	struct span g;

	memset(scene, 0, sizeof(*scene));
	scene->random = seed * 2 + 1;
	scene->side = side;
	stand_set_up(&scene->stand, side == SMALL_SIDE ? STAND_REGION : 16 * STAND_REGION, &config);
	scene->source = calloc(side, side * 4 + 96);
	scene->private = calloc(side, side * 4 + 96);
	assert_non_null(scene->source);
	assert_non_null(scene->private);
	g = (struct span) { scene->stand.memory.bytes, scene->stand.ring.region_size };
	assert_int_equal(region_header_read(g, &header), HEADER_GOOD);
	ring_reader_attach(&scene->reader,
	        &(struct ring_reader_config) {
	                .g = g,
	                .h = scene->stand.ring.h,
	                .mode = READER_LATEST,
	                .keeps_pixels = true,
	        },
	        &header);
}

static void tear_down(struct scene *scene)
{
	free(scene->source);
	free(scene->private);
	stand_tear_down(&scene->stand);
}

static uint64_t below(struct scene *scene, uint64_t limit)
{
	return stand_below(&scene->random, limit);
}

/* Changes most of so many bytes. */
static void scramble(struct scene *scene, uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
		uint64_t word = stand_random(&scene->random);

		word &= stand_random(&scene->random);
		for (size_t j = i; j < count && j < i + sizeof(word); j++) {
			bytes[j] ^= (uint8_t)(word >> 8 * (j - i));
		}
	}
}

static void shape(struct scene *scene)
{
	static const uint32_t formats[] = { STAND_XRGB, STAND_RGB565, STAND_RGB888 };
	struct frame_info *info = &scene->stand.info;
	const struct pixel_format *format;

	info->fourcc = formats[below(scene, 3)];
	info->width = 1 + (uint32_t)below(scene, scene->side);
	info->height = 1 + (uint32_t)below(scene, scene->side);
	format = pixel_format_by_fourcc(info->fourcc);
	info->stride = pixel_format_stride(format, info->width) + 4 * (uint32_t)below(scene, 9);
	/* Only what has whole lines is cut into tiles. */
	if (below(scene, 2)) {
		info->stride = (info->stride + 63) / 64 * 64;
	}
	scramble(scene, scene->source, frame_info_bytes(info));
	scene->is_spoilt = true;
}

/* Changes some pixels of a random rectangle of the source. */
static struct frame_rect scribble(struct scene *scene)
{
	const struct frame_info *info = &scene->stand.info;
	const uint32_t pixel = pixel_format_by_fourcc(info->fourcc)->bytes;
	struct frame_rect rect;

	rect.x = (uint16_t)below(scene, info->width);
	rect.y = (uint16_t)below(scene, info->height);
	rect.width = (uint16_t)(1 + below(scene, info->width - rect.x));
	rect.height = (uint16_t)(1 + below(scene, info->height - rect.y));
	for (uint32_t y = rect.y; y < (uint32_t)rect.y + rect.height; y++) {
		scramble(scene, scene->source + (size_t)y * info->stride + rect.x * pixel,
		        rect.width * pixel);
	}
	return rect;
}

/* Begun, copied, never published: what lies in the slot then is of no frame. */
static void copy_and_think_better_of_it(struct scene *scene, const struct frame *frame)
{
	struct frame_damage damage = frame->damage;
	size_t bytes = frame_info_bytes(&frame->info);
	uint8_t *before = malloc(bytes);

	assert_non_null(before);
	memcpy(before, scene->source, bytes);
	damage.rects[damage.count++] = scribble(scene);
	ring_writer_copy(&scene->stand.writer, &scene->stand.in, scene->source, &damage);
	memcpy(scene->source, before, bytes);
	free(before);
	assert_int_equal(ring_writer_begin(&scene->stand.writer, &frame->info, scene->stand.now_ns),
	        WRITER_OK);
}

static void publish(struct scene *scene)
{
	struct frame frame = { .info = scene->stand.info };
	bool is_told = below(scene, 3) != 0;
	enum writer_result result;

	if (below(scene, 10) == 0) {
		shape(scene);
		frame.info = scene->stand.info;
	}
	frame.damage.count = (uint32_t)below(scene, RECTS);
	for (uint32_t i = 0; i < frame.damage.count; i++) {
		frame.damage.rects[i] = scribble(scene);
	}
	if (!is_told) {
		(void)scribble(scene);
	}
	/* A source that tells of damage over a change of geometry is caught by the geometry. */
	if (is_told && (!scene->is_spoilt || below(scene, 2))) {
		frame.damage.base_sequence = scene->published;
	}
	result = ring_writer_begin(&scene->stand.writer, &frame.info, scene->stand.now_ns);
	assert_int_equal(result, WRITER_OK);
	if (below(scene, 12) == 0) {
		copy_and_think_better_of_it(scene, &frame);
	}
	ring_writer_copy(&scene->stand.writer, &scene->stand.in, scene->source, &frame.damage);
	assert_int_equal(ring_writer_publish(&scene->stand.writer, &frame), WRITER_OK);
	scene->published = frame.sequence;
	scene->is_spoilt = false;
}

static void read_and_compare(struct scene *scene)
{
	struct frame frame;

	assert_int_equal(ring_reader_claim(&scene->reader, &frame), READER_FRAME);
	assert_int_equal(
	        ring_reader_copy(&scene->reader, &scene->stand.out, scene->private, &frame),
	        READER_FRAME);
	assert_true(frame_info_equal(&frame.info, &scene->stand.info));
	assert_int_equal(
	        memcmp(frame.pixels, scene->source, frame_info_bytes(&scene->stand.info)), 0);
}

static void play(uint64_t seed, uint32_t side)
{
	struct scene scene;

	set_up(&scene, seed, 3 + (uint32_t)(seed % 3), side);
	shape(&scene);
	for (unsigned j = 0; j < FRAMES; j++) {
		publish(&scene);
		if (below(&scene, 3)) {
			read_and_compare(&scene);
		}
	}
	tear_down(&scene);
}

static void damage_is_the_same_as_whole_frames(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SEQUENCES; i++) {
		play(i, SMALL_SIDE);
	}
}

static void tiles_without_damage_keep_their_digests(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LARGE; i++) {
		play(i, LARGE_SIDE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_is_the_same_as_whole_frames),
		cmocka_unit_test(tiles_without_damage_keep_their_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
