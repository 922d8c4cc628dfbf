/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a blank, with a pipe in place of the card: its events are found among others, and
 * nothing that a card does or fails to do makes the wait longer than it may be.
 */
#include "clock.h"
#include "kms_vblank.h"

#include <drm.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Needs the four above. */
#include <cmocka.h>

#define SOON (clock_now_ns() + 20 * NS_PER_MS)
#define LATE (clock_now_ns() + 60 * NS_PER_S) /* for what has to come */

struct card {
	int ends[2];
	struct kms_vblank vblank;
};

static int make_card(void **state)
{
	struct card *card = calloc(1, sizeof(*card));

	*state = card;
	card->vblank = (struct kms_vblank) { .asked = 7, .is_awaited = true };
	return pipe2(card->ends, O_NONBLOCK | O_CLOEXEC);
}

static int drop_card(void **state)
{
	struct card *card = *state;

	close(card->ends[0]);
	close(card->ends[1]);
	free(card);
	return 0;
}

static struct drm_event_crtc_sequence event(uint64_t mark, uint64_t sequence)
{
	return (struct drm_event_crtc_sequence) {
		.base = { DRM_EVENT_CRTC_SEQUENCE, sizeof(struct drm_event_crtc_sequence) },
		.user_data = mark,
		.sequence = sequence,
	};
}

static void send(const struct card *card, const void *bytes, size_t size)
{
	assert_int_equal(write(card->ends[1], bytes, size), size);
}

static void the_blank_comes(void **state)
{
	struct card *card = *state;
	struct drm_event_crtc_sequence one = event(7, 1234);

	send(card, &one, sizeof(one));
	assert_true(kms_vblank_wait(&card->vblank, card->ends[0], LATE));
	assert_false(card->vblank.is_awaited);
	assert_int_equal(card->vblank.last, 1234);
	/* It came once. */
	assert_false(kms_vblank_wait(&card->vblank, card->ends[0], LATE));
}

static void others_are_not_it(void **state)
{
	struct card *card = *state;
	struct drm_event_crtc_sequence given_up = event(6, 1000);
	struct drm_event_vblank flip = {
		.base = { DRM_EVENT_FLIP_COMPLETE, sizeof(flip) },
		.user_data = 7,
	};
	struct drm_event_crtc_sequence ours = event(7, 1001);
	uint8_t all[sizeof(given_up) + sizeof(flip) + sizeof(ours)];

	send(card, &given_up, sizeof(given_up));
	send(card, &flip, sizeof(flip));
	assert_false(kms_vblank_wait(&card->vblank, card->ends[0], SOON));
	assert_true(card->vblank.is_awaited);
	memcpy(all, &given_up, sizeof(given_up));
	memcpy(all + sizeof(given_up), &flip, sizeof(flip));
	memcpy(all + sizeof(given_up) + sizeof(flip), &ours, sizeof(ours));
	send(card, all, sizeof(all));
	assert_true(kms_vblank_wait(&card->vblank, card->ends[0], LATE));
	assert_int_equal(card->vblank.last, 1001);
}

static void nonsense_ends(void **state)
{
	struct card *card = *state;
	struct drm_event_crtc_sequence one = event(7, 1);

	for (uint32_t length = 0; length <= 2 * sizeof(one); length++) {
		one.base.length = length;
		if (length != sizeof(one)) {
			send(card, &one, sizeof(one));
			assert_false(kms_vblank_wait(
			        &card->vblank, card->ends[0], clock_now_ns() + NS_PER_MS));
		}
	}
	send(card, &one, 3);
	assert_false(kms_vblank_wait(&card->vblank, card->ends[0], SOON));
}

static void no_blank_comes(void **state)
{
	struct card *card = *state;
	uint64_t until_ns = SOON;

	assert_false(kms_vblank_wait(&card->vblank, card->ends[0], until_ns));
	assert_true(clock_now_ns() >= until_ns);
	/* Nor does it spin where there is nobody at the other end any more. */
	close(card->ends[1]);
	until_ns = SOON;
	assert_false(kms_vblank_wait(&card->vblank, card->ends[0], until_ns));
	assert_true(clock_now_ns() >= until_ns);
	card->ends[1] = dup(card->ends[0]);
}

/* A pipe has none: it is asked again, but not at once. */
static void who_has_none_is_left_alone(void **state)
{
	struct card *card = *state;

	card->vblank = (struct kms_vblank) { 0 };
	assert_false(kms_vblank_ask(&card->vblank, card->ends[0], 1, 1, NS_PER_S));
	assert_false(card->vblank.is_awaited);
	assert_true(card->vblank.doubt_ns > NS_PER_S);
}

static void doubt_and_rest_start_anew(void **state)
{
	struct card *card = *state;

	card->vblank.last = 99;
	kms_vblank_rest(&card->vblank);
	assert_false(card->vblank.is_awaited);
	assert_int_equal(card->vblank.last, 0);
	assert_int_equal(card->vblank.doubt_ns, 0);
	card->vblank.is_awaited = true;
	kms_vblank_doubt(&card->vblank, NS_PER_S);
	assert_false(card->vblank.is_awaited);
	assert_true(card->vblank.doubt_ns > NS_PER_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_card, drop_card)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_blank_comes),
		TEST(others_are_not_it),
		TEST(nonsense_ends),
		TEST(no_blank_comes),
		TEST(who_has_none_is_left_alone),
		TEST(doubt_and_rest_start_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
