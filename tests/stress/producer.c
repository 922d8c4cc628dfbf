/* SPDX-License-Identifier: MIT */
#include "producer.h"

#include "clock.h"
#include "naps.h"
#include "region.h"
#include "ring_writer.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_SPACE_NS (50 * NS_PER_US)
#define OPEN_NS       (60 * NS_PER_S)

struct producer {
	const struct producer_plan *plan;
	struct stats *stats;
	struct producer_stats *mine;
	struct region region;
	struct ring_writer writer;
	struct heartbeat heartbeat;
	struct copier copier;
	uint8_t *pixels;
};

static uint64_t session_of(uint64_t epoch)
{
	return epoch >> 32 == EPOCH_TAG >> 32 ? epoch & UINT32_MAX : 0;
}

/* Whoever launches guests may be making the file anew at this moment. */
static bool open_region(struct producer *producer)
{
	uint64_t end_ns = clock_now_ns() + OPEN_NS;
	struct complaint why;

	while (region_open(&producer->region, producer->plan->path, REGION_WRITE, NULL, &why) < 0) {
		if (clock_now_ns() > end_ns) {
			fprintf(stderr, "producer: %s: %s\n", producer->plan->path, why.text);
			return false;
		}
		clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
	}
	return true;
}

static enum producer_end occupy(struct producer *producer)
{
	const struct producer_plan *plan = producer->plan;
	size_t size = plan->region_size ? plan->region_size : producer->region.size;
	const struct ring_identity *identity = (const void *)producer->region.bytes;
	uint64_t before = session_of(shared_load_u64(&identity->epoch));

	switch (ring_writer_occupy(&producer->writer,
	        ring_memory_of_region(producer->region.bytes, size), plan->takeover)) {
	case OCCUPY_OK:
		break;
	case OCCUPY_BUSY:
		return PRODUCER_BUSY;
	case OCCUPY_FOREIGN:
		return PRODUCER_FOREIGN;
	case OCCUPY_SMALL:
		return PRODUCER_FAILED;
	}
	if (before > producer->stats->dead_session) {
		producer->stats->dead_session = before;
	}
	return PRODUCER_ENDED;
}

/* Nothing of an older session may look stable once the new epoch can be seen. */
static void check_controls(struct producer *producer)
{
	const struct ring_geometry *geometry = &producer->writer.geometry;

	for (uint32_t i = 0; i < geometry->slot_count; i++) {
		const struct ring_descriptor *descriptor =
		        (const void *)(producer->region.bytes + geometry->descriptors_base +
		                       (uint64_t)i * geometry->descriptor_stride);

		if (shared_load_u64(&descriptor->control) != 0) {
			producer->mine->uncleared++;
		}
	}
}

static enum producer_end open_session(struct producer *producer)
{
	const struct producer_plan *plan = producer->plan;
	uint64_t number = atomic_fetch_add(&producer->stats->sessions, 1) + 1;
	const struct ring_writer_config config = {
		.slot_count = plan->slots,
		.lossless = plan->lossless,
		.version_text = "stress",
		.epoch = EPOCH_TAG + number,
	};

	if (plan->start_ns) {
		clock_sleep_until_ns(
		        clock_now_ns() + picture_mix(plan->seed + number) % plan->start_ns);
	}
	if (ring_writer_open(&producer->writer, &config) < 0) {
		fprintf(stderr, "producer: the slots do not fit\n");
		return PRODUCER_FAILED;
	}
	if (plan->index == 0) {
		check_controls(producer);
	}
	producer->mine->published_here = 0;
	producer->mine->session = number;
	return heartbeat_start(&producer->heartbeat, &producer->writer.identity->heartbeat) == 0
	               ? PRODUCER_ENDED
	               : PRODUCER_FAILED;
}

static enum writer_result find_slot(struct producer *producer, const struct frame_info *info)
{
	enum writer_result result;

	while ((result = ring_writer_begin(&producer->writer, info, clock_now_ns())) ==
	        WRITER_WOULD_BLOCK) {
		clock_sleep_until_ns(clock_now_ns() + WAIT_SPACE_NS);
		ring_writer_tend(&producer->writer, clock_now_ns());
		producer->mine->revocations = producer->writer.watch.revocations;
	}
	return result;
}

static enum writer_result publish_frame(struct producer *producer)
{
	const struct producer_plan *plan = producer->plan;
	struct ring_writer *writer = &producer->writer;
	uint64_t overruns = writer->counts.overruns;
	uint64_t sequence = ring_writer_next_sequence(writer);
	struct frame frame = { .info = picture_info(&plan->pictures, writer->epoch, sequence) };
	enum writer_result result;

	ring_writer_tend(writer, clock_now_ns());
	result = find_slot(producer, &frame.info);
	producer->mine->overruns += writer->counts.overruns - overruns;
	if (result != WRITER_OK) {
		return result;
	}
	picture_draw(&frame.info, writer->epoch, sequence, producer->pixels);
	ring_writer_copy(writer, &producer->copier, producer->pixels, NULL);
	naps_publishing(true);
	result = ring_writer_publish(writer, &frame);
	naps_publishing(false);
	if (result == WRITER_OK) {
		producer->mine->published++;
		producer->mine->published_here++;
	}
	producer->mine->back_offs = writer->counts.back_offs;
	producer->mine->revocations = writer->watch.revocations;
	return result;
}

static void stay_idle(struct producer *producer)
{
	ring_writer_set_state(&producer->writer, RING_STATE_IDLE);
	while (!ring_writer_is_deposed(&producer->writer)) {
		ring_writer_tend(&producer->writer, clock_now_ns());
		clock_sleep_until_ns(clock_now_ns() + 5 * NS_PER_MS);
	}
}

static enum producer_end produce(struct producer *producer)
{
	const struct producer_plan *plan = producer->plan;
	uint64_t due_ns = clock_now_ns();

	for (uint64_t i = 0; plan->frames == 0 || i < plan->frames; i++) {
		if (plan->busy_frames && i == plan->busy_frames) {
			stay_idle(producer);
			return PRODUCER_DEPOSED;
		}
		switch (publish_frame(producer)) {
		case WRITER_OK:
			break;
		case WRITER_DEPOSED:
			return PRODUCER_DEPOSED;
		default:
			fprintf(stderr, "producer: a frame could not be published\n");
			return PRODUCER_FAILED;
		}
		if (plan->interval_ns) {
			due_ns += plan->interval_ns;
			clock_sleep_until_ns(due_ns);
		}
	}
	ring_writer_end(&producer->writer);
	clock_sleep_until_ns(clock_now_ns() + plan->goodbye_ns);
	return PRODUCER_ENDED;
}

int producer_run(const void *plan, struct stats *stats)
{
	struct producer producer = { .plan = plan, .stats = stats };
	enum producer_end end = PRODUCER_FAILED;

	producer.mine = &stats->producers[producer.plan->index];
	producer.pixels = malloc(picture_bytes_max(&producer.plan->pictures));
	if (!producer.pixels || copier_init(&producer.copier, COPY_IN) < 0) {
		return PRODUCER_FAILED;
	}
	producer.copier.algorithm = producer.plan->digest;
	if (open_region(&producer)) {
		naps_start(producer.plan->seed, &producer.plan->naps, &producer.mine->trap);
		naps_over(producer.region.bytes);
		end = occupy(&producer);
		if (end == PRODUCER_ENDED) {
			end = open_session(&producer);
		}
		if (end == PRODUCER_ENDED) {
			end = produce(&producer);
		}
		heartbeat_stop(&producer.heartbeat);
		region_close(&producer.region);
	}
	copier_finish(&producer.copier);
	free(producer.pixels);
	return (int)end;
}
