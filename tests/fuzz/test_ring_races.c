/* SPDX-License-Identifier: MIT */
/*
 * What happens between two accesses of the other side, without luck: a lease that appears right
 * after the claim, and what a producer sees of a block while its consumer moves in.
 */
#include "ring_hooks.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

struct race {
	struct stand *stand;
	struct ring_reader reader;
	unsigned slot;
	bool appeared;
};

/* The lease is seen from the moment on at which the slot is claimed, and not before. */
static uint64_t lease_appears(void *context, const void *word, unsigned bytes, uint64_t really)
{
	struct race *race = context;
	uint64_t control;

	(void)bytes;
	if (word != &stand_block(race->stand, 0)->leases[0]) {
		return really;
	}
	memcpy(&control, &stand_descriptor(race->stand, race->slot)->control, sizeof(control));
	if (!race->appeared && !(control & RING_CONTROL_CLAIM)) {
		return really;
	}
	race->appeared = true;
	return UINT64_C(1) << RING_NAME_SHIFT | (race->slot + 1);
}

static void set_up(struct race *race, struct stand *stand, unsigned slot)
{
	memset(race, 0, sizeof(*race));
	stand_set_up_plain(stand, 4, false);
	race->stand = stand;
	race->slot = slot;
	stand_attach(stand, &race->reader, 0, READER_LATEST);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(stand_publish(stand), WRITER_OK);
	}
	ring_hooks.context = race;
}

static void a_lease_after_the_claim_makes_the_writer_back_off(void **state)
{
	struct stand stand;
	struct race race;

	(void)state;
	set_up(&race, &stand, 2); /* holds frame 3, the oldest */
	ring_hooks.load = lease_appears;
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	ring_hooks.load = NULL;
	assert_true(race.appeared);
	assert_int_equal(stand.writer.current, 3);
	assert_int_equal(stand.writer.counts.back_offs, 1);
	assert_int_equal(stand.writer.counts.overruns, 0);
	/* As if nothing had happened: neither claimed nor written. */
	assert_int_equal(shared_load_u64(&stand_descriptor(&stand, 2)->control), 3 << 2);
	stand_tear_down(&stand);
}

static void backing_off_from_a_dirty_slot(void **state)
{
	struct stand stand;
	struct race race;

	(void)state;
	set_up(&race, &stand, 2);
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	assert_int_equal(stand.writer.current, 2);
	stand_copy(&stand);
	ring_hooks.load = lease_appears;
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	ring_hooks.load = NULL;
	assert_true(race.appeared);
	assert_int_equal(stand.writer.current, 3);
	assert_int_equal(shared_load_u64(&stand_descriptor(&stand, 2)->control),
	        3 << 2 | RING_CONTROL_WRITING);
	stand_tear_down(&stand);
}

/* Called before each store of an attach: as long as the block is not complete, nobody lives in it.
 */
static void nobody_yet(void *context, const void *word)
{
	struct race *race = context;
	struct ring_consumer_block *block = stand_block(race->stand, 0);
	uint64_t epoch;

	race->slot++;
	memcpy(&epoch, &block->epoch, sizeof(epoch));
	if ((const uint8_t *)word > (const uint8_t *)&block->epoch &&
	        (const uint8_t *)word < (const uint8_t *)(block + 1)) {
		assert_true(epoch == 0);
	}
}

static void a_block_is_complete_before_anybody_lives_in_it(void **state)
{
	struct stand stand;
	struct race race;

	(void)state;
	set_up(&race, &stand, 0);
	ring_hooks.store = nobody_yet;
	stand_attach(&stand, &race.reader, 0, READER_LOSSLESS);
	ring_hooks.store = NULL;
	assert_true(race.slot > 8);
	assert_int_equal(shared_load_u64(&stand_block(&stand, 0)->epoch), race.reader.own_epoch);
	stand_tear_down(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_after_the_claim_makes_the_writer_back_off),
		cmocka_unit_test(backing_off_from_a_dirty_slot),
		cmocka_unit_test(a_block_is_complete_before_anybody_lives_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
