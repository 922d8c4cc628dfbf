/* SPDX-License-Identifier: MIT */
/*
 * Leases of consumers of the newest frame, at a producer that lossless consumers hold up: neither
 * costs the other a frame for nothing, and no lease holds anybody up for ever.
 */
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

static int set_up(void **state)
{
	static struct stand stand;

	stand_set_up_plain(&stand, 4, true);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	stand_tear_down(*state);
	return 0;
}

#define TRY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* A live lease is broken only when no cursor will yet let go of another slot. */
static void no_lease_is_broken_for_nothing(void **state)
{
	struct stand *stand = *state;
	struct ring_reader lossless;
	struct ring_reader newest;
	struct frame frame;

	stand_attach_lossless(stand, &lossless, 0);
	stand_attach(stand, &newest, 1, READER_LATEST);
	stand_pass(stand, 0);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	assert_int_equal(ring_reader_claim(&newest, &frame), READER_FRAME);
	stand_assert_reads(stand, &lossless, 1);
	assert_int_equal(stand_publish_until_blocked(stand), 3);
	assert_int_equal(stand_publish(stand), WRITER_WOULD_BLOCK);
	assert_int_equal(stand->writer.counts.overruns, 0);
	/* One frame on, its slot is there. */
	stand_assert_reads(stand, &lossless, 2);
	assert_int_equal(stand_publish(stand), WRITER_OK);
	assert_int_equal(stand->writer.counts.overruns, 0);
	/* All but the leased one, as often as the cursor lets go of them. */
	for (uint64_t sequence = 3; sequence <= 5; sequence++) {
		stand_assert_reads(stand, &lossless, sequence);
	}
	assert_int_equal(stand_publish_until_blocked(stand), 3);
	assert_int_equal(stand->writer.counts.overruns, 0);
}

static void leases_do_not_block_for_ever(void **state)
{
	struct stand *stand = *state;
	struct ring_reader recorder;
	struct ring_reader hostile[2];
	unsigned published = 0;

	stand_attach_lossless(stand, &recorder, 0);
	stand_attach(stand, &hostile[0], 1, READER_LATEST);
	stand_attach(stand, &hostile[1], 2, READER_LATEST);
	for (uint64_t i = 1; i < 500; i++) {
		stand_beat(&recorder);
		for (unsigned j = 0; j < 2; j++) {
			struct ring_consumer_block *block = stand_block(stand, 1 + j);

			/* A fresh lease on every slot, each time. */
			stand_beat(&hostile[j]);
			shared_store_u64(&block->leases[0], i << 8 | (2 * j + 1));
			shared_store_u64(&block->leases[1], i << 8 | (2 * j + 2));
		}
		stand->now_ns += 20 * NS_PER_MS;
		if (stand_publish(stand) == WRITER_OK) {
			stand_assert_reads(stand, &recorder, ++published);
		}
	}
	assert_true(published > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRY(no_lease_is_broken_for_nothing),
		TRY(leases_do_not_block_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
