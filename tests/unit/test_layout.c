/* SPDX-License-Identifier: MIT */
/*
 * The layout against golden files: where each field lies, and a formatted region with one frame,
 * byte for byte. Whoever changes either on purpose runs this with --print and reviews the
 * difference; whoever changes it by accident, or compiles it elsewhere, finds out here.
 *
 *   test_layout LAYOUT.golden IMAGE.golden
 *   test_layout --print layout|image
 */
#include "pointer_layout.h"
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define FIELD(type, name) \
	fprintf(to, "%5zu %5zu  " #type "." #name "\n", offsetof(struct type, name), \
	        sizeof(((struct type *)0)->name))
#define WHOLE(type) fprintf(to, "      %5zu  " #type "\n", sizeof(struct type))

static void print_identity(FILE *to)
{
	WHOLE(ring_identity);
	FIELD(ring_identity, magic);
	FIELD(ring_identity, version);
	FIELD(ring_identity, identity_size);
	FIELD(ring_identity, features_offered);
	FIELD(ring_identity, features_required);
	FIELD(ring_identity, slot_count);
	FIELD(ring_identity, descriptor_stride);
	FIELD(ring_identity, slot_capacity);
	FIELD(ring_identity, region_size);
	FIELD(ring_identity, index_length);
	FIELD(ring_identity, limits);
	FIELD(ring_identity, version_text);
	FIELD(ring_identity, checksum);
	FIELD(ring_identity, reserved_0);
	FIELD(ring_identity, epoch);
	FIELD(ring_identity, reserved_1);
	FIELD(ring_identity, heartbeat);
	FIELD(ring_identity, state);
	FIELD(ring_identity, reserved_2);
	FIELD(ring_identity, progress);
	FIELD(ring_identity, reserved_3);
	FIELD(ring_identity, latest);
	FIELD(ring_identity, reserved_4);
	FIELD(ring_identity, space_arm);
	FIELD(ring_identity, reserved_5);
	FIELD(ring_identity, grants);
	FIELD(ring_identity, announced);
	FIELD(ring_identity, reserved_6);
	FIELD(ring_identity, doorbell_peer);
	FIELD(ring_identity, doorbell_vector);
	FIELD(ring_identity, doorbell_generation);
	FIELD(ring_identity, reserved_7);
	FIELD(ring_identity, not_published);
	FIELD(ring_identity, reserved_8);
	FIELD(ring_identity, clock_answers);
	FIELD(ring_identity, reserved_9);
}

static void print_claim(FILE *to)
{
	WHOLE(ring_claim);
	FIELD(ring_claim, epoch);
	FIELD(ring_claim, sequence);
	FIELD(ring_claim, base_sequence);
	FIELD(ring_claim, fourcc);
	FIELD(ring_claim, width);
	FIELD(ring_claim, height);
	FIELD(ring_claim, stride);
	FIELD(ring_claim, data_size);
	FIELD(ring_claim, flags);
	FIELD(ring_claim, colour);
	FIELD(ring_claim, rotation);
	FIELD(ring_claim, due_ns);
	FIELD(ring_claim, captured_ns);
	FIELD(ring_claim, filled_ns);
	FIELD(ring_claim, claimed_ns);
	FIELD(ring_claim, published_ns);
	FIELD(ring_claim, digest_algorithm);
	FIELD(ring_claim, strip_rows);
	FIELD(ring_claim, strip_count);
	FIELD(ring_claim, damage_count);
	FIELD(ring_claim, tile_width);
	FIELD(ring_claim, reserved_0);
	FIELD(ring_claim, reserved_1);
	FIELD(ring_claim, checksum);
	FIELD(ring_claim, reserved_2);
	WHOLE(ring_descriptor);
	FIELD(ring_descriptor, control);
	FIELD(ring_descriptor, reserved_0);
	FIELD(ring_descriptor, progress);
	FIELD(ring_descriptor, reserved_1);
	FIELD(ring_descriptor, claim);
	FIELD(ring_descriptor, damage);
	FIELD(ring_descriptor, reserved_2);
}

static void print_small(FILE *to)
{
	WHOLE(ring_grant);
	FIELD(ring_grant, epoch_acknowledged);
	FIELD(ring_grant, mode);
	FIELD(ring_grant, revocations);
	FIELD(ring_grant, from);
	FIELD(ring_grant, reserved);
	WHOLE(ring_clock_answer);
	FIELD(ring_clock_answer, question);
	FIELD(ring_clock_answer, answer_ns);
	FIELD(ring_clock_answer, answer_tsc);
	FIELD(ring_clock_answer, reserved);
	WHOLE(ring_feedback_identity);
	FIELD(ring_feedback_identity, magic);
	FIELD(ring_feedback_identity, version);
	FIELD(ring_feedback_identity, identity_size);
	FIELD(ring_feedback_identity, block_count);
	FIELD(ring_feedback_identity, block_stride);
	WHOLE(ring_consumer_block);
	FIELD(ring_consumer_block, epoch);
	FIELD(ring_consumer_block, attached_epoch);
	FIELD(ring_consumer_block, mode);
	FIELD(ring_consumer_block, bye);
	FIELD(ring_consumer_block, features_accepted);
	FIELD(ring_consumer_block, heartbeat);
	FIELD(ring_consumer_block, doorbell_peer);
	FIELD(ring_consumer_block, doorbell_vector);
	FIELD(ring_consumer_block, revocations_seen);
	FIELD(ring_consumer_block, reserved_0);
	FIELD(ring_consumer_block, leases);
	FIELD(ring_consumer_block, cursor);
	FIELD(ring_consumer_block, clock_question);
	FIELD(ring_consumer_block, reserved_1);
	FIELD(ring_consumer_block, wake_arm);
	FIELD(ring_consumer_block, reserved_2);
	FIELD(ring_consumer_block, verified);
	FIELD(ring_consumer_block, skipped);
	FIELD(ring_consumer_block, torn);
	FIELD(ring_consumer_block, stale);
	FIELD(ring_consumer_block, bad);
	FIELD(ring_consumer_block, reserved_3);
	FIELD(ring_consumer_block, reserved_4);
}

static void print_pointer(FILE *to)
{
	WHOLE(ring_shape);
	FIELD(ring_shape, control);
	FIELD(ring_shape, size);
	FIELD(ring_shape, digest);
	FIELD(ring_shape, reserved);
	WHOLE(ring_pointer);
	FIELD(ring_pointer, place);
	FIELD(ring_pointer, reserved_0);
	FIELD(ring_pointer, shape_capacity);
	FIELD(ring_pointer, reserved_1);
	FIELD(ring_pointer, shapes);
	FIELD(ring_pointer, reserved_2);
}

static void print_layout(FILE *to)
{
	fprintf(to, "# offset, size\n");
	print_identity(to);
	print_small(to);
	print_claim(to);
	print_pointer(to);
}

/* Sixteen bytes a line; lines of zeros are left out. */
static void print_bytes(FILE *to, const uint8_t *bytes, size_t from, size_t end)
{
	static const uint8_t zeros[16];

	for (size_t at = from; at < end; at += sizeof(zeros)) {
		if (memcmp(bytes + at, zeros, sizeof(zeros)) == 0) {
			continue;
		}
		fprintf(to, "%06zx ", at);
		for (size_t i = 0; i < sizeof(zeros); i++) {
			fprintf(to, " %02x", bytes[at + i]);
		}
		fprintf(to, "\n");
	}
}

/* A region with one frame of two strips and one damage rectangle, and a pointer of three pixels. */
static void print_image(FILE *to)
{
	const struct ring_writer_config config = {
		.slot_count = 4,
		.version_text = "golden",
		.epoch = STAND_EPOCH,
		.shape_capacity = RING_SHAPE_CAPACITY_MIN,
	};
	const uint32_t pixels[3] = { 0xff102030, 0x80402000, 0 };
	const struct pointer pointer = {
		.is_shown = true, .x = 5, .y = -1, .shape = { 1, 3, 0, 2, pixels }
	};
	struct frame frame = {
		.times = { .due_ns = 1000,
		        .captured_ns = 2000,
		        .filled_ns = 3000,
		        .claimed_ns = 4000,
		        .published_ns = 5000 },
		.damage = { .base_sequence = 0, .count = 1, .rects = { { 1, 2, 3, 4 } } },
	};
	struct stand stand;

	stand_set_up(&stand, 4 * STAND_REGION, &config);
	stand.info = (struct frame_info) {
		.fourcc = STAND_RGB565, .width = 3, .height = 20, .stride = 4096
	};
	assert_int_equal(stand_begin(&stand), WRITER_OK);
	stand_copy(&stand);
	assert_int_equal(ring_writer_publish(&stand.writer, &frame), WRITER_OK);
	ring_writer_point(&stand.writer, &pointer, true);
	region_header_format_feedback(stand.ring.h);
	print_bytes(to, stand.memory.bytes, 0, stand.writer.geometry.payload_base);
	print_bytes(to, stand.memory.bytes, stand.writer.geometry.payload_base,
	        stand.writer.geometry.payload_base + 64);
	print_bytes(to, stand.memory.bytes, stand.writer.geometry.end,
	        stand.writer.geometry.end + ring_pointer_area_size(RING_SHAPE_CAPACITY_MIN));
	print_bytes(
	        to, stand.memory.bytes, 4 * STAND_REGION - RING_FEEDBACK_SIZE, 4 * STAND_REGION);
	stand_tear_down(&stand);
}

static const char *golden_files[2];

static void compare(const char *path, void (*print)(FILE *to))
{
	FILE *from = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	char golden[128];
	const char *at;

	assert_non_null(from);
	assert_non_null(to);
	print(to);
	fclose(to);
	at = text;
	while (fgets(golden, sizeof(golden), from)) {
		if (strncmp(at, golden, strlen(golden)) != 0) {
			fail_msg("%s: '%.*s' was '%s'", path, (int)strcspn(at, "\n"), at, golden);
		}
		at += strlen(golden);
	}
	assert_string_equal(at, "");
	fclose(from);
	free(text);
}

static void every_field_lies_where_it_lay(void **state)
{
	(void)state;
	compare(golden_files[0], print_layout);
}

static void a_region_with_a_frame_is_the_same_bytes(void **state)
{
	(void)state;
	compare(golden_files[1], print_image);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_lies_where_it_lay),
		cmocka_unit_test(a_region_with_a_frame_is_the_same_bytes),
	};

	if (argc != 3) {
		return 2;
	}
	if (strcmp(argv[1], "--print") == 0) {
		(strcmp(argv[2], "image") == 0 ? print_image : print_layout)(stdout);
		return 0;
	}
	golden_files[0] = argv[1];
	golden_files[1] = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
