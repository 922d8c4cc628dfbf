/* SPDX-License-Identifier: MIT */
/*
 * Which plane has the pointer, and how many questions it takes to know: cards with none, one and
 * several of them, for one CRTC or for each.
 */
#include "kms_cursor.h"
#include "kms_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <xf86drmMode.h>
/* Needs the four above. */
#include <cmocka.h>

#define SIDE   64u
#define BUFFER 9u
/* What a look asks where the pointer is mapped, behind finding it. */
#define PLACE 1u

static struct kms_card card;
static struct kms_cursor cursor;
static uint32_t crtc;  /* ours, the card's first */
static uint32_t other; /* its second */

static struct stand_plane *add_plane(uint64_t type, uint32_t possible_crtcs)
{
	struct stand_plane *plane = stand_add_plane(type, possible_crtcs);

	stand_set(&plane->object, STAND_X, 0);
	stand_set(&plane->object, STAND_Y, 0);
	return plane;
}

static int open_card(void **state)
{
	(void)state;
	card = stand_open(SIDE);
	cursor = (struct kms_cursor) { 0 };
	crtc = stand_add_crtc()->id;
	other = stand_add_crtc()->id;
	add_plane(DRM_PLANE_TYPE_PRIMARY, 1)->crtc = crtc;
	add_plane(DRM_PLANE_TYPE_OVERLAY, 1);
	return 0;
}

static int close_card(void **state)
{
	(void)state;
	kms_cursor_finish(&cursor);
	stand_close();
	return 0;
}

static struct stand_plane *add_pointer(uint32_t possible_crtcs)
{
	return add_plane(DRM_PLANE_TYPE_CURSOR, possible_crtcs);
}

static void show(struct stand_plane *plane, uint32_t on, int32_t x, int32_t y)
{
	plane->crtc = on;
	plane->buffer = on ? BUFFER : 0;
	stand_set(&plane->object, STAND_X, (uint64_t)(int64_t)x);
	stand_set(&plane->object, STAND_Y, (uint64_t)(int64_t)y);
}

/* returns: how many questions a look took */
static unsigned look(void)
{
	unsigned before = stand.asked;

	(void)kms_cursor_look(&cursor, &card, crtc);
	return stand.asked - before;
}

static void assert_shown(int32_t x, int32_t y)
{
	assert_true(cursor.is_shown);
	assert_int_equal(cursor.x, x);
	assert_int_equal(cursor.y, y);
	assert_int_equal(cursor.width, SIDE);
}

static void one_that_is_hidden_is_one_question(void **state)
{
	struct stand_plane *plane = add_pointer(1);

	(void)state;
	assert_true(look() > 1); /* which planes there are */
	assert_int_equal(look(), 1);
	assert_false(cursor.is_shown);
	show(plane, crtc, 10, -20);
	look();
	assert_shown(10, -20);
	assert_int_equal(look(), 1 + PLACE);
	show(plane, 0, 0, 0);
	assert_int_equal(look(), 1);
	assert_false(cursor.is_shown);
}

static void a_card_without_one_is_not_asked(void **state)
{
	(void)state;
	look();
	assert_int_equal(look(), 0);
	assert_false(cursor.is_shown);
}

static void planes_of_other_crtcs_are_not_asked(void **state)
{
	struct stand_plane *theirs = add_pointer(2);
	struct stand_plane *ours = add_pointer(1);

	(void)state;
	show(theirs, other, 1, 2);
	look();
	assert_int_equal(look(), 1);
	assert_false(cursor.is_shown);
	show(ours, crtc, 3, 4);
	look();
	assert_shown(3, 4);
	assert_int_equal(look(), 1 + PLACE);
}

/* Each of two planes may have the pointer of each of two CRTCs. */
static void any_of_several_may_have_it(void **state)
{
	struct stand_plane *first = add_pointer(3);
	struct stand_plane *second = add_pointer(3);

	(void)state;
	look();
	assert_int_equal(look(), 2);
	show(first, other, 1, 2);
	show(second, crtc, 3, 4);
	look();
	assert_shown(3, 4);
	assert_int_equal(look(), 1 + PLACE);
	/* They change places. */
	show(first, crtc, 5, 6);
	show(second, other, 7, 8);
	look();
	assert_shown(5, 6);
	assert_int_equal(look(), 1 + PLACE);
	show(first, other, 5, 6);
	look();
	assert_false(cursor.is_shown);
}

static void another_crtc_has_planes_of_its_own(void **state)
{
	struct stand_plane *ours = add_pointer(1);
	struct stand_plane *theirs = add_pointer(2);

	(void)state;
	show(ours, crtc, 1, 2);
	show(theirs, other, 3, 4);
	look();
	assert_shown(1, 2);
	crtc = other;
	look();
	assert_shown(3, 4);
	assert_int_equal(look(), 1 + PLACE);
}

static void another_card_is_searched(void **state)
{
	struct stand_plane *plane;

	(void)state;
	look();
	kms_cursor_forget(&cursor);
	plane = add_pointer(1);
	show(plane, crtc, 1, 2);
	look();
	assert_shown(1, 2);
}

static void a_search_that_failed_is_done_again(void **state)
{
	(void)state;
	show(add_pointer(1), crtc, 1, 2);
	stand.is_secret = true;
	look();
	assert_false(cursor.is_shown);
	stand.is_secret = false;
	look();
	assert_shown(1, 2);
}

/* A hot spot is told where there is one; who does not tell a place has no pointer for us. */
static void what_a_plane_tells(void **state)
{
	struct stand_plane *mute = stand_add_plane(DRM_PLANE_TYPE_CURSOR, 1);
	struct stand_plane *plane = add_pointer(1);
	uint64_t images;

	(void)state;
	mute->crtc = crtc;
	mute->buffer = BUFFER;
	stand_set(&plane->object, STAND_HOT_X, 5);
	stand_set(&plane->object, STAND_HOT_Y, 6);
	show(plane, crtc, 1, 2);
	look();
	assert_shown(1, 2);
	assert_int_equal(kms_cursor_pointer(&cursor).shape.hot_x, 5);
	assert_int_equal(kms_cursor_pointer(&cursor).shape.hot_y, 6);
	images = cursor.images;
	assert_false(kms_cursor_look(&cursor, &card, crtc));
	stand_set(&plane->object, STAND_HOT_X, 7);
	assert_true(kms_cursor_look(&cursor, &card, crtc));
	assert_int_equal(cursor.images, images + 1);
}

/* More than there is room for. */
static void a_crowd_is_borne(void **state)
{
	(void)state;
	while (stand.plane_count < STAND_PLANES) {
		add_pointer(1);
	}
	look();
	assert_int_equal(look(), KMS_CURSOR_PLANES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_card, close_card)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_is_hidden_is_one_question),
		TEST(a_card_without_one_is_not_asked),
		TEST(planes_of_other_crtcs_are_not_asked),
		TEST(any_of_several_may_have_it),
		TEST(another_crtc_has_planes_of_its_own),
		TEST(another_card_is_searched),
		TEST(a_search_that_failed_is_done_again),
		TEST(what_a_plane_tells),
		TEST(a_crowd_is_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
