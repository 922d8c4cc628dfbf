/* SPDX-License-Identifier: MIT */
/*
 * How far the clocks of two machines that share memory are apart: one side asks for the other's
 * CLOCK_MONOTONIC through two words and takes the answer that came back soonest. The answer was
 * taken some time within that round trip, so the offset is right to half of it.
 *
 *   clock-pair answer REGION     answers, and ends when nobody asks any more
 *   clock-pair ask REGION        {"at_ns": .., "offset_ns": theirs - ours, "bound_ns": .., ...}
 *
 * The words lie where the last slot of a ring with small frames is never used; nothing else may
 * start on the region meanwhile.
 */
#include "clock.h"
#include "exit_code.h"
#include "layout.h"
#include "log.h"
#include "region.h"
#include "region_header.h"
#include "stop.h"
#include "wakeup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUESTIONS 20000u
#define FIRST_NS  (20 * NS_PER_S) /* the other side may have to boot a program first */
#define NEXT_NS   (2 * NS_PER_S)
#define ROOM      UINT64_C(4096)

struct clock_words {
	shared_u64 question; /* who asks: another number each time */
	uint8_t apart[56];
	shared_u64 answer; /* who answers: the question's number, stored last */
	shared_u64 answer_ns;
};

static int answer(struct clock_words *words)
{
	uint64_t last = shared_load_u64(&words->answer);
	uint64_t until_ns = clock_now_ns() + FIRST_NS;
	bool has_answered = false;

	while (!stop_requested()) {
		uint64_t question = shared_load_acquire_u64(&words->question);
		uint64_t now_ns = clock_now_ns();

		if (question != last) {
			shared_store_u64(&words->answer_ns, now_ns);
			shared_store_release_u64(&words->answer, question);
			shared_fence_release();
			last = question;
			has_answered = true;
			until_ns = now_ns + NEXT_NS;
		} else if (now_ns >= until_ns) {
			break;
		}
	}
	return has_answered ? EXIT_GOOD : EXIT_NO_PEER;
}

/* returns: how long it took, 0: no answer in time */
static uint64_t ask_once(
        struct clock_words *words, uint64_t number, uint64_t limit_ns, int64_t *offset_ns)
{
	uint64_t asked_ns = clock_now_ns();
	uint64_t now_ns = asked_ns;

	shared_store_release_u64(&words->question, number);
	shared_fence_release();
	while (shared_load_acquire_u64(&words->answer) != number) {
		now_ns = clock_now_ns();
		if (now_ns - asked_ns >= limit_ns || stop_requested()) {
			return 0;
		}
	}
	now_ns = clock_now_ns();
	*offset_ns = (int64_t)(shared_load_u64(&words->answer_ns) -
	                       (asked_ns + (now_ns - asked_ns) / 2));
	return now_ns - asked_ns;
}

static int ask(struct clock_words *words)
{
	/* Nobody's last question. */
	uint64_t number = clock_now_ns();
	uint64_t limit_ns = FIRST_NS;
	uint64_t best_ns = UINT64_MAX;
	uint64_t at_ns = 0;
	int64_t best = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		int64_t offset_ns;
		uint64_t took_ns = ask_once(words, ++number, limit_ns, &offset_ns);

		if (took_ns == 0) {
			log_error("no answer; run 'clock-pair answer' on the other side");
			return EXIT_NO_PEER;
		}
		if (took_ns < best_ns) {
			best_ns = took_ns;
			best = offset_ns;
			at_ns = clock_now_ns();
		}
		limit_ns = NEXT_NS;
	}
	printf("{\"at_ns\": %" PRIu64 ", \"offset_ns\": %" PRId64 ", \"bound_ns\": %" PRIu64
	       ", \"questions\": %u}\n",
	        at_ns, best, best_ns / 2 + 1, QUESTIONS);
	return EXIT_GOOD;
}

int main(int argc, char **argv)
{
	struct region region;
	struct complaint why;
	int code;

	log_init("clock-pair", LOG_LEVEL_INFO);
	if (argc != 3 || (strcmp(argv[1], "ask") != 0 && strcmp(argv[1], "answer") != 0)) {
		log_error("usage: clock-pair ask|answer REGION");
		return EXIT_USAGE;
	}
	stop_on_signals();
	if (region_open(&region, argv[2], REGION_WRITE, region_header_recognise, &why) < 0) {
		log_error("%s: %s", argv[2], why.text);
		return EXIT_REGION;
	}
	code = (strcmp(argv[1], "ask") == 0 ? ask : answer)(
	        (void *)(region.bytes + region.size - RING_FEEDBACK_SIZE - ROOM));
	region_close(&region);
	return code;
}
