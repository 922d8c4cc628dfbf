/* SPDX-License-Identifier: MIT */
/*
 * How often each shared word is loaded: what is judged is loaded once, for a second load may yield
 * something else than what was judged.
 */
#include "ring_hooks.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

struct fetches {
	const uint8_t *base;
	uint8_t counts[STAND_REGION / 4];
};

static uint64_t count(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct fetches *fetches = context;
	size_t at = (size_t)((const uint8_t *)word - fetches->base) / 4;

	fetches->counts[at]++;
	if (bytes == 8) {
		fetches->counts[at + 1]++;
	}
	return really;
}

static struct fetches *counting(const struct stand *stand)
{
	struct fetches *fetches = calloc(1, sizeof(*fetches));

	assert_non_null(fetches);
	fetches->base = stand->memory.bytes;
	ring_hooks.context = fetches;
	ring_hooks.load = count;
	return fetches;
}

static unsigned loads_of(const struct fetches *fetches, const void *word)
{
	return fetches->counts[((const uint8_t *)word - fetches->base) / 4];
}

/* returns: how many words were loaded in all */
static unsigned assert_at_most_once(const struct fetches *fetches, const void *const *twice)
{
	unsigned words = 0;

	for (size_t i = 0; i < STAND_REGION / 4; i++) {
		const void *word = fetches->base + 4 * i;
		unsigned most = 1;

		for (size_t j = 0; twice[j]; j++) {
			if ((const uint8_t *)word >= (const uint8_t *)twice[j] &&
			        (const uint8_t *)word < (const uint8_t *)twice[j] + 8) {
				most = 2;
			}
		}
		if (fetches->counts[i] > most) {
			fail_msg("%u loads at %#zx", fetches->counts[i], 4 * i);
		}
		words += fetches->counts[i] != 0;
	}
	return words / 2;
}

static void try_read(enum reader_mode mode, bool lossless, unsigned damage)
{
	struct frame sent = { .damage = { .base_sequence = 1, .count = damage } };
	const void *twice[3] = { 0 };
	struct ring_reader reader;
	struct fetches *fetches;
	struct stand stand;
	struct frame frame;

	for (unsigned i = 0; i < damage; i++) {
		sent.damage.rects[i] = (struct frame_rect) { 0, 0, 1, 1 };
	}
	stand_set_up_plain(&stand, 4, lossless);
	stand_attach(&stand, &reader, 0, mode);
	assert_int_equal(stand_publish(&stand), WRITER_OK);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	stand_copy(&stand);
	assert_int_equal(ring_writer_publish(&stand.writer, &sent), WRITER_OK);
	fetches = counting(&stand);
	assert_int_equal(stand_read(&stand, &reader, &frame), READER_FRAME);
	ring_hooks.load = NULL;
	twice[0] = &stand_descriptor(&stand, 1)->control;
	twice[1] = &stand_identity(&stand)->epoch;
	assert_at_most_once(fetches, twice);
	assert_int_equal(loads_of(fetches, twice[0]), 2);
	assert_int_equal(loads_of(fetches, twice[1]), 2);
	assert_int_equal(loads_of(fetches, &stand_identity(&stand)->latest), !lossless);
	assert_int_equal(loads_of(fetches, stand_index(&stand, 2)), lossless);
	for (size_t i = 0; i < RING_CLAIM_WORDS; i++) {
		assert_int_equal(loads_of(fetches, &stand_descriptor(&stand, 1)->claim[i]), 1);
	}
	for (size_t i = 0; i < RING_DAMAGE_MAX; i++) {
		assert_int_equal(
		        loads_of(fetches, &stand_descriptor(&stand, 1)->damage[i]), i < damage);
	}
	free(fetches);
	stand_tear_down(&stand);
}

static void a_frame_is_read_word_by_word_once(void **state)
{
	(void)state;
	try_read(READER_LATEST, false, 0);
	try_read(READER_LATEST, false, 3);
	try_read(READER_OBSERVE, false, 64);
	try_read(READER_LOSSLESS, true, 64);
}

static void the_header_is_read_word_by_word_once(void **state)
{
	struct fetches *fetches;
	struct ring_header header;
	const void *twice[2] = { 0 };
	struct stand stand;
	struct span g;

	(void)state;
	stand_set_up_plain(&stand, 4, false);
	g = (struct span) { stand.memory.bytes, STAND_REGION };
	fetches = counting(&stand);
	assert_int_equal(region_header_read(g, &header), HEADER_GOOD);
	ring_hooks.load = NULL;
	twice[0] = &stand_identity(&stand)->epoch;
	assert_int_equal(assert_at_most_once(fetches, twice), 17 + 1);
	assert_int_equal(loads_of(fetches, twice[0]), 2);
	free(fetches);
	stand_tear_down(&stand);
}

/* Each look at the consumers reads each word of a block once; never anything of its own but epoch.
 */
static void the_writer_reads_each_block_once_a_look(void **state)
{
	const void *none[1] = { 0 };
	struct ring_reader readers[8];
	struct fetches *fetches;
	struct stand stand;

	(void)state;
	stand_set_up_plain(&stand, 4, true);
	for (unsigned i = 0; i < 8; i++) {
		stand_attach(&stand, &readers[i], i, i % 2 ? READER_LATEST : READER_LOSSLESS);
	}
	fetches = counting(&stand);
	assert_true(ring_writer_tend(&stand.writer, stand.now_ns));
	ring_hooks.load = NULL;
	assert_at_most_once(fetches, none);
	for (size_t i = 0; i < (STAND_REGION - RING_FEEDBACK_SIZE) / 4; i++) {
		bool epoch = i / 2 == offsetof(struct ring_identity, epoch) / 8;

		assert_int_equal(fetches->counts[i], epoch);
	}
	free(fetches);
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_read_word_by_word_once),
		cmocka_unit_test(the_header_is_read_word_by_word_once),
		cmocka_unit_test(the_writer_reads_each_block_once_a_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
