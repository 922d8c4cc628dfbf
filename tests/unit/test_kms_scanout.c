/* SPDX-License-Identifier: MIT */
/*
 * What a CRTC shows, and how few questions it takes to see that it shows it still; a blanked one
 * shows nothing.
 */
#include "kms_scanout.h"
#include "kms_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drmMode.h>
/* Needs the five above. */
#include <cmocka.h>

#define SIDE   64u
#define BUFFER 9u
/* The plane, its framebuffer, the CRTC, its properties; the memory behind it, and letting go. */
#define QUESTIONS 6u

static struct kms_card card;
static struct kms_scanout scanout;
static struct stand_object *crtc;
static struct stand_plane *plane;

static int open_card(void **state)
{
	(void)state;
	card = stand_open(SIDE);
	crtc = stand_add_crtc();
	plane = stand_add_plane(DRM_PLANE_TYPE_PRIMARY, 1);
	plane->crtc = crtc->id;
	plane->buffer = BUFFER;
	kms_scanout_init(&scanout, &card, 0);
	return 0;
}

static int close_card(void **state)
{
	(void)state;
	kms_scanout_finish(&scanout);
	stand_close();
	return 0;
}

/* asked: NULL, or: how many questions it took */
static enum kms_look look(unsigned *asked)
{
	struct kms_view view;
	struct complaint why;
	unsigned before = stand.asked;
	enum kms_look look = kms_scanout_look(&scanout, &view, &why);

	if (asked) {
		*asked = stand.asked - before;
	}
	return look;
}

static void a_screen_at_rest_is_few_questions(void **state)
{
	unsigned asked;

	(void)state;
	stand_set(crtc, STAND_OTHER, 0);
	stand_set(crtc, STAND_ACTIVE, 1);
	assert_int_equal(look(NULL), KMS_SHOWN);
	assert_int_equal(look(&asked), KMS_SHOWN);
	assert_int_equal(asked, QUESTIONS);
}

static void a_blanked_screen_is_dark_at_once(void **state)
{
	(void)state;
	stand_set(crtc, STAND_OTHER, 0);
	stand_set(crtc, STAND_ACTIVE, 1);
	assert_int_equal(look(NULL), KMS_SHOWN);
	stand_set(crtc, STAND_ACTIVE, 0);
	assert_int_equal(look(NULL), KMS_DARK);
	assert_int_equal(look(NULL), KMS_DARK);
	stand_set(crtc, STAND_ACTIVE, 1);
	assert_int_equal(look(NULL), KMS_SHOWN);
}

static void who_cannot_tell_is_asked_once(void **state)
{
	unsigned asked;

	(void)state;
	stand_set(crtc, STAND_OTHER, 0);
	assert_int_equal(look(NULL), KMS_SHOWN);
	assert_int_equal(look(&asked), KMS_SHOWN);
	assert_int_equal(asked, QUESTIONS - 1);
}

static void planes_that_show_something_else_are_not_it(void **state)
{
	struct stand_plane *overlay = stand_add_plane(DRM_PLANE_TYPE_OVERLAY, 1);

	(void)state;
	overlay->crtc = crtc->id;
	overlay->buffer = BUFFER;
	plane->crtc = 0;
	assert_int_equal(look(NULL), KMS_DARK);
	plane->crtc = crtc->id;
	assert_int_equal(look(NULL), KMS_SHOWN);
	assert_int_equal(scanout.plane, plane->object.id);
	plane->buffer = 0;
	assert_int_equal(look(NULL), KMS_DARK);
}

static void a_flip_is_noticed(void **state)
{
	struct kms_view view;
	struct complaint why;

	(void)state;
	assert_int_equal(kms_scanout_look(&scanout, &view, &why), KMS_SHOWN);
	assert_true(kms_scanout_is_shown(&scanout, &view));
	plane->buffer = BUFFER + 1;
	assert_false(kms_scanout_is_shown(&scanout, &view));
}

static void a_card_that_is_gone_is_said(void **state)
{
	struct kms_view view;
	struct complaint why = { 0 };

	(void)state;
	assert_int_equal(look(NULL), KMS_SHOWN);
	stand.is_gone = true;
	assert_int_equal(kms_scanout_look(&scanout, &view, &why), KMS_GONE);
	assert_non_null(strstr(why.text, "is gone"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_card, close_card)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_screen_at_rest_is_few_questions),
		TEST(a_blanked_screen_is_dark_at_once),
		TEST(who_cannot_tell_is_asked_once),
		TEST(planes_that_show_something_else_are_not_it),
		TEST(a_flip_is_noticed),
		TEST(a_card_that_is_gone_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
