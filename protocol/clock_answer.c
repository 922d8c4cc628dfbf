/* SPDX-License-Identifier: MIT */
/*
 * A question is a word that is not 0 and not the one answered last. Its answer:
 *
 *   question (acquire) -> our clocks -> answer_ns, answer_tsc -> question (release)
 *
 * so that the clocks were read after it was asked, and who finds its question there finds the
 * answer that belongs to it. Model: protocol/model/clock.pml.
 */
#include "ring_writer.h"

#include <string.h>

void ring_writer_answer(struct ring_writer *writer)
{
	struct clock_answers *clocks = &writer->clocks;

	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		struct ring_clock_answer *answer = &writer->identity->clock_answers[i];
		uint64_t untrusted_question;
		struct clock_reading now;

		if (!writer->watch.consumers[i].epoch) {
			continue;
		}
		untrusted_question =
		        shared_load_u64(&consumer_watch_block(&writer->watch, i)->clock_question);
		if (untrusted_question == 0 || untrusted_question == clocks->answered[i]) {
			continue;
		}
		/* Pairs with the release of the question in ask(). */
		shared_fence_acquire();
		now = clock_read(clocks->has_counter);
		clocks->answered[i] = untrusted_question;
		shared_store_u64(&answer->answer_ns, now.ns);
		shared_store_u64(&answer->answer_tsc, now.counter);
		/* Pairs with the acquire of the question in collect(). */
		shared_store_release_u64(&answer->question, untrusted_question);
		shared_fence_release();
	}
}

/* Has somebody announced a question that we did not wait for yet? */
static bool is_announced(const struct ring_writer *writer)
{
	for (unsigned i = 0; i < RING_CONSUMERS_MAX; i++) {
		uint64_t last = writer->clocks.answered[i];

		if (writer->watch.consumers[i].epoch && (last & RING_QUESTION_SOON) &&
		        last != writer->clocks.awaited[i]) {
			return true;
		}
	}
	return false;
}

/* Each announcement is waited upon once. */
static void note_awaited(struct ring_writer *writer)
{
	memcpy(writer->clocks.awaited, writer->clocks.answered, sizeof(writer->clocks.awaited));
}

void ring_writer_linger(struct ring_writer *writer)
{
	struct clock_answers *clocks = &writer->clocks;
	uint64_t start_ns;
	uint64_t now_ns;
	uint64_t left_ns;

	if (ring_writer_is_deposed(writer)) {
		return;
	}
	ring_writer_answer(writer);
	if (!is_announced(writer)) {
		return;
	}
	start_ns = now_ns = clock_now_ns();
	if (clock_elapsed_ns(clocks->since_ns, start_ns) >= CLOCK_LINGER_EVERY_NS) {
		clocks->since_ns = start_ns;
		clocks->lingered_ns = 0;
	}
	left_ns = clock_elapsed_ns(clocks->lingered_ns, CLOCK_LINGER_SUM_NS);
	left_ns = left_ns < CLOCK_LINGER_NS ? left_ns : CLOCK_LINGER_NS;
	while (is_announced(writer) && now_ns - start_ns < left_ns &&
	        !ring_writer_is_deposed(writer)) {
		ring_writer_answer(writer);
		now_ns = clock_now_ns();
	}
	clocks->lingered_ns += now_ns - start_ns;
	note_awaited(writer);
}
