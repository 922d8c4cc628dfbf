/* SPDX-License-Identifier: MIT */
/*
 * The same between a real producer and a real consumer of one ring: the code that guest-capture and
 * host-viewer wait and publish with, small frames, a doorbell of eventfds that both inherited.
 */
#include "wake_pair.h"

#include "liveness.h"
#include "pixel_format.h"
#include "ring_wake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIDE         64u /* pixels: what is measured is the waking, not the copy */
#define STRIDE       (SIDE * 4u)
#define SLOTS        4u
#define REGION_BYTES ((size_t)1 << 20)
#define PEER_WAKER   1u
#define PEER_WAITER  2u
#define ATTACH_NS    (2 * NS_PER_S)

/* Where one side of the pair can be rung, and how it rings the other. */
struct pair_bell {
	struct doorbell doorbell;
	int other;
};

static int pair_ring(struct doorbell *doorbell, unsigned peer, unsigned vector)
{
	(void)peer;
	(void)vector;
	return eventfd_write(((struct pair_bell *)doorbell)->other, 1);
}

static const struct doorbell_ops pair_ops = { .name = "pair", .ring = pair_ring };

static struct pair_bell bell_of(const struct wake_pair *pair, unsigned peer)
{
	int waiters = pair->bell;
	int wakers = pair->bell_two;

	return (struct pair_bell) {
		.doorbell = { .ops = &pair_ops,
		        .peer = peer,
		        .fd = peer == PEER_WAITER ? waiters : wakers },
		.other = peer == PEER_WAITER ? wakers : waiters,
	};
}

static bool prepare_ring(struct wake_pair *pair, struct complaint *why)
{
	pair->memory =
	        mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pair->memory == MAP_FAILED) {
		pair->memory = NULL;
		complain(why, "no memory for a ring");
		return false;
	}
	memset(pair->memory, 0, REGION_BYTES);
	return true;
}

static void finish_ring(struct wake_pair *pair)
{
	if (pair->memory) {
		munmap(pair->memory, REGION_BYTES);
	}
}

struct producer {
	struct ring_writer writer;
	struct heartbeat heartbeat;
	struct pair_bell bell;
	struct copier copier;
	uint8_t pixels[SIDE * STRIDE];
};

static bool open_producer(struct producer *producer, const struct wake_pair *pair)
{
	const struct ring_writer_config config = {
		.slot_count = SLOTS,
		.version_text = "bench",
		.doorbell = pair->which->has_doorbell ? &producer->bell.doorbell : NULL,
	};

	producer->bell = bell_of(pair, PEER_WAKER);
	return copier_init(&producer->copier, COPY_IN) == 0 &&
	       ring_writer_occupy(&producer->writer,
	               ring_memory_of_region(pair->memory, REGION_BYTES), true) == OCCUPY_OK &&
	       ring_writer_open(&producer->writer, &config) == 0 &&
	       heartbeat_start(&producer->heartbeat, &producer->writer.identity->heartbeat) == 0;
}

static bool await_consumer(struct producer *producer)
{
	uint64_t end_ns = clock_now_ns() + ATTACH_NS;

	while (clock_now_ns() < end_ns) {
		(void)ring_writer_tend(&producer->writer, clock_now_ns());
		if (ring_writer_consumers(&producer->writer, clock_now_ns()) > 0) {
			return true;
		}
		clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
	}
	return false;
}

static void publish(struct producer *producer)
{
	struct frame frame = {
		.info = { pixel_format_by_name("xrgb8888")->fourcc, SIDE, SIDE, STRIDE },
	};
	enum writer_result result;

	(void)ring_writer_tend(&producer->writer, clock_now_ns());
	result = ring_writer_begin(&producer->writer, &frame.info, clock_now_ns());
	assert(result == WRITER_OK);
	ring_writer_copy(&producer->writer, &producer->copier, producer->pixels, NULL);
	frame.times.published_ns = clock_now_ns();
	(void)ring_writer_publish(&producer->writer, &frame);
}

static void wake_by_ring(struct wake_pair *pair)
{
	unsigned total = wake_pair_total(pair->which, pair->plan);
	struct producer *producer = calloc(1, sizeof(*producer));

	if (producer && open_producer(producer, pair) && await_consumer(producer)) {
		wakeup_sharpen();
		pair->start_ns = clock_now_ns();
		for (unsigned i = 0; i < total; i++) {
			wake_pair_pause(pair, i);
			publish(producer);
		}
		/* Its last look; then it finds that it is over. */
		clock_sleep_until_ns(clock_now_ns() + 20 * NS_PER_MS);
		shared_store_u64(&pair->page->rings, producer->bell.doorbell.rings);
	}
	if (producer) {
		heartbeat_stop(&producer->heartbeat);
		copier_finish(&producer->copier);
	}
	free(producer);
}

struct follower {
	struct wake_pair *pair;
	struct ring_reader reader;
	struct heartbeat heartbeat;
	struct pair_bell bell;
	struct wakeup wakeup;
	struct copier copier;
	uint8_t pixels[SIDE * STRIDE];
};

static bool attach(struct follower *follower, const struct wake_pair *pair)
{
	struct ring_memory memory = ring_memory_of_region(pair->memory, REGION_BYTES);
	const struct ring_reader_config config = {
		.g = { pair->memory, REGION_BYTES },
		.h = memory.h,
		.mode = READER_LATEST,
		.doorbell = pair->which->has_doorbell ? &follower->bell.doorbell : NULL,
	};
	uint64_t end_ns = clock_now_ns() + ATTACH_NS;
	struct ring_header header;

	follower->bell = bell_of(pair, PEER_WAITER);
	while (region_header_read(config.g, &header) != HEADER_GOOD) {
		if (clock_now_ns() >= end_ns) {
			return false;
		}
		clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
	}
	ring_reader_attach(&follower->reader, &config, &header);
	return copier_init(&follower->copier, COPY_OUT) == 0 &&
	       heartbeat_start(&follower->heartbeat, ring_reader_heartbeat(&follower->reader)) == 0;
}

static bool news(void *argument)
{
	return ring_reader_has_news(&((struct follower *)argument)->reader);
}

static void arm(void *argument)
{
	ring_reader_arm(&((struct follower *)argument)->reader);
}

static void disarm(void *argument)
{
	ring_reader_disarm(&((struct follower *)argument)->reader);
}

/* Takes what is there, as the viewer would. */
static void take(struct follower *follower, uint64_t seen_ns, bool has_slept)
{
	struct wake_pair *pair = follower->pair;
	struct frame frame;

	if (ring_reader_claim(&follower->reader, &frame) != READER_FRAME ||
	        ring_reader_copy(&follower->reader, &follower->copier, follower->pixels, &frame) !=
	                READER_FRAME) {
		return;
	}
	wakeup_learn(&follower->wakeup, frame.sequence, frame.times.published_ns, seen_ns);
	if (has_slept || pair->which->counts_all) {
		wake_pair_keep(pair, frame.times.published_ns, seen_ns);
	} else {
		pair->page->missed++;
	}
}

static void follow(struct follower *follower)
{
	const struct wakeup_wish wish = { news, arm, disarm, follower };
	struct wakeup *wakeup = &follower->wakeup;

	while (!wake_pair_is_over(follower->pair)) {
		uint64_t sleeps = wakeup->counts.sleeps;

		wakeup_listen(wakeup, ring_reader_will_be_rung(&follower->reader)
		                              ? &follower->bell.doorbell
		                              : NULL);
		if (wakeup_wait(wakeup, &wish, WAKEUP_LIMIT_NS) == WAKEUP_NEWS) {
			take(follower, clock_now_ns(), wakeup->counts.sleeps != sleeps);
		}
	}
}

static void wait_for_ring(struct wake_pair *pair)
{
	struct follower *follower = calloc(1, sizeof(*follower));

	if (!follower || !attach(follower, pair)) {
		_exit(1);
	}
	follower->pair = pair;
	wakeup_init(&follower->wakeup, pair->which->way, NS_PER_MS);
	wakeup_sharpen();
	follow(follower);
	pair->page->counts = follower->wakeup.counts;
	pair->page->missed += follower->reader.counts.skipped;
	heartbeat_stop(&follower->heartbeat);
	copier_finish(&follower->copier);
	free(follower);
}

#define RING_CASE(the_name, the_what, the_pace, the_way, doorbell, all) \
	{ \
		.name = (the_name), .what = (the_what), .pace = (the_pace), .way = (the_way), \
		.has_doorbell = (doorbell), .counts_all = (all), .prepare = prepare_ring, \
		.wait = wait_for_ring, .wake = wake_by_ring, .finish = finish_ring, \
	}

const struct wake_case wake_ring_rung = RING_CASE(
        "rung", "ring: published -> rung awake", WAKE_RANDOM, WAKEUP_DOORBELL, true, false);
const struct wake_case wake_ring_spin = RING_CASE("spin",
        "ring: published -> seen by a spinning viewer", WAKE_BUSY, WAKEUP_SPIN, false, true);
const struct wake_case wake_ring_steady = RING_CASE(
        "poll", "ring: published -> seen by polling", WAKE_STEADY, WAKEUP_POLL, false, true);
const struct wake_case wake_ring_jittered = RING_CASE("poll-jitter",
        "ring: the same, the producer jitters", WAKE_JITTERED, WAKEUP_POLL, false, true);
const struct wake_case wake_ring_frames = RING_CASE("frames",
        "ring: published -> rung awake, at a fixed rate", WAKE_STEADY, WAKEUP_DOORBELL, true, true);
