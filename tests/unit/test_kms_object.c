/* SPDX-License-Identifier: MIT */
/*
 * One question each for a plane and for all properties of an object, whatever a card answers.
 */
#include "kms_object.h"
#include "kms_stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <xf86drmMode.h>
/* Needs the four above. */
#include <cmocka.h>

static struct kms_card card;

static int open_card(void **state)
{
	(void)state;
	card = stand_open(64);
	return 0;
}

static int close_card(void **state)
{
	(void)state;
	stand_close();
	return 0;
}

static void a_plane_is_one_question(void **state)
{
	struct stand_plane *plane = stand_add_plane(DRM_PLANE_TYPE_OVERLAY, 5);
	struct kms_plane now;

	(void)state;
	plane->crtc = 41;
	plane->buffer = 9;
	assert_true(kms_plane_read(card.fd, plane->object.id, &now));
	assert_int_equal(now.crtc, 41);
	assert_int_equal(now.buffer, 9);
	assert_int_equal(now.possible_crtcs, 5);
	assert_int_equal(stand.asked, 1);
	stand.is_gone = true;
	assert_false(kms_plane_read(card.fd, plane->object.id, &now));
	assert_int_equal(errno, ENODEV);
	assert_int_equal(now.crtc, 0);
	assert_int_equal(now.buffer, 0);
}

static void the_type_is_told(void **state)
{
	static const uint64_t types[] = { DRM_PLANE_TYPE_OVERLAY, DRM_PLANE_TYPE_PRIMARY,
		DRM_PLANE_TYPE_CURSOR };
	struct stand_plane *plane = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		plane = stand_add_plane(types[i], 1);
		assert_int_equal(kms_plane_type(card.fd, plane->object.id), types[i]);
	}
	plane->object.count = 1; /* without its type */
	assert_int_equal(kms_plane_type(card.fd, plane->object.id), -1);
	stand.is_gone = true;
	assert_int_equal(kms_plane_type(card.fd, plane->object.id), -1);
}

static void properties_are_one_question(void **state)
{
	struct stand_object *crtc = stand_add_crtc();
	struct kms_properties now;

	(void)state;
	stand_set(crtc, STAND_OTHER, 3);
	stand_set(crtc, STAND_ACTIVE, 1);
	assert_true(kms_properties_read(card.fd, crtc->id, DRM_MODE_OBJECT_CRTC, &now));
	assert_int_equal(stand.asked, 1);
	assert_int_equal(now.count, 2);
	assert_int_equal(kms_properties_find(card.fd, &now, "ACTIVE"), STAND_ACTIVE);
	assert_int_equal(kms_properties_find(card.fd, &now, "ACTIV"), 0);
	assert_int_equal(kms_properties_value(&now, STAND_ACTIVE, 9), 1);
	assert_int_equal(kms_properties_value(&now, STAND_OTHER, 9), 3);
	assert_int_equal(kms_properties_value(&now, STAND_X, 9), 9);
	stand.is_gone = true;
	assert_false(kms_properties_read(card.fd, crtc->id, DRM_MODE_OBJECT_CRTC, &now));
	assert_int_equal(now.count, 0);
}

static void as_many_as_there_is_room_for(void **state)
{
	struct stand_object *crtc = stand_add_crtc();
	struct {
		struct kms_properties now;
		uint64_t beyond;
	} room = { .beyond = 77 };

	(void)state;
	for (uint32_t i = 0; i < KMS_PROPERTIES_MAX; i++) {
		stand_set(crtc, STAND_OTHER + i, i);
	}
	assert_true(kms_properties_read(card.fd, crtc->id, DRM_MODE_OBJECT_CRTC, &room.now));
	assert_int_equal(room.now.count, KMS_PROPERTIES_MAX);
	stand_set(crtc, STAND_OTHER + KMS_PROPERTIES_MAX, 1);
	assert_true(kms_properties_read(card.fd, crtc->id, DRM_MODE_OBJECT_CRTC, &room.now));
	assert_int_equal(room.now.count, KMS_PROPERTIES_MAX);
	assert_int_equal(room.beyond, 77);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_card, close_card)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plane_is_one_question),
		TEST(the_type_is_told),
		TEST(properties_are_one_question),
		TEST(as_many_as_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
