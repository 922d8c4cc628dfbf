/* SPDX-License-Identifier: MIT */
/*
 * A peer that answers every single load differently: what was judged is never what a second load
 * would yield. Nothing may crash, reach outside, hang, or accept a wrong frame.
 *
 *   test_ring_adversary [CALLS]    calls of the ring's functions, 2 million unless told
 */
#include "pointer_stand.h"
#include "clock_question.h"
#include "ring_hooks.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

static uint64_t calls_wanted = 2000000;

struct adversary {
	uint64_t random;
	unsigned malice; /* of 256 loads so many lie */
	unsigned loads;  /* since the call began */
};

static const uint64_t boundaries[] = { 0, 1, 2, 3, 4, 5, 63, 64, 65, 127, 128, 129, 255, 256,
	1 << 14, (1 << 14) + 1, UINT32_MAX, UINT64_C(1) << 32, RING_SEQUENCE_MAX,
	RING_SEQUENCE_MAX << 8, RING_SEQUENCE_MAX << 2, UINT64_C(1) << 63, UINT64_MAX, STAND_EPOCH,
	RING_MAGIC_G, UINT64_C(1) << 8, UINT64_C(1) << 8 | 3 };

static uint64_t answer(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct adversary *adversary = context;
	uint64_t random = stand_random(&adversary->random);

	(void)word;
	/* No call may go on for as long as we like. */
	assert(++adversary->loads < 200000);
	if ((random & 0xff) >= adversary->malice) {
		return really;
	}
	switch (random >> 8 & 3) {
	case 0:
		really ^= UINT64_C(1) << (random >> 16 & 63);
		break;
	case 1:
		really = boundaries[(random >> 16) % (sizeof(boundaries) / sizeof(boundaries[0]))];
		break;
	case 2:
		really += (random >> 16 & 7) - 3;
		break;
	default:
		really = stand_random(&adversary->random);
		break;
	}
	return bytes == 4 ? (uint32_t)really : really;
}

static void set_malice(struct adversary *adversary)
{
	static const unsigned degrees[] = { 1, 1, 2, 4, 16, 64, 255 };

	adversary->malice = degrees[stand_below(&adversary->random, 7)];
	adversary->loads = 0;
	ring_hooks.context = adversary;
	ring_hooks.load = answer;
}

static void read_one(struct stand *stand, struct adversary *adversary, struct ring_reader *reader)
{
	struct frame frame;
	enum reader_result result;

	set_malice(adversary);
	result = ring_reader_claim(reader, &frame);
	if (result != READER_FRAME) {
		return;
	}
	free(stand->copied);
	stand->copied = malloc(frame_info_bytes(&frame.info));
	assert_non_null(stand->copied);
	adversary->loads = 0;
	result = ring_reader_copy(reader, &stand->out, stand->copied, &frame);
	ring_hooks.load = NULL;
	/* A claim without a digest promises nothing but that it was not torn. */
	if (result == READER_FRAME && reader->claim.digest_algorithm != DIGEST_NONE) {
		stand_check(stand, &frame);
	}
}

/* The pixels are a function of the size. */
static uint64_t seed_of(const struct pointer_shape *shape)
{
	return (uint64_t)shape->width << 16 | shape->height;
}

static void point(struct stand *stand, struct adversary *adversary)
{
	uint32_t pixels[16 * 16];
	struct pointer pointer = {
		.is_shown = stand_below(&adversary->random, 16) != 0,
		.x = (int32_t)stand_below(&adversary->random, 70000) - 35000,
		.shape = { .width = (uint16_t)(1 + stand_below(&adversary->random, 16)),
		        .height = (uint16_t)(1 + stand_below(&adversary->random, 16)),
		        .pixels = pixels },
	};

	for (size_t i = 0; i < 16 * 16; i++) {
		pixels[i] = pointer_pixel(seed_of(&pointer.shape), i);
	}
	ring_writer_point(&stand->writer, &pointer, stand_below(&adversary->random, 2));
}

/* returns: whether a shape was handed on */
static bool look_at_pointer(struct adversary *adversary, struct ring_reader *reader)
{
	/* Exactly as large as was asked for, so that a sanitizer sees every byte too many. */
	uint32_t *pixels = malloc(RING_SHAPE_CAPACITY_MIN);
	struct pointer pointer;
	enum point_result result;

	assert_non_null(pixels);
	set_malice(adversary);
	result = ring_reader_point(reader, pixels, &pointer);
	ring_hooks.load = NULL;
	if (result == POINT_SHAPE) {
		assert_true(pointer_is_drawn(&pointer.shape, seed_of(&pointer.shape)));
	}
	free(pixels);
	return result == POINT_SHAPE;
}

/* Whatever is answered: nothing overflows, and it ends. */
static void ask_for_the_time(struct adversary *adversary, struct clock_question *question,
        const struct ring_reader *reader)
{
	struct clock_latency latency;

	set_malice(adversary);
	question->announced_ns = 0;
	clock_question_announce(question, reader);
	clock_question_meet(question, reader);
	clock_offset_latency(
	        &question->offset, stand_random(&adversary->random), clock_now_ns(), &latency);
}

static void the_producer_lies(void **state)
{
	static const enum reader_mode modes[] = { READER_LATEST, READER_LOSSLESS, READER_OBSERVE };
	struct adversary adversary = { .random = 12345 };
	const struct ring_writer_config config = {
		.slot_count = 4,
		.lossless = true,
		.version_text = "stand",
		.epoch = STAND_EPOCH,
		.shape_capacity = RING_SHAPE_CAPACITY_MIN,
	};
	struct clock_question questions[3];
	struct ring_reader readers[3];
	struct ring_header header;
	struct stand stand;
	uint64_t accepted = 0;
	uint64_t shapes = 0;

	(void)state;
	stand_set_up(&stand, STAND_REGION, &config);
	for (unsigned i = 0; i < 3; i++) {
		stand_attach(&stand, &readers[i], i, modes[i]);
		clock_question_init(&questions[i]);
	}
	for (uint64_t calls = 0; calls < calls_wanted; calls += 8) {
		unsigned which = (unsigned)stand_below(&adversary.random, 3);
		struct ring_reader *reader = &readers[which];
		uint64_t verified = reader->counts.verified;

		ring_hooks.load = NULL;
		stand_beat(reader);
		stand.now_ns += NS_PER_S;
		stand_publish(&stand);
		point(&stand, &adversary);
		shapes += look_at_pointer(&adversary, reader);
		set_malice(&adversary);
		region_header_read((struct span) { stand.memory.bytes, STAND_REGION }, &header);
		ring_reader_has_news(reader);
		ring_reader_state(reader);
		ring_reader_in_ring(reader);
		ring_reader_granted(reader);
		read_one(&stand, &adversary, reader);
		ask_for_the_time(&adversary, &questions[which], reader);
		accepted += reader->counts.verified - verified;
		assert_true(stand_counted(reader) == reader->last);
		if (stand_below(&adversary.random, 8) == 0) {
			set_malice(&adversary);
			ring_reader_detach(reader, RING_BYE_DETACHED);
			ring_hooks.load = NULL;
			stand_attach(&stand, reader, which, modes[which]);
		}
	}
	ring_hooks.load = NULL;
	/* It is no test if nothing ever gets through. */
	assert_true(accepted > calls_wanted / 100);
	assert_true(shapes > calls_wanted / 100);
	stand_tear_down(&stand);
}

/* A page that changes while it is read: whatever is called good is inside of what is mapped. */
static void the_header_lies(void **state)
{
	struct adversary adversary = { .random = 99 };
	struct pointer_reader pointer;
	struct ring_header header;
	struct stand stand;
	struct span g;
	uint64_t good = 0;
	uint64_t channels = 0;

	(void)state;
	stand_set_up_plain(&stand, 4, true);
	g = (struct span) { stand.memory.bytes, STAND_REGION };
	for (uint64_t calls = 0; calls < calls_wanted / 4; calls++) {
		set_malice(&adversary);
		if (region_header_read(g, &header) == HEADER_GOOD) {
			good++;
			assert_true(header.geometry.end <= STAND_REGION);
			assert_true(header.epoch != 0);
			header.features_offered = RING_FEATURE_POINTER;
			pointer_reader_open(&pointer, g, &header);
			channels += pointer.area != NULL;
			assert_true(!pointer.area ||
			            header.geometry.end + ring_pointer_area_size(
			                                          pointer.shape_capacity) <=
			                    STAND_REGION);
		}
	}
	ring_hooks.load = NULL;
	assert_true(good > 0);
	assert_true(channels > 0);
	stand_tear_down(&stand);
}

/* Consumers lie to the producer: it goes on, LATEST always, and lossless within its patience. */
static void the_consumers_lie(void **state)
{
	(void)state;
	for (unsigned lossless = 0; lossless < 2; lossless++) {
		struct adversary adversary = { .random = 777 };
		struct ring_reader readers[8];
		struct ring_reader observer;
		struct stand stand;
		struct frame frame;
		uint64_t published = 0;

		stand_set_up_plain(&stand, 4, lossless);
		for (unsigned i = 0; i < 8; i++) {
			stand_attach(&stand, &readers[i], i, READER_LOSSLESS);
		}
		stand_attach(&stand, &observer, 0, READER_OBSERVE);
		for (uint64_t calls = 0; calls < calls_wanted / 4; calls += 2) {
			enum writer_result result;
			bool deposed;

			set_malice(&adversary);
			stand.now_ns += 10 * NS_PER_MS;
			deposed = !ring_writer_tend(&stand.writer, stand.now_ns);
			result = stand_begin(&stand);
			ring_hooks.load = NULL;
			/* Its own epoch lies too, in this test. */
			if (deposed || result == WRITER_DEPOSED) {
				continue;
			}
			assert_true(result == WRITER_OK || lossless);
			if (result == WRITER_OK) {
				stand_copy(&stand);
				assert_int_equal(stand_finish(&stand), WRITER_OK);
				published++;
				assert_int_equal(
				        stand_read(&stand, &observer, &frame), READER_FRAME);
			}
		}
		assert_true(published > calls_wanted / (lossless ? 1000 : 100));
		stand_tear_down(&stand);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_producer_lies),
		cmocka_unit_test(the_header_lies),
		cmocka_unit_test(the_consumers_lie),
	};

	if (argc > 1) {
		calls_wanted = strtoull(argv[1], NULL, 10);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
