/* SPDX-License-Identifier: MIT */
/*
 * Sudden death before each single store: of a producer that starts, publishes or ends, and of a
 * consumer that attaches, reads or leaves. Whoever is left, and whoever comes next, carries on
 * without a wrong frame.
 */
#include "ring_hooks.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

struct bomb {
	jmp_buf death;
	unsigned left;
	const void *only; /* stores from here up to end count; NULL: all */
	const void *end;
};

static void tick(void *context, const void *word)
{
	struct bomb *bomb = context;

	if (bomb->only && (word < bomb->only || word >= bomb->end)) {
		return;
	}
	if (bomb->left-- == 0) {
		ring_hooks.store = NULL;
		longjmp(bomb->death, 1);
	}
}

static const struct span everywhere = { NULL, 0 };

/* returns: false when the deed was done before the bomb went off */
static bool dies(unsigned stores, struct span only, void (*deed)(void *argument), void *argument)
{
	struct bomb bomb = {
		.left = stores,
		.only = only.bytes,
		.end = only.bytes ? only.bytes + only.size : NULL,
	};

	ring_hooks.context = &bomb;
	if (setjmp(bomb.death)) {
		return true;
	}
	ring_hooks.store = tick;
	deed(argument);
	ring_hooks.store = NULL;
	return false;
}

struct scene {
	struct stand stand;
	struct ring_reader reader; /* attached before, and alive */
	struct ring_reader victim;
	enum reader_mode mode;
	unsigned started;
};

static void scene_set_up(struct scene *scene, bool lossless)
{
	struct frame frame;

	memset(scene, 0, sizeof(*scene));
	stand_set_up_plain(&scene->stand, 4, lossless);
	scene->mode = lossless ? READER_LOSSLESS : READER_LATEST;
	stand_attach(&scene->stand, &scene->reader, 0, scene->mode);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(stand_publish(&scene->stand), WRITER_OK);
		assert_int_equal(stand_read(&scene->stand, &scene->reader, &frame), READER_FRAME);
	}
	assert_int_equal(stand_publish(&scene->stand), WRITER_OK);
}

/* Whatever it says, no wrong frame: stand_read() compares. */
static void read_what_there_is(struct stand *stand, struct ring_reader *reader)
{
	struct frame frame;

	for (unsigned i = 0; i < 3; i++) {
		stand_read(stand, reader, &frame);
	}
	assert_true(stand_counted(reader) == reader->last);
	assert_int_equal(reader->counts.bad, 0);
}

static void publish_and_read(struct scene *scene, struct ring_reader *reader)
{
	struct stand *stand = &scene->stand;
	struct frame frame;

	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
		assert_int_equal(stand_read(stand, reader, &frame), READER_FRAME);
		assert_int_equal(frame.sequence, stand->writer.sequence);
		assert_int_equal(frame.epoch, stand->writer.epoch);
	}
}

static void start_producing(void *argument)
{
	struct scene *scene = argument;
	struct ring_writer_config config = scene->stand.config;
	struct ring_writer writer;

	config.epoch = STAND_EPOCH + 1;
	/* The watch for a second producer takes its time and stores nothing: once will do. */
	assert_int_equal(
	        ring_writer_occupy(&writer, scene->stand.ring, scene->started++ > 0), OCCUPY_OK);
	assert_int_equal(ring_writer_open(&writer, &config), 0);
}

/* Starts over, without --takeover, as a user would; then everything has to work. */
static void recover(struct scene *scene, uint64_t epoch, bool takeover)
{
	struct stand *stand = &scene->stand;
	struct ring_reader fresh;

	stand->config.epoch = epoch;
	assert_int_equal(ring_writer_occupy(&stand->writer, stand->ring, takeover), OCCUPY_OK);
	assert_int_equal(ring_writer_open(&stand->writer, &stand->config), 0);
	read_what_there_is(stand, &scene->reader);
	stand_attach(stand, &fresh, 1, scene->mode);
	stand_pass(stand, 1);
	publish_and_read(scene, &fresh);
}

static void a_producer_that_dies_at_its_start(void **state)
{
	unsigned deaths = 0;
	bool died = true;

	(void)state;
	for (unsigned stores = 0; died; stores++) {
		struct scene scene;
		struct ring_header header;
		struct span g;

		scene_set_up(&scene, false);
		scene.started = stores;
		g = (struct span) { scene.stand.memory.bytes, STAND_REGION };
		died = dies(stores, everywhere, start_producing, &scene);
		deaths += died;
		read_what_there_is(&scene.stand, &scene.reader);
		if (died && stores > 0) {
			/* The epoch is the last that is said. */
			assert_int_not_equal(
			        region_header_read(g, &header) == HEADER_GOOD, header.epoch == 0);
		}
		if (died) {
			recover(&scene, STAND_EPOCH + 2, false);
		}
		stand_tear_down(&scene.stand);
	}
	assert_true(deaths > 1000);
}

static void start_on_blank_memory(void *argument)
{
	struct stand *stand = argument;
	const struct ring_writer_config config = { .slot_count = 3, .version_text = "blank" };
	struct ring_writer writer;

	assert_int_equal(ring_writer_occupy(&writer, stand->ring, false), OCCUPY_OK);
	assert_int_equal(ring_writer_open(&writer, &config), 0);
	shared_store_u64(&writer.identity->heartbeat, 1);
}

static void a_producer_that_dies_at_its_first_start(void **state)
{
	bool died = true;

	(void)state;
	for (unsigned stores = 0; died; stores++) {
		struct scene scene;

		scene_set_up(&scene, false);
		memset(scene.stand.memory.bytes, 0, STAND_REGION);
		died = dies(stores, everywhere, start_on_blank_memory, &scene.stand);
		recover(&scene, STAND_EPOCH + 2, false);
		stand_tear_down(&scene.stand);
	}
}

static void publish(void *argument)
{
	struct scene *scene = argument;

	ring_writer_tend(&scene->stand.writer, scene->stand.now_ns);
	assert_int_equal(stand_publish(&scene->stand), WRITER_OK);
	ring_writer_end(&scene->stand.writer);
}

static void try_publisher(bool lossless, bool while_reading)
{
	unsigned deaths = 0;
	bool died = true;

	for (unsigned stores = 0; died; stores++) {
		struct scene scene;
		struct ring_reader other;
		struct frame frame;

		scene_set_up(&scene, lossless);
		stand_attach(&scene.stand, &other, 3, READER_OBSERVE);
		if (while_reading) {
			assert_int_equal(
			        stand_claim(&scene.stand, &scene.reader, &frame), READER_FRAME);
		}
		died = dies(stores, everywhere, publish, &scene);
		deaths += died;
		if (while_reading) {
			assert_int_equal(
			        stand_take(&scene.stand, &scene.reader, &frame), READER_FRAME);
		}
		read_what_there_is(&scene.stand, &scene.reader);
		read_what_there_is(&scene.stand, &other);
		assert_true(scene.reader.last == 8 || scene.reader.last == 9);
		/* Between the index and latest, lossless already knows. */
		assert_true(scene.reader.last == other.last || lossless);
		recover(&scene, STAND_EPOCH + 2, true);
		stand_tear_down(&scene.stand);
	}
	assert_true(deaths > 30);
}

static void a_producer_that_dies_while_it_publishes(void **state)
{
	(void)state;
	try_publisher(false, false);
	try_publisher(false, true);
	try_publisher(true, false);
	try_publisher(true, true);
}

static void consume(void *argument)
{
	struct scene *scene = argument;
	struct stand *stand = &scene->stand;
	struct frame frame;

	stand_attach(stand, &scene->victim, 1, scene->mode);
	ring_writer_tend(&stand->writer, stand->now_ns);
	assert_int_equal(stand_read(stand, &scene->reader, &frame), READER_FRAME);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	assert_int_equal(stand_read(stand, &scene->victim, &frame), READER_FRAME);
	ring_reader_detach(&scene->victim, RING_BYE_DETACHED);
}

static void try_consumer(bool lossless)
{
	unsigned deaths = 0;
	bool died = true;

	for (unsigned stores = 0; died; stores++) {
		struct scene scene;
		struct ring_reader next;
		struct frame frame;
		unsigned published = 0;

		scene_set_up(&scene, lossless);
		died = dies(stores,
		        (struct span) { (void *)stand_block(&scene.stand, 1),
		                sizeof(struct ring_consumer_block) },
		        consume, &scene);
		deaths += died;
		read_what_there_is(&scene.stand, &scene.reader);
		/* Lossless waits for the dead for two seconds and a bit, LATEST for nobody. */
		for (unsigned i = 0; i < 60; i++) {
			stand_beat(&scene.reader);
			stand_pass(&scene.stand, 50);
			if (stand_publish(&scene.stand) == WRITER_OK) {
				published++;
				assert_int_equal(stand_read(&scene.stand, &scene.reader, &frame),
				        READER_FRAME);
			}
		}
		assert_true(published >= (lossless ? 15 : 60));
		assert_int_equal(scene.reader.counts.torn + scene.reader.counts.skipped, 0);
		/* Another takes the dead one's block. */
		stand_attach(&scene.stand, &next, 1, scene.mode);
		stand_pass(&scene.stand, 1);
		for (unsigned i = 0; i < 10; i++) {
			stand_beat(&scene.reader);
			stand_beat(&next);
			stand_pass(&scene.stand, 20);
			assert_int_equal(stand_publish(&scene.stand), WRITER_OK);
			assert_int_equal(
			        stand_read(&scene.stand, &scene.reader, &frame), READER_FRAME);
			assert_int_equal(stand_read(&scene.stand, &next, &frame), READER_FRAME);
		}
		stand_tear_down(&scene.stand);
	}
	assert_true(deaths > 20);
}

static void a_consumer_that_dies(void **state)
{
	(void)state;
	try_consumer(false);
	try_consumer(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_producer_that_dies_at_its_start),
		cmocka_unit_test(a_producer_that_dies_at_its_first_start),
		cmocka_unit_test(a_producer_that_dies_while_it_publishes),
		cmocka_unit_test(a_consumer_that_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
