/* SPDX-License-Identifier: MIT */
/*
 * The frames that travel over one virtio-serial port between the launcher on
 * the host (oriel_vm/session.py) and the agent in the guest.
 *
 *   byte 0      type, a letter
 *   byte 1..4   payload length, little endian, at most FRAME_PAYLOAD_MAX
 *   then        the payload
 *
 * A zero byte where a type is due is padding and is skipped.
 *
 * Staying in step: a host client may die in the middle of a frame and the next
 * client inherits the stream. So each client first sends FRAME_SYNC_ZEROS zero
 * bytes. No frame holds so many zeros in a row (its payload is shorter and the
 * next type is a letter), therefore such a run always ends a broken frame, and
 * the reader stands at a frame's beginning whatever came before.
 * The other direction is found again by the random nonce that the agent echoes.
 *
 * host -> guest
 *   'H' HELLO   16 byte nonce           a new client: end the old client's job
 *   'A' ARG     piece of the argv block arguments, each ended by a NUL
 *   'R' RUN     u8: 1 = stdin follows   run what ARG collected
 *   'I' STDIN   bytes                   no more than the credit allows
 *   'E' EOF     empty                   stdin ends
 *   'S' SIGNAL  u8 number               for the job's process group
 * guest -> host
 *   'h' HELLO   16 byte nonce, u8 AGENT_VERSION
 *   'o' STDOUT  bytes
 *   'e' STDERR  bytes
 *   'k' CREDIT  u32: so many stdin bytes have been taken
 *   'x' EXIT    u32 exit code, u32 signal that killed it or 0
 */
#ifndef ORIEL_GUEST_AGENT_FRAME_H
#define ORIEL_GUEST_AGENT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AGENT_VERSION = 1,
	FRAME_HEADER_BYTES = 5,
	/* The port driver takes 32 KiB in one write: header and payload fit. */
	FRAME_MAX_BYTES = 32768,
	FRAME_PAYLOAD_MAX = FRAME_MAX_BYTES - FRAME_HEADER_BYTES,
	FRAME_SYNC_ZEROS = FRAME_MAX_BYTES,
	NONCE_BYTES = 16,
	/* What the host may send to stdin beyond what was acknowledged. */
	STDIN_WINDOW_BYTES = 65536,
};

struct frame {
	uint8_t type;
	uint32_t length;
	const uint8_t *payload; /* borrowed from the reader until its next call */
};

struct frame_reader {
	uint8_t bytes[FRAME_MAX_BYTES];
	size_t filled;
	size_t zeros; /* length of the run of zero bytes that just went by */
	bool in_step; /* false: skip all until a run of FRAME_SYNC_ZEROS */
};

/* A fresh reader is out of step: the stream may be in the middle of anything. */
void frame_reader_init(struct frame_reader *reader);

/*
 * Takes bytes until one frame is whole or the bytes are used up.
 *
 * frame:    type is 0 if none is whole yet
 * returns:  number of bytes taken, 1..size
 */
size_t frame_reader_take(
        struct frame_reader *reader, const uint8_t *bytes, size_t size, struct frame *frame);

void frame_put_u32(uint8_t *bytes, uint32_t value);

#endif
