/* SPDX-License-Identifier: MIT */
/*
 * Every byte that two sides share: tables, structs, assertions; no functions. docs/protocol.md is
 * the same in prose, with the rules.
 *
 * Two sections. G has one writer, the producer. H has the consumers as writers, each its own block.
 * They may lie in one region (H is its last 64 KiB) or in two devices.
 *
 *   G   0                 identity page (struct ring_identity), layout frozen for ever
 *       4096              publication index: u64[index_length]
 *       descriptors_base  struct ring_descriptor[slot_count], descriptor_stride apart
 *       digests_base      digest table: ring_digest_words() words a slot
 *       payload_base      payloads, slot_capacity apart, 64 KiB aligned
 *       ...               the pointer's channel, where there is one: pointer_layout.h
 *
 *   H   0                 identity (struct ring_feedback_identity)
 *       4096              struct ring_consumer_block[RING_CONSUMERS_MAX]
 *
 * All words are little-endian, aligned to their size, and zero where reserved. There is no pointer,
 * enum, bool or bit-field in here, and no word is ever written by two sides.
 */
#ifndef ORIEL_LAYOUT_H
#define ORIEL_LAYOUT_H

#include "shared.h"

#include <stddef.h>

#define RING_MAGIC_G UINT64_C(0x3130474c4549524f) /* "ORIELG01" in memory order */
#define RING_MAGIC_H UINT64_C(0x3130484c4549524f) /* "ORIELH01" */

#define RING_MAJOR 2u
#define RING_MINOR 0u

#define RING_IDENTITY_SIZE     4096u
#define RING_FEEDBACK_SIZE     65536u /* bytes of H */
#define RING_PAYLOAD_ALIGNMENT 65536u
#define RING_SLOTS_MIN         3u
#define RING_SLOTS_MAX         32u
#define RING_CONSUMERS_MAX     8u
#define RING_LEASES_MAX        2u
#define RING_INDEX_MAX         4096u
#define RING_STRIPS_MAX        255u
#define RING_COLUMNS_MAX       64u
#define RING_TILES_MAX         2048u
#define RING_DAMAGE_MAX        64u

/* Of a slot's digests, which are 1 or 4 words each: one for so many bytes of payload. */
#define RING_DIGEST_WORDS_MIN 512u
#define RING_DIGEST_WORDS_MAX RING_TILES_MAX
#define RING_DIGEST_WORD_FOR  8192u

#define RING_SEQUENCE_MAX ((UINT64_C(1) << 56) - 1)

/* Features: bits of features_offered, features_required and features_accepted. */
#define RING_FEATURE_POINTER UINT64_C(1) /* a channel for the mouse pointer: pointer_layout.h */
#define RING_FEATURE_EARLY   UINT64_C(2) /* whole frames are announced and rung for */
#define RING_FEATURES_KNOWN  (RING_FEATURE_POINTER | RING_FEATURE_EARLY)

/* ring_identity.state */
#define RING_STATE_NONE      0u
#define RING_STATE_RUNNING   1u
#define RING_STATE_IDLE      2u /* alive, the picture does not change */
#define RING_STATE_NO_SIGNAL 3u
#define RING_STATE_PAUSED    4u
#define RING_STATE_ENDED     5u /* said goodbye; a crash leaves another state behind */
#define RING_STATE_FAULT     6u

/* Modes a consumer wants and a producer grants. */
#define RING_MODE_NONE     0u
#define RING_MODE_LATEST   1u
#define RING_MODE_LOSSLESS 2u

/* ring_descriptor.control = (sequence << 2) + flags; no flag: stable. 0: never used. */
#define RING_CONTROL_SHIFT   2
#define RING_CONTROL_CLAIM   UINT64_C(1) /* maybe written soon; the payload is untouched */
#define RING_CONTROL_WRITING UINT64_C(2) /* the payload changes */
#define RING_CONTROL_FLAGS   (RING_CONTROL_CLAIM | RING_CONTROL_WRITING)

/* Words that name a frame: (sequence << 8) + slot; a lease holds slot + 1, so that 0 is none. */
#define RING_NAME_SHIFT     8
#define RING_NAME_SLOT_MASK UINT64_C(0xff)

/* ring_descriptor.progress = (sequence << 8) + strips finished */
#define RING_PROGRESS_SHIFT       8
#define RING_PROGRESS_STRIPS_MASK UINT64_C(0xff)

/*
 * Words that say of a sleeper that it sleeps: (sequence << 8) + low 8 bits of how many sleeps it
 * has had; 0 = awake. Each who rings does so once for each word.
 */
#define RING_ARM_SHIFT       8
#define RING_ARM_SLEEPS_MASK UINT64_C(0xff)

/* doorbell_vector of a side that can ring and cannot be rung */
#define RING_VECTOR_DEAF UINT32_C(0xffffffff)

/*
 * ring_consumer_block.clock_question: a number; 0 = none. With this bit another one follows as soon
 * as the consumer has seen the next frame.
 */
#define RING_QUESTION_SOON UINT64_C(1)

/* ring_consumer_block.bye */
#define RING_BYE_NONE     0u
#define RING_BYE_DETACHED 1u
#define RING_BYE_DEPOSED  2u

/*
 * What the producer tells one consumer. 64 bytes.
 *
 * | off | type | field              | notes |
 * |   0 | u64  | epoch_acknowledged | the consumer's own epoch; stored last (release) |
 * |   8 | u32  | mode               | RING_MODE_* granted |
 * |  12 | u32  | revocations        | how often patience ran out |
 * |  16 | u64  | from               | lossless: (first sequence that waits << 8) + low 8 bits of |
 * |     |      |                    | the revocations; 0 = not admitted yet |
 */
struct ring_grant {
	shared_u64 epoch_acknowledged;
	shared_u32 mode;
	shared_u32 revocations;
	shared_u64 from;
	shared_u64 reserved[5];
};

/* ring_grant.from = (sequence << 8) + (revocations & 0xff) */
#define RING_FROM_SHIFT            8
#define RING_FROM_REVOCATIONS_MASK UINT64_C(0xff)

/*
 * The producer's answer to a consumer's clock question. 64 bytes.
 *
 * | off | type | field     | notes |
 * |   0 | u64  | question  | the question that is answered; stored last (release) |
 * |   8 | u64  | answer_ns | producer's CLOCK_MONOTONIC |
 * |  16 | u64  | answer_tsc| producer's raw counter, 0 = none |
 */
struct ring_clock_answer {
	shared_u64 question;
	shared_u64 answer_ns;
	shared_u64 answer_tsc;
	shared_u64 reserved[5];
};

/*
 * First page of G. Writer: the producer. Lines of different use are 64 bytes apart.
 *
 * | off  | type  | field             | notes |
 * |    0 | u64   | magic             | RING_MAGIC_G: project, role, byte order |
 * |    8 | u32   | version           | (major << 16) + minor |
 * |   12 | u32   | identity_size     | 4096 |
 * |   16 | u64   | features_offered  | RING_FEATURE_* |
 * |   24 | u64   | features_required | a consumer that lacks one says so and stays away |
 * |   32 | u32   | slot_count        | 3..32 |
 * |   36 | u32   | descriptor_stride | multiple of 64, at least 1024 |
 * |   40 | u64   | slot_capacity     | bytes, multiple of 64 KiB |
 * |   48 | u64   | region_size       | what the producer believes the region to be |
 * |   56 | u32   | index_length      | power of two, at least 2 x slot_count |
 * |   60 | u32   | limits            | (max_leases << 16) + max_consumers |
 * |   64 | u8[64]| version_text      | shown only after reduction to printable ASCII |
 * |  128 | u32   | checksum          | XXH32, seed 0, of bytes 0..127 |
 * |  256 | u64   | epoch             | 0 = not ready; zeroed first, stored last (release) |
 * |  320 | u64   | heartbeat         | +1 every 100 ms |
 * |  328 | u32   | state             | RING_STATE_* |
 * |  336 | u64   | progress          | turns of the capture loop |
 * |  384 | u64   | latest            | (sequence << 8) + slot; 0 = none yet |
 * |  448 | u64   | space_arm         | it sleeps until a slot is free: (next sequence << 8) |
 * |      |       |                   | + low 8 bits of its sleeps; 0 = awake |
 * |  512 | 8 x 64| grants            | struct ring_grant |
 * | 1024 | u64   | announced         | (sequence << 8) + slot of a frame that is written whole |
 * | 1088 | u32   | doorbell_peer     | the producer's peer id + 1; 0 = neither rings nor hears |
 * | 1092 | u32   | doorbell_vector   | RING_VECTOR_DEAF: it rings and does not hear |
 * | 1096 | u64   | doorbell_generation | 1 once those two are stored (release); 0 = no address |
 * | 1152 | u64   | not_published     | frames that found no slot or came too late |
 * | 1536 | 8 x 64| clock_answers     | struct ring_clock_answer |
 */
struct ring_identity {
	shared_u64 magic;
	shared_u32 version;
	shared_u32 identity_size;
	shared_u64 features_offered;
	shared_u64 features_required;
	shared_u32 slot_count;
	shared_u32 descriptor_stride;
	shared_u64 slot_capacity;
	shared_u64 region_size;
	shared_u32 index_length;
	shared_u32 limits;
	shared_u64 version_text[8];
	shared_u32 checksum;
	uint8_t reserved_0[124];
	shared_u64 epoch;
	uint8_t reserved_1[56];
	shared_u64 heartbeat;
	shared_u32 state;
	uint8_t reserved_2[4];
	shared_u64 progress;
	uint8_t reserved_3[40];
	shared_u64 latest;
	uint8_t reserved_4[56];
	shared_u64 space_arm;
	uint8_t reserved_5[56];
	struct ring_grant grants[RING_CONSUMERS_MAX];
	shared_u64 announced;
	uint8_t reserved_6[56];
	shared_u32 doorbell_peer;
	shared_u32 doorbell_vector;
	shared_u64 doorbell_generation;
	uint8_t reserved_7[48];
	shared_u64 not_published;
	uint8_t reserved_8[376];
	struct ring_clock_answer clock_answers[RING_CONSUMERS_MAX];
	uint8_t reserved_9[2048];
};

/*
 * What the producer says of one frame. It stands in the descriptor from offset 128 on, is copied
 * out whole, and only the copy is judged and used. 192 bytes; the damage follows in the descriptor.
 *
 * | off | type   | field         | notes |
 * |   0 | u64    | epoch         | the producer's session |
 * |   8 | u64    | sequence      | again, beside the one in control |
 * |  16 | u64    | base_sequence | damage is relative to it; 0 = whole frame |
 * |  24 | u32 x2 | fourcc, width | |
 * |  32 | u32 x2 | height, stride| |
 * |  40 | u64    | data_size     | stride * height |
 * |  48 | u32    | flags         | none defined |
 * |  52 | u16 x2 | colour, rotation | 0 = sRGB, 0 degrees |
 * |  56 | u64    | due_ns        | the producer's clock, as are the next ones; 0 = not taken |
 * |  64 | u64    | captured_ns   | |
 * |  72 | u64    | filled_ns     | |
 * |  80 | u64    | claimed_ns    | the copy began |
 * |  88 | u64    | published_ns  | |
 * |  96 | u32    | digest_algorithm | enum digest_algorithm |
 * | 100 | u32    | strip_rows    | rows a strip; the last may be shorter |
 * | 104 | u32    | strip_count   | 1..255 |
 * | 108 | u32    | damage_count  | 0..64 |
 * | 112 | u32    | tile_width    | pixels a tile; the last of a strip may be narrower |
 * | 116 | u32    | reserved      | |
 * | 120 | u64[8] | reserved      | |
 * | 184 | u32    | checksum      | XXH32 of the digests, fields 0..183, the rectangles |
 * | 188 | u32    | reserved      | |
 */
struct ring_claim {
	uint64_t epoch;
	uint64_t sequence;
	uint64_t base_sequence;
	uint32_t fourcc;
	uint32_t width;
	uint32_t height;
	uint32_t stride;
	uint64_t data_size;
	uint32_t flags;
	uint16_t colour;
	uint16_t rotation;
	uint64_t due_ns;
	uint64_t captured_ns;
	uint64_t filled_ns;
	uint64_t claimed_ns;
	uint64_t published_ns;
	uint32_t digest_algorithm;
	uint32_t strip_rows;
	uint32_t strip_count;
	uint32_t damage_count;
	uint32_t tile_width;
	uint32_t reserved_0;
	uint64_t reserved_1[8];
	uint32_t checksum;
	uint32_t reserved_2;
};

#define RING_CLAIM_WORDS   (sizeof(struct ring_claim) / 8)
#define RING_CLAIM_CHECKED offsetof(struct ring_claim, checksum)

/*
 * One slot's descriptor in shared memory. Writer: the producer.
 *
 * | off | type | field    | notes |
 * |   0 | u64  | control  | (sequence << 2) + flags; a line of its own |
 * |  64 | u64  | progress | (sequence << 8) + finished strips; a line of its own |
 * | 128 | 24 w | claim    | struct ring_claim as words |
 * | 320 | 64 w | damage   | |
 */
struct ring_descriptor {
	shared_u64 control;
	uint8_t reserved_0[56];
	shared_u64 progress;
	uint8_t reserved_1[56];
	shared_u64 claim[RING_CLAIM_WORDS];
	shared_u64 damage[RING_DAMAGE_MAX];
	uint8_t reserved_2[192];
};

/*
 * First line of H: the same constant bytes whoever writes them, the launcher or the first consumer.
 *
 * | off | type | field         | notes |
 * |   0 | u64  | magic         | RING_MAGIC_H |
 * |   8 | u32  | version       | (major << 16) + minor |
 * |  12 | u32  | identity_size | 4096 |
 * |  16 | u32  | block_count   | 8 |
 * |  20 | u32  | block_stride  | 512 |
 */
struct ring_feedback_identity {
	shared_u64 magic;
	shared_u32 version;
	shared_u32 identity_size;
	shared_u32 block_count;
	shared_u32 block_stride;
};

/*
 * One consumer's block in H. Writer: the consumer that owns it. 512 bytes, four lines used.
 *
 * | off | type   | field             | notes |
 * |   0 | u64    | epoch             | own, random, never 0 while attached; stored last (release) |
 * |   8 | u64    | attached_epoch    | the producer's epoch that this consumer follows |
 * |  16 | u32    | mode              | RING_MODE_* wanted |
 * |  20 | u32    | bye               | RING_BYE_* |
 * |  24 | u64    | features_accepted | RING_FEATURE_* that this consumer follows |
 * |  32 | u64    | heartbeat         | +1 every 100 ms |
 * |  40 | u32    | doorbell_peer     | peer id + 1; 0 = neither rings nor hears |
 * |  44 | u32    | doorbell_vector   | RING_VECTOR_DEAF: it rings and does not hear |
 * |  48 | u32    | revocations_seen  | lossless: the revocation that this consumer knows of |
 * |  64 | u64[2] | leases            | (sequence << 8) + slot + 1; 0 = none |
 * |  80 | u64    | cursor            | last sequence fully consumed |
 * |  88 | u64    | clock_question    | a number that differs for each question; 0 = none |
 * | 128 | u64    | wake_arm          | it sleeps until this is published: (sequence << 8) |
 * |     |        |                   | + low 8 bits of its sleeps; 0 = awake |
 * | 192 | u64 x5 | verified, skipped, torn, stale, bad | counts, for the other side's log |
 */
struct ring_consumer_block {
	shared_u64 epoch;
	shared_u64 attached_epoch;
	shared_u32 mode;
	shared_u32 bye;
	shared_u64 features_accepted;
	shared_u64 heartbeat;
	shared_u32 doorbell_peer;
	shared_u32 doorbell_vector;
	shared_u32 revocations_seen;
	uint8_t reserved_0[12];
	shared_u64 leases[RING_LEASES_MAX];
	shared_u64 cursor;
	shared_u64 clock_question;
	uint8_t reserved_1[32];
	shared_u64 wake_arm;
	uint8_t reserved_2[56];
	shared_u64 verified;
	shared_u64 skipped;
	shared_u64 torn;
	shared_u64 stale;
	shared_u64 bad;
	uint8_t reserved_3[24];
	uint8_t reserved_4[256];
};

#define RING_BLOCKS_OFFSET 4096u

#define RING_AT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field " moved")
#define RING_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type " changed size")

RING_AT(ring_grant, epoch_acknowledged, 0);
RING_AT(ring_grant, mode, 8);
RING_AT(ring_grant, revocations, 12);
RING_AT(ring_grant, from, 16);
RING_AT(ring_grant, reserved, 24);
RING_SIZE(ring_grant, 64);

RING_AT(ring_clock_answer, question, 0);
RING_AT(ring_clock_answer, answer_ns, 8);
RING_AT(ring_clock_answer, answer_tsc, 16);
RING_AT(ring_clock_answer, reserved, 24);
RING_SIZE(ring_clock_answer, 64);

RING_AT(ring_identity, magic, 0);
RING_AT(ring_identity, version, 8);
RING_AT(ring_identity, identity_size, 12);
RING_AT(ring_identity, features_offered, 16);
RING_AT(ring_identity, features_required, 24);
RING_AT(ring_identity, slot_count, 32);
RING_AT(ring_identity, descriptor_stride, 36);
RING_AT(ring_identity, slot_capacity, 40);
RING_AT(ring_identity, region_size, 48);
RING_AT(ring_identity, index_length, 56);
RING_AT(ring_identity, limits, 60);
RING_AT(ring_identity, version_text, 64);
RING_AT(ring_identity, checksum, 128);
RING_AT(ring_identity, epoch, 256);
RING_AT(ring_identity, heartbeat, 320);
RING_AT(ring_identity, state, 328);
RING_AT(ring_identity, progress, 336);
RING_AT(ring_identity, latest, 384);
RING_AT(ring_identity, space_arm, 448);
RING_AT(ring_identity, grants, 512);
RING_AT(ring_identity, announced, 1024);
RING_AT(ring_identity, doorbell_peer, 1088);
RING_AT(ring_identity, doorbell_vector, 1092);
RING_AT(ring_identity, doorbell_generation, 1096);
RING_AT(ring_identity, not_published, 1152);
RING_AT(ring_identity, clock_answers, 1536);
RING_SIZE(ring_identity, 4096);

RING_AT(ring_claim, epoch, 0);
RING_AT(ring_claim, sequence, 8);
RING_AT(ring_claim, base_sequence, 16);
RING_AT(ring_claim, fourcc, 24);
RING_AT(ring_claim, width, 28);
RING_AT(ring_claim, height, 32);
RING_AT(ring_claim, stride, 36);
RING_AT(ring_claim, data_size, 40);
RING_AT(ring_claim, flags, 48);
RING_AT(ring_claim, colour, 52);
RING_AT(ring_claim, rotation, 54);
RING_AT(ring_claim, due_ns, 56);
RING_AT(ring_claim, captured_ns, 64);
RING_AT(ring_claim, filled_ns, 72);
RING_AT(ring_claim, claimed_ns, 80);
RING_AT(ring_claim, published_ns, 88);
RING_AT(ring_claim, digest_algorithm, 96);
RING_AT(ring_claim, strip_rows, 100);
RING_AT(ring_claim, strip_count, 104);
RING_AT(ring_claim, damage_count, 108);
RING_AT(ring_claim, tile_width, 112);
RING_AT(ring_claim, reserved_0, 116);
RING_AT(ring_claim, reserved_1, 120);
RING_AT(ring_claim, checksum, 184);
RING_AT(ring_claim, reserved_2, 188);
RING_SIZE(ring_claim, 192);

RING_AT(ring_descriptor, control, 0);
RING_AT(ring_descriptor, progress, 64);
RING_AT(ring_descriptor, claim, 128);
RING_AT(ring_descriptor, damage, 320);
RING_SIZE(ring_descriptor, 1024);

RING_AT(ring_feedback_identity, magic, 0);
RING_AT(ring_feedback_identity, version, 8);
RING_AT(ring_feedback_identity, identity_size, 12);
RING_AT(ring_feedback_identity, block_count, 16);
RING_AT(ring_feedback_identity, block_stride, 20);
RING_SIZE(ring_feedback_identity, 24);

RING_AT(ring_consumer_block, epoch, 0);
RING_AT(ring_consumer_block, attached_epoch, 8);
RING_AT(ring_consumer_block, mode, 16);
RING_AT(ring_consumer_block, bye, 20);
RING_AT(ring_consumer_block, features_accepted, 24);
RING_AT(ring_consumer_block, heartbeat, 32);
RING_AT(ring_consumer_block, doorbell_peer, 40);
RING_AT(ring_consumer_block, doorbell_vector, 44);
RING_AT(ring_consumer_block, revocations_seen, 48);
RING_AT(ring_consumer_block, leases, 64);
RING_AT(ring_consumer_block, cursor, 80);
RING_AT(ring_consumer_block, clock_question, 88);
RING_AT(ring_consumer_block, wake_arm, 128);
RING_AT(ring_consumer_block, verified, 192);
RING_AT(ring_consumer_block, skipped, 200);
RING_AT(ring_consumer_block, torn, 208);
RING_AT(ring_consumer_block, stale, 216);
RING_AT(ring_consumer_block, bad, 224);
RING_SIZE(ring_consumer_block, 512);

#undef RING_AT
#undef RING_SIZE

#endif
