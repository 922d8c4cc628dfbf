/* SPDX-License-Identifier: MIT */
/*
 * The consumer's half of the clocks' questions and answers, for the view loop's thread:
 *
 *   for each frame:
 *     clock_question_meet()      as soon as it was seen
 *     ...                        copy, verify, hand on; clock_offset_latency()
 *     clock_question_announce()  when it is done with
 *
 * Nobody is woken for a question. It is announced behind one frame and asked with the next: the
 * producer has just published that and stays for a moment, so the answer comes within a microsecond
 * or so. One that comes later is worth what it is worth; see clock_offset.h.
 */
#ifndef ORIEL_CLOCK_QUESTION_H
#define ORIEL_CLOCK_QUESTION_H

#include "clock_offset.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_MEET_NS   (20 * NS_PER_US)  /* the longest wait for an answer, one a question */
#define CLOCK_EARLY_NS  (25 * NS_PER_MS)  /* between questions until one was answered at once */
#define CLOCK_STEADY_NS (250 * NS_PER_MS) /* and the offset is known */

struct ring_reader;

struct clock_question {
	struct clock_offset offset;
	bool has_counter;
	bool is_open;       /* not answered yet */
	bool has_met;       /* the last one that was not an announcement was answered at once */
	uint64_t own_epoch; /* of the attach that the rest is about */
	uint64_t number;    /* the word that was asked last */
	struct clock_reading asked; /* when that was */
	uint64_t announced_ns;      /* the last announcement */
};

/* Once; a new attach is noticed. */
void clock_question_init(struct clock_question *question);

/*
 * A frame was seen: asks what was announced.
 * order: our clocks, question (release); question in the answer (acquire), our clocks; pairs with
 *        ring_writer_answer()
 */
void clock_question_meet(struct clock_question *question, const struct ring_reader *reader);

/* The frame is done with: announces the next question if it is time for one. */
void clock_question_announce(struct clock_question *question, const struct ring_reader *reader);

#endif
