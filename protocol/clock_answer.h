/* SPDX-License-Identifier: MIT */
/*
 * The producer's half of the clocks' questions and answers: says what its clocks show whenever it
 * looks at its consumers and finds a question. It never waits for one that was not announced, and
 * is not woken for any.
 *
 * Used by ring_writer.c; a capture loop calls ring_writer_linger() besides, for answers that are
 * worth more.
 */
#ifndef ORIEL_CLOCK_ANSWER_H
#define ORIEL_CLOCK_ANSWER_H

#include "clock_reading.h"
#include "layout.h"

#define CLOCK_LINGER_NS (250 * NS_PER_US) /* the longest wait for a question, behind one frame */
/* Whatever consumers announce, a producer waits no longer than this in each such time. */
#define CLOCK_LINGER_SUM_NS   NS_PER_MS
#define CLOCK_LINGER_EVERY_NS (250 * NS_PER_MS)

struct ring_writer;

/* All zero to begin with, but for has_counter. */
struct clock_answers {
	bool has_counter;
	uint64_t answered[RING_CONSUMERS_MAX]; /* the last question of each block */
	uint64_t awaited[RING_CONSUMERS_MAX];  /* the last announcement that was waited upon */
	uint64_t since_ns;                     /* what was lingered since then: */
	uint64_t lingered_ns;
};

/*
 * Answers whoever asked since the last time. The caller has seen that it is not deposed.
 * order: question (acquire), our clocks, answer, question (release); pairs with clock_question.c
 */
void ring_writer_answer(struct ring_writer *writer);

/*
 * Right after a publish: a consumer that announced a question will ask it as soon as it sees the
 * frame. Stays to answer it at once, which tells the clocks' offset to about a microsecond.
 */
void ring_writer_linger(struct ring_writer *writer);

#endif
