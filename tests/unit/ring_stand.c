/* SPDX-License-Identifier: MIT */
#include "ring_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* Needs the four above. */
#include <cmocka.h>

#define STAND_START_NS (1000 * NS_PER_S)

void stand_set_up(struct stand *stand, size_t size, const struct ring_writer_config *config)
{
	memset(stand, 0, sizeof(*stand));
	stand->memory = guarded_map(size, GUARDED_BEHIND);
	stand->ring = ring_memory_of_region(stand->memory.bytes, size);
	stand->config = *config;
	stand->now_ns = STAND_START_NS;
	stand->info = (struct frame_info) {
		.fourcc = STAND_XRGB,
		.width = 16,
		.height = 8,
		.stride = 64,
	};
	assert_int_equal(copier_init(&stand->in, COPY_IN), 0);
	assert_int_equal(copier_init(&stand->out, COPY_OUT), 0);
	assert_int_equal(ring_writer_occupy(&stand->writer, stand->ring, false), OCCUPY_OK);
	assert_int_equal(ring_writer_open(&stand->writer, config), 0);
}

void stand_set_up_plain(struct stand *stand, uint32_t slot_count, bool lossless)
{
	const struct ring_writer_config config = {
		.slot_count = slot_count,
		.lossless = lossless,
		.version_text = "stand",
		.epoch = STAND_EPOCH,
	};

	stand_set_up(stand, STAND_REGION, &config);
}

void stand_tear_down(struct stand *stand)
{
	copier_finish(&stand->in);
	copier_finish(&stand->out);
	free(stand->drawn);
	free(stand->copied);
	guarded_unmap(&stand->memory);
}

void stand_reopen(struct stand *stand, uint64_t epoch)
{
	stand->config.epoch = epoch;
	assert_int_equal(ring_writer_occupy(&stand->writer, stand->ring, true), OCCUPY_OK);
	assert_int_equal(ring_writer_open(&stand->writer, &stand->config), 0);
}

void stand_draw(const struct frame_info *info, uint64_t epoch, uint64_t sequence, uint8_t *pixels)
{
	uint64_t bytes = frame_info_bytes(info);
	uint64_t state = epoch ^ (sequence * UINT64_C(0x9e3779b97f4a7c15)) ^ info->width << 20 ^
	                 (uint64_t)info->height << 40 ^ info->fourcc;
	uint64_t word;

	state = state ? state : 1;
	for (uint64_t i = 0; i < bytes; i += sizeof(word)) {
		word = stand_random(&state);
		memcpy(pixels + i, &word,
		        bytes - i < sizeof(word) ? (size_t)(bytes - i) : sizeof(word));
	}
}

/* Exactly as large as the frame, so that a sanitizer sees every byte too many. */
static uint8_t *room_for(uint8_t **pixels, const struct frame_info *info)
{
	free(*pixels);
	*pixels = malloc(frame_info_bytes(info));
	assert_non_null(*pixels);
	return *pixels;
}

enum writer_result stand_begin(struct stand *stand)
{
	return ring_writer_begin(&stand->writer, &stand->info, stand->now_ns);
}

void stand_copy(struct stand *stand)
{
	stand_draw(&stand->info, stand->writer.epoch, ring_writer_next_sequence(&stand->writer),
	        room_for(&stand->drawn, &stand->info));
	ring_writer_copy(&stand->writer, &stand->in, stand->drawn, NULL);
}

enum writer_result stand_finish(struct stand *stand)
{
	struct frame frame = {
		.info = stand->info,
		.times = { .due_ns = stand->now_ns,
		        .captured_ns = stand->now_ns + 1,
		        .filled_ns = stand->now_ns + 2,
		        .claimed_ns = stand->now_ns + 3,
		        .published_ns = stand->now_ns + 4 },
	};

	return ring_writer_publish(&stand->writer, &frame);
}

enum writer_result stand_publish(struct stand *stand)
{
	enum writer_result result = stand_begin(stand);

	if (result != WRITER_OK) {
		return result;
	}
	stand_copy(stand);
	return stand_finish(stand);
}

void stand_attach(
        struct stand *stand, struct ring_reader *reader, unsigned block, enum reader_mode mode)
{
	struct span g = { stand->memory.bytes, stand->ring.region_size };
	struct span none = { NULL, 0 };
	struct ring_header header;

	assert_int_equal(region_header_read(g, &header), HEADER_GOOD);
	ring_reader_attach(reader,
	        &(struct ring_reader_config) {
	                .g = g,
	                .h = mode == READER_OBSERVE ? none : stand->ring.h,
	                .block = block,
	                .mode = mode,
	                .wants_pointer = true,
	        },
	        &header);
}

void stand_check(const struct stand *stand, const struct frame *frame)
{
	size_t bytes = frame_info_bytes(&frame->info);
	uint8_t *expected = malloc(bytes);

	assert_non_null(expected);
	assert_ptr_equal(frame->pixels, stand->copied);
	stand_draw(&frame->info, frame->epoch, frame->sequence, expected);
	if (memcmp(expected, stand->copied, bytes) != 0) {
		fail_msg("frame %llu was accepted and is wrong",
		        (unsigned long long)frame->sequence);
	}
	free(expected);
}

enum reader_result stand_claim(struct stand *stand, struct ring_reader *reader, struct frame *frame)
{
	enum reader_result result = ring_reader_claim(reader, frame);

	if (result == READER_FRAME) {
		frame->pixels = NULL;
		room_for(&stand->copied, &frame->info);
		memset(stand->copied, 0xa5, frame_info_bytes(&frame->info));
	}
	return result;
}

enum reader_result stand_take(struct stand *stand, struct ring_reader *reader, struct frame *frame)
{
	enum reader_result result = ring_reader_copy(reader, &stand->out, stand->copied, frame);

	if (result == READER_FRAME) {
		stand_check(stand, frame);
	}
	return result;
}

enum reader_result stand_read(struct stand *stand, struct ring_reader *reader, struct frame *frame)
{
	enum reader_result result = stand_claim(stand, reader, frame);

	return result == READER_FRAME ? stand_take(stand, reader, frame) : result;
}

void stand_beat(const struct ring_reader *reader)
{
	shared_u64 *word = ring_reader_heartbeat(reader);

	if (word) {
		shared_store_u64(word, shared_load_u64(word) + 1);
	}
}

void stand_pass(struct stand *stand, uint64_t ms)
{
	stand->now_ns += ms * NS_PER_MS;
	ring_writer_tend(&stand->writer, stand->now_ns);
}

struct ring_identity *stand_identity(const struct stand *stand)
{
	return (void *)stand->memory.bytes;
}

struct ring_descriptor *stand_descriptor(const struct stand *stand, unsigned slot)
{
	return (void *)(stand->memory.bytes + stand->writer.geometry.descriptors_base +
	                (uint64_t)slot * stand->writer.geometry.descriptor_stride);
}

struct ring_consumer_block *stand_block(const struct stand *stand, unsigned block)
{
	return (void *)(stand->ring.h.bytes + RING_BLOCKS_OFFSET +
	                block * sizeof(struct ring_consumer_block));
}

shared_u64 *stand_index(const struct stand *stand, uint64_t sequence)
{
	shared_u64 *index = (void *)(stand->memory.bytes + RING_IDENTITY_SIZE);

	return &index[sequence & (stand->writer.geometry.index_length - 1)];
}

uint8_t *stand_payload(const struct stand *stand, unsigned slot)
{
	return stand->memory.bytes + stand->writer.geometry.payload_base +
	       (uint64_t)slot * stand->writer.geometry.slot_capacity;
}

uint64_t stand_counted(const struct ring_reader *reader)
{
	const struct ring_reader_counts *counts = &reader->counts;

	return counts->verified + counts->skipped + counts->torn + counts->stale + counts->bad;
}

void stand_attach_lossless(struct stand *stand, struct ring_reader *reader, unsigned block)
{
	stand_attach(stand, reader, block, READER_LOSSLESS);
	assert_int_equal(ring_reader_granted(reader), RING_MODE_NONE);
	stand_pass(stand, 0);
	assert_int_equal(ring_reader_granted(reader), RING_MODE_LOSSLESS);
}

void stand_assert_reads(struct stand *stand, struct ring_reader *reader, uint64_t sequence)
{
	struct frame frame;
	enum reader_result result = stand_read(stand, reader, &frame);

	if (result != READER_FRAME || frame.sequence != sequence) {
		fail_msg("result %d, frame %llu instead of %llu", (int)result,
		        (unsigned long long)frame.sequence, (unsigned long long)sequence);
	}
	assert_true(stand_counted(reader) == sequence);
}

unsigned stand_publish_until_blocked(struct stand *stand)
{
	unsigned published = 0;

	while (published < 100 && stand_publish(stand) == WRITER_OK) {
		published++;
	}
	return published;
}
