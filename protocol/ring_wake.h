/* SPDX-License-Identifier: MIT */
/*
 * Waking across the ring: who sleeps says so in shared memory, and is rung once.
 *
 *   consumer   ring_reader_arm      wake_arm = a new word, full fence; then look again, sleep
 *   producer   ring_writer_wake     publish, full fence, read wake_arm, ring once per word
 *
 *   producer   ring_writer_arm_space   space_arm = a new word, full fence; then look again, sleep
 *   consumer   ring_reader_wake        let go of the slot, full fence, read space_arm, ring
 *
 * Leave out a fence or the second look, and wake-ups are lost; see protocol/model/wake.pml and
 * space.pml. A word names one sleep, so that a sleep is rung for once by each who rings, and the
 * next one again, whatever became of the first. arm and disarm are made to be a struct
 * wakeup_wish's.
 *
 * A frame that is announced is rung for too, at consumers that read early; they sleep again, with
 * another word, if it is long in coming. The pointer's place is rung for like a frame, whatever
 * frame is slept until, at consumers that follow its channel. Only these and slots are rung for. A
 * grant, a revocation, the end of a session, a lease or a patience that runs out are found by the
 * look that ends each sleep, after 100 ms at most.
 */
#ifndef ORIEL_RING_WAKE_H
#define ORIEL_RING_WAKE_H

#include "ring_reader.h"
#include "ring_writer.h"

/*
 * Nothing for an observer, which has no word to say it in, nor in a block that is somebody else's.
 * order: ends in a full fence
 */
void ring_reader_arm(struct ring_reader *reader);
void ring_reader_disarm(struct ring_reader *reader);

/* Will the producer ring us when we are armed? As far as it says. */
bool ring_reader_will_be_rung(const struct ring_reader *reader);

/*
 * Rings a producer that waits for space; called by ring_reader.c wherever it let go of a slot.
 * order: full fence, then space_arm; pairs with the fence in ring_writer_arm_space()
 */
void ring_reader_wake(struct ring_reader *reader);

/* Rings the producer unasked: we are here. */
void ring_reader_call(struct ring_reader *reader);

/*
 * Rings each consumer that sleeps and that the published sequence is news for; called by
 * ring_writer_publish().
 * order: full fence, then wake_arm; pairs with the fence in ring_reader_arm()
 */
void ring_writer_wake(struct ring_writer *writer);

/* The same for a frame that is announced, at who reads early; called by ring_writer_copy(). */
void ring_writer_wake_early(struct ring_writer *writer);

/* The same for the pointer's place; called by ring_writer_point(). */
void ring_writer_wake_pointer(struct ring_writer *writer);

/* Neither touches anything once another producer took over. order: arm ends in a full fence */
void ring_writer_arm_space(struct ring_writer *writer);
void ring_writer_disarm_space(struct ring_writer *writer);

/*
 * Will every consumer whose cursor a slot may wait for ring us when it lets go? As far as they say.
 * A lease that is in the way besides is no reason to wait, or ends in 250 ms.
 */
bool ring_writer_will_be_rung(const struct ring_writer *writer);

#endif
