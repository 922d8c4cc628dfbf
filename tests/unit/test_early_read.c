/* SPDX-License-Identifier: MIT */
/*
 * A frame that is read while it is written: the reader does all it can before each store of the
 * writer, or before one of them. Whatever it took ahead, and whatever the words say that it goes
 * by, an accepted frame is the one that was drawn; and where nobody lies, nothing is copied twice.
 */
#include "dice.h"
#include "ring_hooks.h"
#include "wake_stand.h"

#define ROWS   160u
#define STRIPS 10u
#define EVERY  UINT32_MAX

struct scene {
	struct stand stand;
	struct ring_reader reader;
	uint8_t *pixels; /* the reader's buffer */
	uint8_t *drawn;
	uint64_t accepted;
	uint32_t ahead; /* strips that were taken ahead of the last accepted frame */
	/* at which store the reader runs */
	unsigned at;
	unsigned store;
	bool acted;
	/* what it is told of progress: of any frame, so many strips more than there are */
	uint32_t lie;
};

static void set_up_as(struct scene *scene, bool lossless, enum reader_mode mode)
{
	struct stand *stand = &scene->stand;
	struct ring_header header;
	struct ring_reader_config config;

	memset(scene, 0, sizeof(*scene));
	stand_set_up_plain(stand, 4, lossless);
	stand->info = (struct frame_info) { STAND_XRGB, 16, ROWS, 64 };
	config = (struct ring_reader_config) {
		.g = { stand->memory.bytes, stand->ring.region_size },
		.h = mode == READER_OBSERVE ? (struct span) { NULL, 0 } : stand->ring.h,
		.mode = mode,
		.keeps_pixels = true,
		.reads_early = true,
	};
	assert_int_equal(region_header_read(config.g, &header), HEADER_GOOD);
	ring_reader_attach(&scene->reader, &config, &header);
	stand_pass(stand, 0);
	scene->pixels = malloc(stand->writer.geometry.slot_capacity);
	scene->drawn = malloc(frame_info_bytes(&stand->info));
	assert_non_null(scene->pixels);
	assert_non_null(scene->drawn);
}

static void set_up(struct scene *scene)
{
	set_up_as(scene, false, READER_LATEST);
}

static void tear_down(struct scene *scene)
{
	ring_hooks = (struct ring_hooks) { 0 };
	free(scene->pixels);
	free(scene->drawn);
	stand_tear_down(&scene->stand);
}

static void check(struct scene *scene, const struct frame *frame)
{
	stand_draw(&frame->info, frame->epoch, frame->sequence, scene->drawn);
	assert_memory_equal(frame->pixels, scene->drawn, frame_info_bytes(&frame->info));
	scene->accepted = frame->sequence;
}

/* A turn of a view loop. returns: whether a frame was accepted */
static bool read_turn(struct scene *scene)
{
	struct frame frame;

	if (ring_reader_claim(&scene->reader, &frame) != READER_FRAME) {
		(void)ring_reader_read_early(&scene->reader, &scene->stand.out, scene->pixels);
		return false;
	}
	scene->ahead =
	        scene->reader.early.sequence == frame.sequence ? scene->reader.early.done : 0;
	assert_int_equal(ring_reader_copy(&scene->reader, &scene->stand.out, scene->pixels, &frame),
	        READER_FRAME);
	check(scene, &frame);
	return true;
}

static uint64_t load(void *context, const void *word, unsigned bytes, uint64_t really)
{
	const struct scene *scene = context;

	(void)bytes;
	for (unsigned i = 0; scene->lie && i < 4; i++) {
		if (word == &stand_descriptor(&scene->stand, i)->progress) {
			return (really & ~RING_PROGRESS_STRIPS_MASK) | scene->lie;
		}
	}
	return really;
}

static void store(void *context, const void *word)
{
	struct scene *scene = context;
	const struct ring_hooks hooks = ring_hooks;

	(void)word;
	if (scene->store++ == scene->at || scene->at == EVERY) {
		scene->acted = true;
		ring_hooks.store = NULL;
		(void)read_turn(scene);
		ring_hooks = hooks;
	}
}

static void begin(struct scene *scene)
{
	assert_int_equal(stand_begin(&scene->stand), WRITER_OK);
}

/* Publishes a frame, while the reader looks at one store, or at each. */
static void publish(struct scene *scene, unsigned at)
{
	scene->at = at;
	scene->store = 0;
	scene->acted = false;
	ring_hooks = (struct ring_hooks) { load, store, scene };
	begin(scene);
	stand_copy(&scene->stand);
	assert_int_equal(stand_finish(&scene->stand), WRITER_OK);
	ring_hooks.store = NULL;
}

static void all_but_nothing_is_left_to_copy(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene);
	for (unsigned i = 0; i < 20; i++) {
		publish(&scene, EVERY);
		while (read_turn(&scene)) {
		}
		assert_int_equal(scene.accepted, i + 1);
		assert_int_equal(scene.ahead, STRIPS);
	}
	tear_down(&scene);
}

/* What was taken ahead is not copied again: with the payload gone, it is still there. */
static void nothing_is_copied_twice(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene);
	begin(&scene);
	stand_copy(&scene.stand);
	assert_int_equal(ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels),
	        EARLY_COPIED);
	assert_int_equal(ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels),
	        EARLY_WAITING);
	assert_int_equal(stand_finish(&scene.stand), WRITER_OK);
	memset(stand_payload(&scene.stand, 0), 0xa5, frame_info_bytes(&scene.stand.info));
	assert_true(read_turn(&scene));
	tear_down(&scene);
}

static void one_look_at_any_store(void **state)
{
	struct scene scene;
	unsigned orders = 0;

	(void)state;
	do {
		set_up(&scene);
		publish(&scene, orders++);
		while (read_turn(&scene)) {
		}
		assert_int_equal(scene.accepted, 1);
		tear_down(&scene);
	} while (scene.acted);
	assert_true(orders > 60);
	print_message("%u orders\n", orders);
}

static void a_lie_costs_a_copy(void **state)
{
	static const uint32_t lies[] = { STRIPS, STRIPS - 1, 255, 1 };
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		set_up(&scene);
		scene.lie = lies[i];
		for (unsigned j = 0; j < 12; j++) {
			publish(&scene, EVERY);
			while (read_turn(&scene)) {
			}
			assert_int_equal(scene.accepted, j + 1);
		}
		tear_down(&scene);
	}
}

/* Geometry that it began with need not be that of the frame that comes. */
static void another_frame_comes_instead(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene);
	for (unsigned i = 0; i < 30; i++) {
		begin(&scene);
		stand_copy(&scene.stand);
		(void)read_turn(&scene);
		scene.stand.info.height = i % 2 ? ROWS : ROWS - 4;
		if (i % 3 == 0) {
			scene.stand.info.width = 8;
			scene.stand.info.stride = 32;
		} else {
			scene.stand.info.width = 16;
			scene.stand.info.stride = 64;
		}
		assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
		assert_true(read_turn(&scene));
		assert_int_equal(scene.accepted, i + 1);
		scene.stand.info = (struct frame_info) { STAND_XRGB, 16, ROWS, 64 };
	}
	tear_down(&scene);
}

/* Damage is relative to what the buffer held before it was begun with another frame. */
static void a_buffer_that_was_begun_with_is_copied_whole(void **state)
{
	struct frame frame = { .damage = { .base_sequence = 1, .count = 0 } };
	struct scene scene;

	(void)state;
	set_up(&scene);
	assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
	assert_true(read_turn(&scene));
	begin(&scene);
	memset(scene.stand.drawn, 0x5a, frame_info_bytes(&scene.stand.info));
	ring_writer_copy(&scene.stand.writer, &scene.stand.in, scene.stand.drawn, NULL);
	assert_false(read_turn(&scene));
	/* Given up; and the next is the first again, as its damage says. */
	assert_int_equal(stand_begin(&scene.stand), WRITER_OK);
	stand_draw(&scene.stand.info, STAND_EPOCH, 1, scene.stand.drawn);
	ring_writer_copy(&scene.stand.writer, &scene.stand.in, scene.stand.drawn, &frame.damage);
	frame.info = scene.stand.info;
	assert_int_equal(ring_writer_publish(&scene.stand.writer, &frame), WRITER_OK);
	assert_int_equal(ring_reader_claim(&scene.reader, &frame), READER_FRAME);
	assert_int_equal(ring_reader_copy(&scene.reader, &scene.stand.out, scene.pixels, &frame),
	        READER_FRAME);
	assert_memory_equal(scene.pixels, scene.stand.drawn, frame_info_bytes(&scene.stand.info));
	tear_down(&scene);
}

/* Published and begun between two looks: what was taken ahead is then overwritten. */
static void what_is_overwritten_was_not_taken_ahead(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene);
	assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
	begin(&scene);
	stand_copy(&scene.stand);
	assert_int_equal(ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels),
	        EARLY_COPIED);
	assert_true(read_turn(&scene));
	assert_int_equal(scene.accepted, 1);
	/* Of 2 all strips are finished, and are taken again. */
	assert_true(early_read_has_news(&scene.reader));
	assert_int_equal(stand_finish(&scene.stand), WRITER_OK);
	assert_true(read_turn(&scene));
	assert_int_equal(scene.accepted, 2);
	tear_down(&scene);
}

/* Given up and drawn again under the same name: one tile of each strip is another then. */
static void each_tile_of_a_strip_counts(void **state)
{
	const struct frame_info info = { STAND_XRGB, 512, 40, 2048 };
	uint8_t *picture = calloc(1, frame_info_bytes(&info));
	struct frame frame = { .info = info };
	struct scene scene;

	(void)state;
	assert_non_null(picture);
	for (uint32_t x = 0; x < info.width; x += 255) {
		set_up(&scene);
		scene.stand.info = info;
		assert_int_equal(stand_begin(&scene.stand), WRITER_OK);
		ring_writer_copy(&scene.stand.writer, &scene.stand.in, picture, NULL);
		assert_int_equal(scene.stand.writer.grid.columns, 2);
		assert_int_equal(
		        ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels),
		        EARLY_COPIED);
		for (uint32_t y = 0; y < info.height; y++) {
			picture[y * info.stride + 4 * x] ^= 1;
		}
		assert_int_equal(stand_begin(&scene.stand), WRITER_OK);
		ring_writer_copy(&scene.stand.writer, &scene.stand.in, picture, NULL);
		assert_int_equal(ring_writer_publish(&scene.stand.writer, &frame), WRITER_OK);
		assert_int_equal(ring_reader_claim(&scene.reader, &frame), READER_FRAME);
		assert_int_equal(scene.reader.early.done, scene.stand.writer.grid.strips);
		assert_int_equal(
		        ring_reader_copy(&scene.reader, &scene.stand.out, scene.pixels, &frame),
		        READER_FRAME);
		assert_memory_equal(scene.pixels, picture, frame_info_bytes(&info));
		frame = (struct frame) { .info = info };
		tear_down(&scene);
	}
	free(picture);
}

static void set_announced(struct scene *scene, uint64_t sequence, uint64_t slot)
{
	shared_store_u64(&stand_identity(&scene->stand)->announced, sequence << 8 | slot);
}

static void what_cannot_be_is_not_begun_with(void **state)
{
	const struct {
		uint64_t sequence, slot;
	} names[] = { { 2, 4 }, { 2, 255 }, { 3, 1 }, { 0, 0 }, { 1, 0 }, { 1u << 30, 1 } };
	struct scene scene;

	(void)state;
	set_up(&scene);
	assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
	assert_true(read_turn(&scene));
	begin(&scene);
	stand_copy(&scene.stand);
	/* What lies where a fifth slot would have its descriptor says what slot 1 does. */
	memcpy(stand_descriptor(&scene.stand, 4), stand_descriptor(&scene.stand, 1),
	        sizeof(struct ring_descriptor));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		set_announced(&scene, names[i].sequence, names[i].slot);
		assert_int_equal(
		        ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels),
		        EARLY_NONE);
		/* Judged once: no news until there is another. */
		assert_false(ring_reader_has_news(&scene.reader) && names[i].slot < 4);
	}
	set_announced(&scene, 2, 1);
	assert_true(ring_reader_has_news(&scene.reader));
	scene.reader.quarantined = true;
	assert_int_equal(
	        ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels), EARLY_NONE);
	scene.reader.quarantined = false;
	assert_int_equal(ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels),
	        EARLY_COPIED);
	tear_down(&scene);
}

/* Neither what changes in part only, nor what no digest proves. */
static void what_is_not_worth_it_is_not_announced(void **state)
{
	struct frame_damage damage = {
		.base_sequence = 1, .count = 1, .rects = { { 0, 0, 1, 1 } }
	};
	struct scene scene;

	(void)state;
	set_up(&scene);
	assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
	assert_int_equal(stand_begin(&scene.stand), WRITER_OK);
	ring_writer_copy(&scene.stand.writer, &scene.stand.in, scene.stand.drawn, &damage);
	assert_int_equal(
	        shared_load_u64(&stand_identity(&scene.stand)->announced) >> RING_NAME_SHIFT, 1);
	assert_int_equal(stand_finish(&scene.stand), WRITER_OK);
	scene.stand.in.algorithm = DIGEST_NONE;
	assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
	assert_int_equal(
	        shared_load_u64(&stand_identity(&scene.stand)->announced) >> RING_NAME_SHIFT, 1);
	tear_down(&scene);
}

static void lossless_begins_with_the_next_only(void **state)
{
	struct scene scene;

	(void)state;
	set_up_as(&scene, true, READER_LOSSLESS);
	assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
	begin(&scene);
	stand_copy(&scene.stand);
	/* Frame 1 is not taken yet: 2 is not the next. */
	assert_true(ring_reader_has_news(&scene.reader));
	assert_true(scene.reader.admitted);
	assert_int_equal(
	        ring_reader_read_early(&scene.reader, &scene.stand.out, scene.pixels), EARLY_NONE);
	assert_true(read_turn(&scene));
	assert_false(read_turn(&scene));
	assert_int_equal(scene.reader.early.sequence, 2);
	assert_int_equal(scene.reader.early.done, STRIPS);
	assert_int_equal(stand_finish(&scene.stand), WRITER_OK);
	assert_true(read_turn(&scene));
	tear_down(&scene);
}

/* Frames that are whole, in part, given up, of other sizes; a reader that comes when it likes. */
static void any_order(void **state)
{
	struct scene scene;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		set_up_as(&scene, false, round % 4 == 0 ? READER_OBSERVE : READER_LATEST);
		scene.lie = roll(4) ? 0 : roll(STRIPS + 1);
		for (unsigned i = 0; i < 60; i++) {
			scene.stand.info.height = roll(5) ? ROWS : ROWS / 2;
			if (roll(6) == 0) {
				assert_int_equal(stand_begin(&scene.stand), WRITER_OK);
				stand_copy(&scene.stand);
			} else if (scene.stand.info.height == ROWS) {
				publish(&scene, roll(3) ? roll(80) : EVERY);
			} else {
				assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
			}
			if (roll(2)) {
				(void)read_turn(&scene);
			}
		}
		while (read_turn(&scene)) {
		}
		assert_int_equal(scene.accepted, scene.stand.writer.sequence);
		tear_down(&scene);
	}
}

static void who_reads_early_is_rung_twice(void **state)
{
	struct tower producer = tower_of(PRODUCER_PEER, SOMEBODY_FD);
	struct tower early = tower_of(20, SOMEBODY_FD);
	struct tower late = tower_of(21, SOMEBODY_FD);
	struct ring_reader readers[2];
	struct stand stand;
	struct ring_header header;
	struct ring_reader_config config;

	(void)state;
	wake_set_up(&stand, false, &producer);
	config = (struct ring_reader_config) {
		.g = { stand.memory.bytes, stand.ring.region_size },
		.h = stand.ring.h,
		.mode = READER_LATEST,
		.doorbell = &early.doorbell,
		.reads_early = true,
	};
	assert_int_equal(region_header_read(config.g, &header), HEADER_GOOD);
	ring_reader_attach(&readers[0], &config, &header);
	wake_attach(&stand, &readers[1], 1, READER_LATEST, &late);
	stand_pass(&stand, 0);
	ring_reader_arm(&readers[0]);
	ring_reader_arm(&readers[1]);
	producer.rings = 0;
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	stand_copy(&stand);
	assert_int_equal(producer.rings, 1);
	assert_int_equal(producer.peer, 20);
	/* It looked, and sleeps again. */
	ring_reader_disarm(&readers[0]);
	ring_reader_arm(&readers[0]);
	assert_int_equal(stand_finish(&stand), WRITER_OK);
	assert_int_equal(producer.rings, 3);
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_nothing_is_left_to_copy),
		cmocka_unit_test(nothing_is_copied_twice),
		cmocka_unit_test(one_look_at_any_store),
		cmocka_unit_test(a_lie_costs_a_copy),
		cmocka_unit_test(another_frame_comes_instead),
		cmocka_unit_test(a_buffer_that_was_begun_with_is_copied_whole),
		cmocka_unit_test(what_is_overwritten_was_not_taken_ahead),
		cmocka_unit_test(each_tile_of_a_strip_counts),
		cmocka_unit_test(what_cannot_be_is_not_begun_with),
		cmocka_unit_test(what_is_not_worth_it_is_not_announced),
		cmocka_unit_test(lossless_begins_with_the_next_only),
		cmocka_unit_test(any_order),
		cmocka_unit_test(who_reads_early_is_rung_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
