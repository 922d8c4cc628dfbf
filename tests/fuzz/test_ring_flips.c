/* SPDX-License-Identifier: MIT */
/*
 * Flipped bits: every single one of what describes a frame, every one of a small frame, random
 * handfuls of all of it; and frames whose last byte is the last of the mapping.
 *
 *   test_ring_flips [RANDOM]    random handfuls, 200000 unless told
 */
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

static unsigned long random_wanted = 200000;

struct place {
	size_t offset;
	size_t bytes;
};

/* A region whose newest frame has damage and several strips, and what describes that frame. */
struct scene {
	struct stand stand;
	struct place places[5];
	unsigned accepted;
};

static void scene_set_up(struct scene *scene)
{
	struct frame frame = { .damage = { .base_sequence = 4,
		                       .count = 2,
		                       .rects = { { 1, 1, 2, 2 }, { 3, 0, 1, 8 } } } };
	struct stand *stand = &scene->stand;
	size_t descriptor;
	size_t digests;

	memset(scene, 0, sizeof(*scene));
	stand_set_up_plain(stand, 4, false);
	stand->info.height = 40;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
	}
	assert_int_equal(stand_begin(stand), WRITER_OK);
	stand_copy(stand);
	assert_int_equal(ring_writer_publish(&stand->writer, &frame), WRITER_OK);
	descriptor = (size_t)((uint8_t *)stand_descriptor(stand, 1) - stand->memory.bytes);
	digests = stand->writer.geometry.digests_base + stand->writer.geometry.digest_words * 8;
	scene->places[0] = (struct place) { 0, RING_IDENTITY_SIZE };
	scene->places[1] = (struct place) { RING_IDENTITY_SIZE, 64 * 8 };
	scene->places[2] = (struct place) { descriptor, sizeof(struct ring_descriptor) };
	scene->places[3] = (struct place) { digests, 4 * sizeof(uint64_t) };
	scene->places[4] = (struct place) { stand->writer.geometry.payload_base +
		                                    stand->writer.geometry.slot_capacity,
		frame_info_bytes(&stand->info) };
}

/* Attaches if it can and reads; accepted frames are compared. */
static void look(struct scene *scene, enum reader_mode mode)
{
	struct stand *stand = &scene->stand;
	struct span g = { stand->memory.bytes, STAND_REGION };
	struct ring_header header;
	struct ring_reader reader;
	struct frame frame;

	if (region_header_read(g, &header) != HEADER_GOOD) {
		return;
	}
	ring_reader_attach(&reader,
	        &(struct ring_reader_config) { .g = g, .h = stand->ring.h, .mode = mode }, &header);
	for (unsigned i = 0; i < 3; i++) {
		enum reader_result result = ring_reader_claim(&reader, &frame);

		if (result != READER_FRAME) {
			continue;
		}
		free(stand->copied);
		stand->copied = malloc(frame_info_bytes(&frame.info));
		assert_non_null(stand->copied);
		if (ring_reader_copy(&reader, &stand->out, stand->copied, &frame) == READER_FRAME) {
			stand_check(stand, &frame);
			scene->accepted++;
		}
	}
	assert_true(stand_counted(&reader) == reader.last);
}

static void flip(struct scene *scene, size_t byte, unsigned bit)
{
	scene->stand.memory.bytes[byte] ^= (uint8_t)(1u << bit);
}

static void every_single_bit(void **state)
{
	struct scene scene;
	unsigned bits = 0;

	(void)state;
	scene_set_up(&scene);
	look(&scene, READER_LATEST);
	assert_int_equal(scene.accepted, 1);
	for (size_t i = 0; i < sizeof(scene.places) / sizeof(scene.places[0]); i++) {
		const struct place *place = &scene.places[i];

		for (size_t bit = 0; bit < 8 * place->bytes; bit++, bits++) {
			flip(&scene, place->offset + bit / 8, bit % 8);
			look(&scene, bit % 2 ? READER_OBSERVE : READER_LOSSLESS);
			look(&scene, READER_LATEST);
			flip(&scene, place->offset + bit / 8, bit % 8);
		}
	}
	assert_true(bits > 41000);
	stand_tear_down(&scene.stand);
}

static void random_handfuls(void **state)
{
	struct scene scene;
	uint64_t random = 31415;

	(void)state;
	scene_set_up(&scene);
	for (unsigned long i = 0; i < random_wanted; i++) {
		unsigned count =
		        (unsigned)(1 + stand_below(&random, 1u << stand_below(&random, 7)));
		struct {
			size_t byte;
			unsigned bit;
		} flips[64];

		for (unsigned j = 0; j < count; j++) {
			const struct place *place = &scene.places[stand_below(&random, 5)];

			flips[j].byte = place->offset + stand_below(&random, place->bytes);
			flips[j].bit = (unsigned)stand_below(&random, 8);
			flip(&scene, flips[j].byte, flips[j].bit);
		}
		look(&scene, (enum reader_mode)stand_below(&random, 3));
		for (unsigned j = 0; j < count; j++) {
			flip(&scene, flips[j].byte, flips[j].bit);
		}
	}
	assert_true(scene.accepted > random_wanted / 100);
	stand_tear_down(&scene.stand);
}

static void every_bit_of_a_small_frame(void **state)
{
	struct ring_reader reader;
	struct stand stand;
	struct frame frame;

	(void)state;
	stand_set_up_plain(&stand, 3, false);
	stand.info = (struct frame_info) { STAND_XRGB, 32, 32, 128 };
	for (size_t bit = 0; bit < 8 * 4096; bit++) {
		int slot;

		/* A new session now and then: eight bad ones in a row are enough for a reader. */
		if (bit % 4 == 0) {
			stand_attach(&stand, &reader, 0, READER_LATEST);
		}
		assert_int_equal(stand_publish(&stand), WRITER_OK);
		slot = stand.writer.latest;
		stand_payload(&stand, (unsigned)slot)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(stand_read(&stand, &reader, &frame), READER_BAD);
	}
	stand_tear_down(&stand);
}

/* The guard page behind the region ends the test if a single byte too many is touched. */
static void payloads_that_end_with_the_mapping(void **state)
{
	static const uint32_t formats[] = { STAND_XRGB, STAND_RGB888, STAND_RGB565 };
	static const uint32_t bytes[] = { 4, 3, 2 };
	uint64_t random = 2718;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		const struct ring_writer_config config = {
			.slot_count = 3, .version_text = "edge", .epoch = STAND_EPOCH
		};
		uint64_t which = stand_below(&random, 3);
		uint64_t row = 4 * (1 + stand_below(&random, 2000));
		size_t units = 1 + stand_below(&random, 4);
		struct ring_reader reader;
		struct stand stand;
		struct frame frame;

		/* Three slots that fill G to its end, and H somewhere else. */
		stand_set_up(&stand, (1 + 3 * units + 1) * 65536, &config);
		guarded_unmap(&stand.memory);
		stand.memory = guarded_map((1 + 3 * units) * 65536, GUARDED_BEHIND);
		stand.ring = (struct ring_memory) {
			.g = { stand.memory.bytes, (1 + 3 * units) * 65536 },
			.h = { calloc(1, RING_FEEDBACK_SIZE), RING_FEEDBACK_SIZE },
			.region_size = (1 + 3 * units) * 65536,
		};
		stand_reopen(&stand, STAND_EPOCH);
		assert_true(stand.writer.geometry.end == stand.ring.region_size);
		/* Full slots: rows that divide the capacity, or as many as go in. */
		row = i % 3 ? row : UINT64_C(4) << stand_below(&random, 13);
		stand.info.fourcc = formats[which];
		stand.info.stride = (uint32_t)row;
		stand.info.width = (uint32_t)(row / bytes[which]);
		stand.info.height = (uint32_t)(units * 65536 / row);
		if (stand.info.height > FRAME_SIDE_MAX) {
			stand.info.height = FRAME_SIDE_MAX;
		}
		stand_attach(&stand, &reader, 0, READER_LATEST);
		for (unsigned j = 0; j < 3; j++) {
			assert_int_equal(stand_publish(&stand), WRITER_OK);
			assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
		}
		free(stand.ring.h.bytes);
		stand_tear_down(&stand);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_single_bit),
		cmocka_unit_test(random_handfuls),
		cmocka_unit_test(every_bit_of_a_small_frame),
		cmocka_unit_test(payloads_that_end_with_the_mapping),
	};

	if (argc > 1) {
		random_wanted = strtoul(argv[1], NULL, 10);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
