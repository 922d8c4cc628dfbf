/* SPDX-License-Identifier: MIT */
/*
 * The queue of one peer: in order, bounded, and letters can be taken back.
 */
#include "outbox.h"
#include "wire.h"

static struct outbox outbox;

static struct letter bell(unsigned id)
{
	return (struct letter) { (uint16_t)id, LETTER_BELL, 0 };
}

static int set_up(void **state)
{
	(void)state;
	memset(&outbox, 0, sizeof(outbox));
	return 0;
}

static void assert_first(unsigned id)
{
	assert_non_null(outbox_first(&outbox));
	assert_int_equal(outbox_first(&outbox)->id, id);
	outbox_drop_first(&outbox);
}

static void letters_keep_their_order_and_their_limit(void **state)
{
	unsigned next = 0;
	unsigned first = 0;

	(void)state;
	assert_null(outbox_first(&outbox));
	outbox_drop_first(&outbox);
	/* Several times round, at every fill. */
	for (unsigned turn = 0; turn < 5; turn++) {
		while (outbox_add(&outbox, bell(next))) {
			next++;
		}
		assert_int_equal(next - first, OUTBOX_ROOM);
		for (unsigned i = 0; i < OUTBOX_ROOM - turn * 100; i++) {
			assert_first(first++);
		}
	}
}

static void what_is_taken_back_leaves_the_rest_in_order(void **state)
{
	(void)state;
	/* So that the letters lie across the end of the room. */
	outbox.first = OUTBOX_ROOM - 5;
	for (unsigned i = 0; i < 30; i++) {
		assert_true(outbox_add(&outbox, bell(i % 3)));
	}
	assert_true(outbox_add(&outbox, (struct letter) { 1, LETTER_LEAVE, 0 }));
	assert_int_equal(outbox_forget(&outbox, 1), 10);
	assert_int_equal(outbox_forget(&outbox, 1), 0);
	assert_int_equal(outbox.count, 21);
	for (unsigned i = 0; i < 10; i++) {
		assert_first(0);
		assert_first(2);
	}
	/* Of its leave others have to hear. */
	assert_int_equal(outbox_first(&outbox)->kind, LETTER_LEAVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(letters_keep_their_order_and_their_limit, set_up),
		cmocka_unit_test_setup(what_is_taken_back_leaves_the_rest_in_order, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
