/* SPDX-License-Identifier: MIT */
/*
 * hammer news|pointer|space [--seed N] [--rounds N | --long]
 *
 * Nobody who sleeps is forgotten: one thread goes to sleep on the ring, another one gives it what
 * it waits for, at about the same moment, as often as possible. The ring is the real one.
 *
 *   news    a consumer sleeps until a frame comes (ring_reader_arm, ring_writer_wake)
 *   pointer a consumer sleeps until the pointer moves (ring_reader_arm,
 *           ring_writer_wake_pointer)
 *   space   a lossless producer sleeps until a slot is free (ring_writer_arm_space,
 *           ring_reader_wake)
 *
 * The sleep has no limit. Most rounds sleep by watching a number of rings in private memory, which
 * is so quick that both sides meet within the few instructions that matter; one in REAL_IN sleeps
 * in wakeup_wait() on an eventfd. A wake-up is lost when the giver is through with its round and
 * the sleeper, which slept while that happened, was not rung: a fact, however slow the machine is.
 *
 * What the two threads tell each other beside the ring is stored and loaded without a full fence,
 * lest it stand in for a missing one.
 */
#include "anvil.h"
#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ROUNDS      UINT64_C(1000000)
#define ROUNDS_LONG UINT64_C(10000000)
#define REAL_IN     64u
#define YIELD_IN    4096u
#define WATCHDOG_NS (60 * NS_PER_S) /* nobody moves any more: a hang, whatever it is */
/* Looks after which others may have the CPU: soon, if the other side waits for this one; late, if
 * it has one of its own and needs a few instructions more. */
#define LOOKS_ALONE  (1u << 16)
#define LOOKS_SHARED (1u << 6)

struct hammer;

struct bell {
	struct doorbell doorbell;
	struct hammer *hammer;
};

struct hammer {
	/* One writer each. */
	alignas(64) atomic_uint_fast64_t ready; /* the sleeper's round */
	alignas(64) atomic_uint_fast64_t done;  /* the giver's last whole round, with its ring */
	alignas(64) atomic_uint_fast64_t rings; /* of the giver, for the sleeper */
	/* the sleeper's */
	alignas(64) uint64_t sleeper_dice;
	struct wakeup wakeup;
	uint64_t rings_taken;
	uint64_t rings_at_arm;
	uint64_t sleeps_at_arm;
	uint64_t cheap_sleeps;
	uint64_t cheap_spurious;
	uint64_t second_looks; /* that found something */
	/* the giver's */
	alignas(64) uint64_t giver_dice;
	uint64_t giver_round;
	/* constant */
	alignas(64) struct bell bells[ANVIL_SIDES];
	const struct anvil_kind *kind;
	cpu_set_t cpus;
	bool settled; /* each side on a CPU of its own */
	uint64_t rounds;
	uint64_t seed;
	struct anvil anvil;
};

/* Counters with one writer: a plain store and a plain load on x86. */
static void tell(atomic_uint_fast64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_release);
}

static uint64_t hear(atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_acquire);
}

__attribute__((noreturn)) static void fail(struct hammer *hammer, const char *what)
{
	anvil_fail("round %" PRIu64 ", given %" PRIu64 ", %" PRIu64 " rings: %s",
	        hear(&hammer->ready), hear(&hammer->done), hear(&hammer->rings), what);
}

static uint64_t roll(uint64_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return *dice;
}

/*
 * From nothing to about a microsecond, short ones as often as long ones, and without a fence; now
 * and then for as long as the other side likes, which is all it can be where there is one CPU.
 */
static void dawdle(uint64_t *dice)
{
	uint64_t n = roll(dice);

	if (n >> 48 < UINT16_MAX / YIELD_IN) {
		sched_yield();
	}
	for (n = (n >> 8) % (UINT64_C(4) << n % 10); n > 0; n--) {
		__asm__ volatile("" : : : "memory");
	}
}

/* On one CPU the two would meet in no instruction. */
static void settle(const struct hammer *hammer, int side)
{
	cpu_set_t own;
	int left = side;

	for (int i = 0; hammer->settled && i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &hammer->cpus) && left-- == 0) {
			CPU_ZERO(&own);
			CPU_SET(i, &own);
			(void)sched_setaffinity(0, sizeof(own), &own);
		}
	}
}

static void make_room(struct hammer *hammer, uint64_t looks, uint64_t start_ns)
{
	if (looks % (hammer->settled ? LOOKS_ALONE : LOOKS_SHARED) == 0) {
		sched_yield();
		if (clock_elapsed_ns(start_ns, clock_now_ns()) > WATCHDOG_NS) {
			fail(hammer, "the other side stands still");
		}
	}
}

/* Both sides know it from the number. */
static bool is_real(uint64_t round)
{
	return round % REAL_IN == 0;
}

static int bell_ring(struct doorbell *doorbell, unsigned peer, unsigned vector)
{
	struct hammer *hammer = ((struct bell *)doorbell)->hammer;
	const struct doorbell *sleeper = &hammer->bells[hammer->kind->sleeper].doorbell;
	uint64_t one = 1;

	if (hammer->giver_round == 0) {
		return 0; /* The consumer says that it is here. */
	}
	if (peer != sleeper->peer || vector != sleeper->vector || doorbell == sleeper) {
		fail(hammer, "the wrong one was rung");
	}
	if (is_real(hammer->giver_round) && write(sleeper->fd, &one, sizeof(one)) != sizeof(one)) {
		fail(hammer, "an eventfd cannot be written");
	}
	tell(&hammer->rings, hear(&hammer->rings) + 1);
	return 0;
}

static void bell_close(struct doorbell *doorbell)
{
	close(doorbell->fd);
}

static const struct doorbell_ops bell_ops = {
	.name = "hammer",
	.ring = bell_ring,
	.close = bell_close,
};

/* We slept and were not rung; was that because the giver is not through yet? */
static void judge_sleep(struct hammer *hammer, uint64_t rings_before)
{
	if (hear(&hammer->done) >= hear(&hammer->ready) && hear(&hammer->rings) == rings_before) {
		fail(hammer, "a wake-up was lost");
	}
}

static void sleep_until_rung(struct hammer *hammer)
{
	uint64_t start_ns = clock_now_ns();

	hammer->cheap_sleeps++;
	for (uint64_t looks = 1; hear(&hammer->rings) == hammer->rings_taken; looks++) {
		judge_sleep(hammer, hammer->rings_taken);
		make_room(hammer, looks, start_ns);
	}
}

/* As wakeup_wait(), without its limits and without a system call. */
static void wait_cheaply(struct hammer *hammer)
{
	const struct wakeup_wish *wish = &hammer->kind->wish;
	bool found = wish->holds(&hammer->anvil);

	while (!found) {
		dawdle(&hammer->sleeper_dice);
		wish->arm(&hammer->anvil);
		found = wish->holds(&hammer->anvil);
		hammer->second_looks += found;
		if (!found) {
			sleep_until_rung(hammer);
			found = wish->holds(&hammer->anvil);
			hammer->rings_taken = hear(&hammer->rings);
			hammer->cheap_spurious += !found;
		}
		wish->disarm(&hammer->anvil);
	}
}

static bool real_holds(void *argument)
{
	struct hammer *hammer = argument;

	return hammer->kind->wish.holds(&hammer->anvil);
}

static void real_arm(void *argument)
{
	struct hammer *hammer = argument;

	dawdle(&hammer->sleeper_dice);
	hammer->rings_at_arm = hear(&hammer->rings);
	hammer->sleeps_at_arm = hammer->wakeup.counts.sleeps;
	hammer->kind->wish.arm(&hammer->anvil);
}

static void real_disarm(void *argument)
{
	struct hammer *hammer = argument;

	if (hammer->wakeup.counts.sleeps != hammer->sleeps_at_arm) {
		judge_sleep(hammer, hammer->rings_at_arm);
	}
	hammer->kind->wish.disarm(&hammer->anvil);
}

static void wait_really(struct hammer *hammer)
{
	const struct wakeup_wish wish = { real_holds, real_arm, real_disarm, hammer };
	uint64_t start_ns = clock_now_ns();

	while (wakeup_wait(&hammer->wakeup, &wish, UINT64_MAX) != WAKEUP_NEWS) {
		if (clock_elapsed_ns(start_ns, clock_now_ns()) > WATCHDOG_NS) {
			fail(hammer, "nothing is given");
		}
	}
}

static bool never(void *argument)
{
	(void)argument;
	return false;
}

/* A wait that comes to nothing, so that the next one does not spin first. */
static void calm_down(struct hammer *hammer)
{
	const struct wakeup_wish wish = { never, NULL, NULL, NULL };

	(void)wakeup_wait(&hammer->wakeup, &wish, 0);
}

static void *sleeper_run(void *argument)
{
	struct hammer *hammer = argument;

	settle(hammer, ANVIL_CONSUMER);
	wakeup_sharpen();
	for (uint64_t round = 1; round <= hammer->rounds; round++) {
		if (is_real(round)) {
			calm_down(hammer);
		}
		tell(&hammer->ready, round);
		dawdle(&hammer->sleeper_dice);
		if (is_real(round)) {
			wait_really(hammer);
		} else {
			wait_cheaply(hammer);
		}
		hammer->kind->use(&hammer->anvil);
	}
	return NULL;
}

static void giver_run(struct hammer *hammer)
{
	for (uint64_t round = 1; round <= hammer->rounds; round++) {
		uint64_t start_ns = clock_now_ns();

		hammer->kind->prepare(&hammer->anvil);
		hammer->giver_round = round;
		for (uint64_t looks = 1; hear(&hammer->ready) < round; looks++) {
			make_room(hammer, looks, start_ns);
		}
		dawdle(&hammer->giver_dice);
		hammer->kind->give(&hammer->anvil);
		tell(&hammer->done, round);
	}
}

static void set_up_bells(struct hammer *hammer)
{
	for (unsigned i = 0; i < ANVIL_SIDES; i++) {
		hammer->bells[i] = (struct bell) {
			.doorbell = { .ops = &bell_ops,
			        .peer = 10 + i,
			        .vector = i,
			        .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) },
			.hammer = hammer,
		};
		if (hammer->bells[i].doorbell.fd < 0) {
			fail(hammer, "no eventfd");
		}
	}
	wakeup_init(&hammer->wakeup, WAKEUP_DOORBELL, NS_PER_MS);
	wakeup_listen(&hammer->wakeup, &hammer->bells[hammer->kind->sleeper].doorbell);
}

static void run(struct hammer *hammer)
{
	const struct wakeup_counts *counts = &hammer->wakeup.counts;
	pthread_t sleeper;

	if (pthread_create(&sleeper, NULL, sleeper_run, hammer) != 0) {
		fail(hammer, "no thread");
	}
	settle(hammer, ANVIL_PRODUCER);
	giver_run(hammer);
	pthread_join(sleeper, NULL);
	printf("%" PRIu64 " rings; %" PRIu64 " cheap sleeps, %" PRIu64 " spurious, %" PRIu64
	       " saved by the second look; %" PRIu64 " real sleeps, %" PRIu64 " rung, %" PRIu64
	       " spurious, %" PRIu64 " masks\n",
	        hear(&hammer->rings), hammer->cheap_sleeps, hammer->cheap_spurious,
	        hammer->second_looks, counts->sleeps, counts->rung, counts->spurious,
	        counts->masks);
	/* Who never sleeps is never forgotten. */
	if (hammer->cheap_sleeps < hammer->rounds / 1000 ||
	        counts->rung < hammer->rounds / 1000 / REAL_IN) {
		fail(hammer, "hardly anybody slept");
	}
}

static bool parse(struct hammer *hammer, int count, char **words)
{
	hammer->kind = anvil_find(count > 1 ? words[1] : "");
	hammer->rounds = ROUNDS;
	hammer->seed = clock_now_ns() % 1000000007;
	for (int i = 2; i < count; i++) {
		if (strcmp(words[i], "--long") == 0) {
			hammer->rounds = ROUNDS_LONG;
		} else if (strcmp(words[i], "--seed") == 0 && i + 1 < count) {
			hammer->seed = strtoull(words[++i], NULL, 0);
		} else if (strcmp(words[i], "--rounds") == 0 && i + 1 < count) {
			hammer->rounds = strtoull(words[++i], NULL, 0);
		} else {
			return false;
		}
	}
	return hammer->kind != NULL;
}

int main(int count, char **words)
{
	static struct hammer hammer;

	if (!parse(&hammer, count, words)) {
		fprintf(stderr,
		        "usage: hammer news|pointer|space [--seed N] [--rounds N | --long]\n");
		return 2;
	}
	log_init("hammer", LOG_LEVEL_WARNING);
	printf("%s --seed %" PRIu64 " --rounds %" PRIu64 "\n", hammer.kind->name, hammer.seed,
	        hammer.rounds);
	/* Never 0. */
	hammer.sleeper_dice = hammer.seed * 2 + 1;
	hammer.giver_dice = hammer.seed * 4 + 7;
	hammer.settled = sched_getaffinity(0, sizeof(hammer.cpus), &hammer.cpus) == 0 &&
	                 CPU_COUNT(&hammer.cpus) >= ANVIL_SIDES;
	set_up_bells(&hammer);
	anvil_open(&hammer.anvil, hammer.kind, &hammer.bells[ANVIL_PRODUCER].doorbell,
	        &hammer.bells[ANVIL_CONSUMER].doorbell);
	run(&hammer);
	anvil_close(&hammer.anvil);
	for (unsigned i = 0; i < ANVIL_SIDES; i++) {
		doorbell_close(&hammer.bells[i].doorbell);
	}
	printf("passed\n");
	return 0;
}
