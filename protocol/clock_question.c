/* SPDX-License-Identifier: MIT */
/*
 * Numbers of questions begin where no earlier owner of the block is likely to have been, so that
 * its last answer is not taken for one of ours. Odd ones announce the next, which is even; both are
 * answered. Model: protocol/model/clock.pml.
 */
#include "clock_question.h"

#include "ring_reader.h"

void clock_question_init(struct clock_question *question)
{
	*question = (struct clock_question) { .has_counter = clock_has_counter() };
}

/* Is this the attach that we know? Else begins anew. returns: false when there is nobody to ask */
static bool follow_attach(struct clock_question *question, const struct ring_reader *reader)
{
	if (!reader->block) {
		return false;
	}
	if (question->own_epoch != reader->own_epoch) {
		*question = (struct clock_question) {
			.has_counter = question->has_counter,
			.own_epoch = reader->own_epoch,
			.number = ring_random_epoch() & ~RING_QUESTION_SOON,
		};
	}
	/* A block with a foreign epoch is somebody else's: hands off. */
	return shared_load_u64(&reader->block->epoch) == reader->own_epoch;
}

static void ask(struct clock_question *question, const struct ring_reader *reader, uint64_t number)
{
	question->number = number;
	question->is_open = true;
	question->asked = clock_read(question->has_counter);
	/* Pairs with the acquire fence in ring_writer_answer(): it reads its clocks after us. */
	shared_store_release_u64(&reader->block->clock_question, number);
	shared_fence_release();
}

/* returns: true when the answer is there, and was taken into account */
static bool collect(struct clock_question *question, const struct ring_reader *reader)
{
	const struct ring_clock_answer *answer =
	        &reader->identity->clock_answers[reader->grant - reader->identity->grants];
	struct clock_exchange exchange = { .asked = question->asked };

	/* Pairs with the release of the question in ring_writer_answer(). */
	if (!question->is_open || shared_load_acquire_u64(&answer->question) != question->number) {
		return false;
	}
	exchange.seen = clock_read(question->has_counter);
	exchange.answered.ns = shared_load_u64(&answer->answer_ns);
	exchange.answered.counter = shared_load_u64(&answer->answer_tsc);
	question->is_open = false;
	clock_offset_add(&question->offset, &exchange);
	return true;
}

void clock_question_meet(struct clock_question *question, const struct ring_reader *reader)
{
	uint64_t until_ns;

	if (!follow_attach(question, reader)) {
		return;
	}
	collect(question, reader);
	if (!(question->number & RING_QUESTION_SOON)) {
		return;
	}
	/* 0 is no question. */
	ask(question, reader, question->number + 1 ? question->number + 1 : 2);
	until_ns = question->asked.ns + CLOCK_MEET_NS;
	do {
		question->has_met = collect(question, reader);
	} while (!question->has_met && clock_now_ns() < until_ns);
}

void clock_question_announce(struct clock_question *question, const struct ring_reader *reader)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t bound_ns;
	bool is_steady;

	if (!follow_attach(question, reader)) {
		return;
	}
	collect(question, reader);
	is_steady = question->has_met && clock_offset_bound(&question->offset, now_ns, &bound_ns);
	if (clock_elapsed_ns(question->announced_ns, now_ns) >=
	        (is_steady ? CLOCK_STEADY_NS : CLOCK_EARLY_NS)) {
		question->announced_ns = now_ns;
		ask(question, reader, (question->number + 1) | RING_QUESTION_SOON);
	}
}
