/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <string.h>

void frame_reader_init(struct frame_reader *reader)
{
	reader->filled = 0;
	reader->zeros = 0;
	reader->in_step = false;
}

void frame_put_u32(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value & 0xff);
	bytes[1] = (uint8_t)(value >> 8 & 0xff);
	bytes[2] = (uint8_t)(value >> 16 & 0xff);
	bytes[3] = (uint8_t)(value >> 24);
}

static uint32_t get_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* Returns true when this byte is a part of a frame. */
static bool keep_byte(struct frame_reader *reader, uint8_t byte)
{
	reader->zeros = byte == 0 ? reader->zeros + 1 : 0;
	if (reader->zeros >= FRAME_SYNC_ZEROS) {
		reader->in_step = true;
		reader->filled = 0;
		return false;
	}
	if (!reader->in_step || (reader->filled == 0 && byte == 0)) {
		return false;
	}
	reader->bytes[reader->filled++] = byte;
	return true;
}

static bool frame_is_whole(struct frame_reader *reader, struct frame *frame)
{
	if (reader->filled < FRAME_HEADER_BYTES) {
		return false;
	}
	uint32_t length = get_u32(reader->bytes + 1);
	if (length > FRAME_PAYLOAD_MAX) {
		reader->in_step = false;
		reader->filled = 0;
		return false;
	}
	if (reader->filled < FRAME_HEADER_BYTES + length) {
		return false;
	}
	frame->type = reader->bytes[0];
	frame->length = length;
	frame->payload = reader->bytes + FRAME_HEADER_BYTES;
	reader->filled = 0;
	return true;
}

size_t frame_reader_take(
        struct frame_reader *reader, const uint8_t *bytes, size_t size, struct frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	for (size_t i = 0; i < size; i++) {
		if (keep_byte(reader, bytes[i]) && frame_is_whole(reader, frame)) {
			return i + 1;
		}
	}
	return size;
}
