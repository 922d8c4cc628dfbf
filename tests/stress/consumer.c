/* SPDX-License-Identifier: MIT */
#include "consumer.h"

#include "clock.h"
#include "link.h"
#include "naps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY_NS (50 * NS_PER_US)  /* sleep when there is nothing */
#define SLOW_IN  8u                /* one frame in so many is read slowly */
#define LEASE_NS (200 * NS_PER_MS) /* a lease that is younger has to be honoured */

struct consumer {
	const struct consumer_plan *plan;
	struct stats *stats;
	struct consumer_stats *mine;
	struct link link;
	struct copier copier;
	uint8_t *pixels;
	uint8_t *expected;
	uint64_t capacity;
	uint64_t dice;
	uint64_t sessions;      /* of the link, when last looked at */
	uint64_t last_sequence; /* accepted in this session; 0 = none */
	uint64_t lost;          /* skipped, torn, stale and bad by then */
};

static uint64_t lost_so_far(const struct consumer *consumer)
{
	const struct ring_reader_counts *counts = &consumer->link.reader.counts;

	return counts->skipped + counts->torn + counts->stale + counts->bad;
}

static void check_order(struct consumer *consumer, const struct frame *frame)
{
	uint64_t lost = lost_so_far(consumer);

	if (frame->sequence <= consumer->last_sequence ||
	        frame->sequence - consumer->last_sequence - 1 != lost - consumer->lost) {
		consumer->mine->order++;
	}
	consumer->last_sequence = frame->sequence;
	consumer->lost = lost;
}

static void check_pixels(struct consumer *consumer, const struct frame *frame)
{
	struct frame_info info =
	        picture_info(&consumer->plan->pictures, frame->epoch, frame->sequence);

	if (!frame_info_equal(&info, &frame->info)) {
		consumer->mine->wrong_geometry++;
		return;
	}
	picture_draw(&info, frame->epoch, frame->sequence, consumer->expected);
	if (memcmp(frame->pixels, consumer->expected, frame_info_bytes(&info)) != 0) {
		consumer->mine->wrong_pixels++;
	}
}

/* dead: the newest session that was over before the reader took its last look. */
static void accept_frame(struct consumer *consumer, const struct frame *frame, uint64_t dead)
{
	struct consumer_stats *mine = consumer->mine;

	mine->early += !consumer->stats->producing;
	mine->wrong_epoch += frame->epoch != consumer->link.reader.epoch;
	mine->dead_epoch += frame->epoch <= EPOCH_TAG + dead;
	mine->recoveries += consumer->last_sequence == 0;
	check_order(consumer, frame);
	check_pixels(consumer, frame);
	mine->session = frame->epoch - EPOCH_TAG;
	mine->accepted++;
}

static void linger(struct consumer *consumer)
{
	if (consumer->plan->slow_ns == 0) {
		return;
	}
	consumer->dice = picture_mix(consumer->dice);
	if (consumer->dice % (consumer->plan->slow_in ? consumer->plan->slow_in : SLOW_IN) == 0) {
		clock_sleep_until_ns(
		        clock_now_ns() + (consumer->dice >> 8) % consumer->plan->slow_ns);
	}
}

static void publish_counts(struct consumer *consumer)
{
	const struct ring_reader_counts counts = link_counts(&consumer->link);
	struct consumer_stats *mine = consumer->mine;

	mine->verified = counts.verified;
	mine->skipped = counts.skipped;
	mine->torn = counts.torn;
	mine->stale = counts.stale;
	mine->bad = counts.bad;
	mine->before_first = counts.before_first;
	mine->in_ring = link_in_ring(&consumer->link);
	mine->unreconciled += !link_counts_reconcile(&consumer->link);
}

static void let_go(struct consumer *consumer, uint32_t bye)
{
	link_drop(&consumer->link, bye);
	publish_counts(consumer);
}

/* A new session wipes all slots, leased or not, but not before it took back the old epoch. */
static void judge_torn(struct consumer *consumer, uint64_t since_ns)
{
	const struct ring_reader *reader = &consumer->link.reader;
	bool fresh = clock_elapsed_ns(since_ns, clock_now_ns()) < LEASE_NS;
	bool lives = shared_load_u64(&reader->identity->epoch) == reader->epoch;

	if (fresh && lives && consumer->plan->mode != READER_OBSERVE) {
		consumer->mine->torn_leased++;
	}
}

static void copy_frame(struct consumer *consumer, struct frame *frame, uint64_t since_ns)
{
	enum reader_result result;
	uint64_t dead;

	if (frame_info_bytes(&frame->info) > consumer->capacity) {
		/* Only a picture of nobody's plan can be larger. */
		consumer->mine->wrong_geometry++;
		let_go(consumer, RING_BYE_DETACHED);
		return;
	}
	linger(consumer);
	dead = consumer->stats->dead_session;
	result = ring_reader_copy(
	        &consumer->link.reader, &consumer->copier, consumer->pixels, frame);
	if (result == READER_FRAME) {
		accept_frame(consumer, frame, dead);
	} else if (result == READER_TORN) {
		judge_torn(consumer, since_ns);
	} else if (result == READER_BAD) {
		consumer->mine->refused++;
	} else if (result == READER_STALE) {
		let_go(consumer, RING_BYE_DETACHED);
	}
	publish_counts(consumer);
}

/* returns: false when there was nothing to do */
static bool look_for_frame(struct consumer *consumer)
{
	uint64_t since_ns = clock_now_ns();
	struct frame frame;

	switch (ring_reader_claim(&consumer->link.reader, &frame)) {
	case READER_FRAME:
		copy_frame(consumer, &frame, since_ns);
		return true;
	case READER_TORN:
		judge_torn(consumer, since_ns);
		publish_counts(consumer);
		return true;
	case READER_BAD:
		consumer->mine->refused++;
		publish_counts(consumer);
		return true;
	case READER_BUSY:
		return true;
	case READER_STALE:
		let_go(consumer, RING_BYE_DETACHED);
		return false;
	case READER_DEPOSED:
		let_go(consumer, RING_BYE_DEPOSED);
		return false;
	case READER_EMPTY:
	case READER_QUARANTINED:
		break;
	}
	return false;
}

static bool is_over(struct consumer *consumer, uint64_t start_ns)
{
	const struct consumer_plan *plan = consumer->plan;

	if (plan->leave_ns && clock_elapsed_ns(start_ns, clock_now_ns()) >= plan->leave_ns) {
		return true;
	}
	return plan->until_end && consumer->link.state == LINK_ENDED &&
	       link_in_ring(&consumer->link) == 0;
}

static void follow(struct consumer *consumer)
{
	uint64_t start_ns = clock_now_ns();

	while (!is_over(consumer, start_ns)) {
		bool busy = false;

		link_turn(&consumer->link, clock_now_ns());
		naps_over(consumer->link.region.bytes);
		if (consumer->link.sessions != consumer->sessions) {
			consumer->sessions = consumer->link.sessions;
			consumer->last_sequence = 0;
			consumer->lost = 0;
			consumer->mine->attaches++;
		}
		if (consumer->link.attached) {
			busy = look_for_frame(consumer);
		}
		if (consumer->link.attached) {
			consumer->mine->granted = ring_reader_granted(&consumer->link.reader);
		}
		consumer->mine->state = consumer->link.state;
		consumer->mine->turns++;
		if (!busy) {
			clock_sleep_until_ns(clock_now_ns() + EMPTY_NS);
		}
	}
}

int consumer_run(const void *plan, struct stats *stats)
{
	struct consumer consumer = { .plan = plan, .stats = stats };
	const struct link_config config = {
		.region = consumer.plan->path,
		.mode = consumer.plan->mode,
		.block = consumer.plan->block,
	};
	int end = CONSUMER_FAILED;

	consumer.mine = &stats->consumers[consumer.plan->index];
	consumer.dice = consumer.plan->seed;
	consumer.capacity = picture_bytes_max(&consumer.plan->pictures);
	consumer.pixels = malloc(consumer.capacity);
	consumer.expected = malloc(consumer.capacity);
	if (consumer.pixels && consumer.expected && copier_init(&consumer.copier, COPY_OUT) == 0) {
		naps_start(consumer.plan->seed, &consumer.plan->naps, &consumer.mine->trap);
		link_init(&consumer.link, &config);
		follow(&consumer);
		publish_counts(&consumer);
		link_close(&consumer.link);
		copier_finish(&consumer.copier);
		end = CONSUMER_ENDED;
	}
	free(consumer.pixels);
	free(consumer.expected);
	return end;
}
