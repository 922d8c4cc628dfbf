/* SPDX-License-Identifier: MIT */
/*
 * Rings and is rung, in a guest or on its host: ring_doorbell REGION WORD...
 *
 *   bell                 opens the region's doorbell: "peer 3 hears", or "peer 3 is deaf: why"
 *   reopen               closes the region, and opens it again without a doorbell
 *   ring PEER VECTOR     waits until such a peer is known: "rang 3 0"
 *   wait                 waits to be rung: "rung"
 *   silent MS            nobody may ring meanwhile: "silent"
 *   echo COUNT PEER      so often: waits to be rung, rings back: "echoed 100"
 *   bounce COUNT PEER    so often: rings, waits to be rung: "bounced 100, min 20.1 us, p50 33.0 us"
 *   store PLACE NUMBER   into the shared memory
 *   until PLACE NUMBER   waits until it is there: "place 0 holds 7"
 *
 * Exit codes: 0; 1 what was waited for did not come; 2 usage; 3 no such region or doorbell.
 */
#include "doorbell.h"
#include "region.h"
#include "samples.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS    (60 * NS_PER_S)
#define FIRST_PLACE    4096u /* byte; u64 from there on */
#define PLACES         64u
#define ARGUMENTS_MAX  2
#define LOOK_AGAIN_NS  (2 * NS_PER_MS)
#define CODE_NOT_COME  1
#define CODE_USAGE     2
#define CODE_NO_REGION 3

struct hand {
	const char *address;
	struct region region;
	uint64_t arguments[ARGUMENTS_MAX];
};

static int open_region(struct hand *hand)
{
	struct complaint why;

	region_close(&hand->region);
	if (region_open(&hand->region, hand->address, REGION_WRITE, NULL, &why) == 0) {
		return 0;
	}
	fprintf(stderr, "%s: %s\n", hand->address, why.text);
	return CODE_NO_REGION;
}

static int do_bell(struct hand *hand)
{
	struct complaint why;
	const struct doorbell *doorbell;

	if (region_open_doorbell(&hand->region, &why) != 0) {
		fprintf(stderr, "no doorbell: %s\n", why.text);
		return CODE_NO_REGION;
	}
	doorbell = hand->region.doorbell;
	if (doorbell->fd >= 0) {
		printf("peer %u hears\n", doorbell->peer);
	} else {
		printf("peer %u is deaf: %s\n", doorbell->peer, doorbell->why_deaf.text);
	}
	return 0;
}

static int ring(struct hand *hand, uint64_t peer, uint64_t vector)
{
	uint64_t begun_ns = clock_now_ns();

	while (clock_now_ns() - begun_ns < PATIENCE_NS) {
		doorbell_turn(hand->region.doorbell, clock_now_ns());
		if (doorbell_ring(hand->region.doorbell, (uint32_t)peer, (uint32_t)vector) == 0) {
			return 0;
		}
		clock_sleep_until_ns(clock_now_ns() + LOOK_AGAIN_NS);
	}
	fprintf(stderr, "no peer %u\n", (unsigned)peer);
	return CODE_NOT_COME;
}

static int do_ring(struct hand *hand)
{
	int code = ring(hand, hand->arguments[0], hand->arguments[1]);

	if (code == 0) {
		printf("rang %u %u\n", (unsigned)hand->arguments[0], (unsigned)hand->arguments[1]);
	}
	return code;
}

/* Whether a ring came within so long. */
static bool hears(const struct hand *hand, uint64_t limit_ns)
{
	struct pollfd bell = { .fd = hand->region.doorbell->fd, .events = POLLIN };

	return poll(&bell, 1, (int)(limit_ns / NS_PER_MS)) == 1 &&
	       doorbell_drain(hand->region.doorbell) > 0;
}

static int do_wait(struct hand *hand)
{
	if (!hears(hand, PATIENCE_NS)) {
		fprintf(stderr, "nobody rang\n");
		return CODE_NOT_COME;
	}
	printf("rung\n");
	return 0;
}

static int do_silent(struct hand *hand)
{
	if (hears(hand, hand->arguments[0] * NS_PER_MS)) {
		fprintf(stderr, "somebody rang\n");
		return CODE_NOT_COME;
	}
	printf("silent\n");
	return 0;
}

static int do_echo(struct hand *hand)
{
	for (uint64_t i = 0; i < hand->arguments[0]; i++) {
		if (!hears(hand, PATIENCE_NS) || ring(hand, hand->arguments[1], 0) != 0) {
			fprintf(stderr, "echoed only %llu\n", (unsigned long long)i);
			return CODE_NOT_COME;
		}
	}
	printf("echoed %llu\n", (unsigned long long)hand->arguments[0]);
	return 0;
}

static int do_bounce(struct hand *hand)
{
	struct samples samples;
	uint64_t min_ns = 0;
	uint64_t half_ns = 0;
	int code = 0;

	samples_init(&samples);
	for (uint64_t i = 0; code == 0 && i < hand->arguments[0]; i++) {
		uint64_t begun_ns = clock_now_ns();

		if (ring(hand, hand->arguments[1], 0) != 0 || !hears(hand, PATIENCE_NS)) {
			fprintf(stderr, "bounced only %llu\n", (unsigned long long)i);
			code = CODE_NOT_COME;
		}
		samples_add(&samples, clock_now_ns() - begun_ns);
	}
	samples_percentile(&samples, 0, &min_ns);
	samples_percentile(&samples, 500, &half_ns);
	if (code == 0) {
		printf("bounced %zu, min %.1f us, p50 %.1f us\n", samples.count,
		        (double)min_ns / 1e3, (double)half_ns / 1e3);
	}
	samples_finish(&samples);
	return code;
}

static volatile uint64_t *place(struct hand *hand)
{
	uint64_t *places = (uint64_t *)(void *)(hand->region.bytes + FIRST_PLACE);

	return places + hand->arguments[0] % PLACES;
}

static int do_store(struct hand *hand)
{
	__atomic_store_n(place(hand), hand->arguments[1], __ATOMIC_SEQ_CST);
	return 0;
}

static int do_until(struct hand *hand)
{
	uint64_t begun_ns = clock_now_ns();

	while (__atomic_load_n(place(hand), __ATOMIC_SEQ_CST) != hand->arguments[1]) {
		if (clock_now_ns() - begun_ns >= PATIENCE_NS || region_was_lost(&hand->region)) {
			fprintf(stderr, "place %u never held %llu%s\n",
			        (unsigned)hand->arguments[0],
			        (unsigned long long)hand->arguments[1],
			        region_was_lost(&hand->region) ? ": the memory is lost" : "");
			return CODE_NOT_COME;
		}
		clock_sleep_until_ns(clock_now_ns() + LOOK_AGAIN_NS);
	}
	printf("place %u holds %llu\n", (unsigned)hand->arguments[0],
	        (unsigned long long)hand->arguments[1]);
	return 0;
}

static const struct word {
	const char *name;
	int arguments;
	bool needs_doorbell;
	bool needs_ears;
	int (*act)(struct hand *hand);
} words[] = {
	{ "bell", 0, false, false, do_bell },
	{ "reopen", 0, false, false, open_region },
	{ "ring", 2, true, false, do_ring },
	{ "wait", 0, true, true, do_wait },
	{ "silent", 1, true, true, do_silent },
	{ "echo", 2, true, true, do_echo },
	{ "bounce", 2, true, true, do_bounce },
	{ "store", 2, false, false, do_store },
	{ "until", 2, false, false, do_until },
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, name) == 0) {
			return &words[i];
		}
	}
	return NULL;
}

/* One word and its arguments, which it takes off the list. */
static int obey(struct hand *hand, char ***list)
{
	const struct word *word = find_word(*(*list)++);

	if (!word) {
		fprintf(stderr, "no such word: %s\n", (*list)[-1]);
		return CODE_USAGE;
	}
	for (int i = 0; i < word->arguments; i++) {
		if (!**list) {
			fprintf(stderr, "%s: arguments are missing\n", word->name);
			return CODE_USAGE;
		}
		hand->arguments[i] = strtoull(*(*list)++, NULL, 0);
	}
	if ((word->needs_doorbell && !hand->region.doorbell) ||
	        (word->needs_ears && hand->region.doorbell->fd < 0)) {
		fprintf(stderr, "%s: not without a doorbell that hears\n", word->name);
		return CODE_USAGE;
	}
	return word->act(hand);
}

int main(int argc, char **argv)
{
	struct hand hand = { .region = { .fd = -1 } };
	char **list = argv + 2;
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fprintf(stderr, "ring_doorbell REGION WORD...\n");
		return CODE_USAGE;
	}
	hand.address = argv[1];
	code = open_region(&hand);
	while (code == 0 && *list) {
		code = obey(&hand, &list);
	}
	region_close(&hand.region);
	return code;
}
