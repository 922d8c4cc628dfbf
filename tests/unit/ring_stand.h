/* SPDX-License-Identifier: MIT */
/*
 * A ring to try things on: one region with an untouchable page behind it, a writer, readers, and
 * frames that are a function of epoch, sequence and geometry, so that every accepted frame is
 * compared byte for byte. Time is a number here: nothing sleeps.
 */
#ifndef ORIEL_TEST_RING_STAND_H
#define ORIEL_TEST_RING_STAND_H

#include "guarded.h"
#include "ring_reader.h"
#include "ring_writer.h"

#define STAND_REGION ((size_t)1 << 20)
#define STAND_EPOCH  UINT64_C(0x1122334455667788)
#define STAND_XRGB   0x34325258u /* DRM_FORMAT_XRGB8888 */
#define STAND_ARGB   0x34325241u
#define STAND_RGB565 0x36314752u
#define STAND_RGB888 0x34324752u

struct stand {
	struct guarded memory;
	struct ring_memory ring;
	struct ring_writer writer;
	struct ring_writer_config config;
	struct copier in;
	struct copier out;
	struct frame_info info; /* of the frames that stand_publish() makes; small by default */
	uint64_t now_ns;
	uint8_t *drawn;
	uint8_t *copied; /* the reader's pixels: exactly as many bytes as the frame has */
};

/* A small fast generator for tests: never 0, the same everywhere. */
static inline uint64_t stand_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* Below limit, which is small: the bias does not matter to a test. */
static inline uint64_t stand_below(uint64_t *state, uint64_t limit)
{
	return (stand_random(state) >> 11) % limit;
}

/* A region of size bytes with a writer that has opened it. */
void stand_set_up(struct stand *stand, size_t size, const struct ring_writer_config *config);
void stand_set_up_plain(struct stand *stand, uint32_t slot_count, bool lossless);
void stand_tear_down(struct stand *stand);

/* Another session: a new writer takes the region over. */
void stand_reopen(struct stand *stand, uint64_t epoch);

/* The frame of (epoch, sequence) with this geometry, padding included. */
void stand_draw(const struct frame_info *info, uint64_t epoch, uint64_t sequence, uint8_t *pixels);

/* begin, copy, publish. */
enum writer_result stand_begin(struct stand *stand);
void stand_copy(struct stand *stand);
enum writer_result stand_finish(struct stand *stand);
enum writer_result stand_publish(struct stand *stand);

/* Reads the header, which must be good, and attaches; follows the pointer where it can. */
void stand_attach(
        struct stand *stand, struct ring_reader *reader, unsigned block, enum reader_mode mode);

/* claim and copy; fails the test when an accepted frame is not the one that was drawn. */
enum reader_result stand_claim(
        struct stand *stand, struct ring_reader *reader, struct frame *frame);
enum reader_result stand_take(struct stand *stand, struct ring_reader *reader, struct frame *frame);
enum reader_result stand_read(struct stand *stand, struct ring_reader *reader, struct frame *frame);

/* Is this the frame that was drawn? Fails the test when it is not. */
void stand_check(const struct stand *stand, const struct frame *frame);

/* One heartbeat of this reader. */
void stand_beat(const struct ring_reader *reader);

/* ms pass; the writer tends. */
void stand_pass(struct stand *stand, uint64_t ms);

struct ring_identity *stand_identity(const struct stand *stand);
struct ring_descriptor *stand_descriptor(const struct stand *stand, unsigned slot);
struct ring_consumer_block *stand_block(const struct stand *stand, unsigned block);
shared_u64 *stand_index(const struct stand *stand, uint64_t sequence);
uint8_t *stand_payload(const struct stand *stand, unsigned slot);

/* verified + skipped + torn + stale + bad: must be reader->last. */
uint64_t stand_counted(const struct ring_reader *reader);

/* Attaches in lossless mode and lets the producer grant it. */
void stand_attach_lossless(struct stand *stand, struct ring_reader *reader, unsigned block);

/* The next frame that it takes is this one, and everything up to it is counted. */
void stand_assert_reads(struct stand *stand, struct ring_reader *reader, uint64_t sequence);

/* returns: how many frames found a slot */
unsigned stand_publish_until_blocked(struct stand *stand);

#endif
