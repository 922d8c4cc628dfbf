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
 * Leave out a fence or the second look, and wake-ups are lost; see protocol/model/wake.pml. A word
 * names one sleep, so that a sleep is rung for once and the next one again, whatever became of the
 * first. arm and disarm are made to be a struct wakeup_wish's.
 */
#ifndef ORIEL_RING_WAKE_H
#define ORIEL_RING_WAKE_H

#include "ring_reader.h"
#include "ring_writer.h"

/* Nothing for an observer, which has no word to say it in. order: ends in a full fence */
void ring_reader_arm(struct ring_reader *reader);
void ring_reader_disarm(struct ring_reader *reader);

/* Will the producer ring us when we are armed? As far as it says. */
bool ring_reader_will_be_rung(const struct ring_reader *reader);

/*
 * Rings a producer that waits for space; called wherever a slot was let go.
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

/* order: ends in a full fence */
void ring_writer_arm_space(struct ring_writer *writer);
void ring_writer_disarm_space(struct ring_writer *writer);

/* Will all consumers that a slot may wait for ring us when they let go? As far as they say. */
bool ring_writer_will_be_rung(const struct ring_writer *writer);

#endif
