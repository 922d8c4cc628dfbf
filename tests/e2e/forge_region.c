/* SPDX-License-Identifier: MIT */
/*
 * A producer that is not as it should be, for viewers and producers to be tried against:
 *
 *   forge_region FILE WHAT
 *
 * Formats the file, says "ready" and keeps it so, with a heartbeat that moves, until its standard
 * input ends. Frames, where there are any, come every 10 ms. See main() for what there is.
 */
#include "clock.h"
#include "drm_fourcc.h"
#include "liveness.h"
#include "region.h"
#include "ring_writer.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define SIDE 64u

struct forgery {
	const char *name;
	uint32_t version;   /* 0 = ours */
	uint64_t features;  /* required */
	uint32_t slots;     /* 0 = ours */
	uint64_t size_more; /* than there is */
	bool damaged;       /* the checksum is wrong */
	bool still;         /* the heartbeat does not move */
	uint32_t state;     /* RING_STATE_*, 0 = running */
	unsigned bad_every; /* frame of so many has a flipped bit; 0 = none */
	uint64_t frames;    /* then no more of them; 0 = none at all */
};

static const struct forgery forgeries[] = {
	{ .name = "other-version", .version = 9 << 16 | 3 },
	{ .name = "other-version-still", .version = 9 << 16 | 3, .still = true },
	{ .name = "needs-features", .features = UINT64_C(1) << 40 },
	{ .name = "damaged", .damaged = true },
	{ .name = "impossible", .slots = 31 },
	{ .name = "too-large", .size_more = 4096 },
	{ .name = "still", .still = true, .frames = 5 },
	{ .name = "no-signal", .state = RING_STATE_NO_SIGNAL, .frames = 5 },
	{ .name = "paused", .state = RING_STATE_PAUSED, .frames = 5 },
	{ .name = "idle", .state = RING_STATE_IDLE, .frames = 5 },
	{ .name = "fault", .state = RING_STATE_FAULT, .frames = 5 },
	{ .name = "one-bad", .bad_every = 50, .frames = UINT64_MAX },
	{ .name = "all-bad", .bad_every = 1, .frames = UINT64_MAX },
};

struct forger {
	const struct forgery *forgery;
	struct region region;
	struct ring_writer writer;
	struct copier copier;
	struct heartbeat heartbeat;
};

static bool is_over(int timeout_ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&input, 1, timeout_ms) != 0;
}

/* Changes what is not as it should be; the checksum is right again unless it is not to be. */
static void forge_header(struct forger *forger)
{
	const struct forgery *forgery = forger->forgery;
	struct ring_identity *identity = forger->writer.identity;
	uint8_t *page = forger->region.bytes;
	uint32_t checksum;

	shared_store_release_u64(&identity->epoch, 0);
	if (forgery->version) {
		shared_store_u32(&identity->version, forgery->version);
	}
	if (forgery->slots) {
		shared_store_u32(&identity->slot_count, forgery->slots);
	}
	shared_store_u64(&identity->features_required, forgery->features);
	shared_store_u64(&identity->region_size, forger->region.size + forgery->size_more);
	checksum = XXH32(page, offsetof(struct ring_identity, checksum), 0);
	shared_store_u32(&identity->checksum, checksum + forgery->damaged);
	shared_store_release_u64(&identity->epoch, forger->writer.epoch);
}

static void publish(struct forger *forger)
{
	static uint32_t pixels[SIDE * SIDE];
	struct ring_writer *writer = &forger->writer;
	struct frame frame = { .info = { DRM_FORMAT_XRGB8888, SIDE, SIDE, SIDE * 4 } };
	uint64_t sequence = ring_writer_next_sequence(writer);

	memset(pixels, (int)sequence, sizeof(pixels));
	if (ring_writer_begin(writer, &frame.info, clock_now_ns()) != WRITER_OK) {
		return;
	}
	ring_writer_copy(writer, &forger->copier, pixels, NULL);
	if (forger->forgery->bad_every && sequence % forger->forgery->bad_every == 0) {
		writer->memory.g
		        .bytes[writer->geometry.payload_base +
		                (uint64_t)writer->current * writer->geometry.slot_capacity + 99] ^=
		        1;
	}
	frame.times.published_ns = clock_now_ns();
	ring_writer_publish(writer, &frame);
}

static void keep_up(struct forger *forger)
{
	while (!is_over(10)) {
		ring_writer_tend(&forger->writer, clock_now_ns());
		if (forger->writer.counts.published < forger->forgery->frames) {
			publish(forger);
		}
		if (forger->forgery->state) {
			ring_writer_set_state(&forger->writer, forger->forgery->state);
		}
	}
}

static int forge(struct forger *forger, const char *path)
{
	const struct ring_writer_config config = { .slot_count = 4, .version_text = "forged" };
	struct complaint why;

	if (region_open(&forger->region, path, REGION_WRITE, region_header_recognise, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	if (ring_writer_occupy(&forger->writer,
	            ring_memory_of_region(forger->region.bytes, forger->region.size),
	            true) != OCCUPY_OK ||
	        ring_writer_open(&forger->writer, &config) < 0 ||
	        copier_init(&forger->copier, COPY_IN) < 0) {
		return 1;
	}
	forge_header(forger);
	if (!forger->forgery->still &&
	        heartbeat_start(&forger->heartbeat, &forger->writer.identity->heartbeat) < 0) {
		return 1;
	}
	puts("ready");
	fflush(stdout);
	keep_up(forger);
	heartbeat_stop(&forger->heartbeat);
	copier_finish(&forger->copier);
	region_close(&forger->region);
	return 0;
}

int main(int argc, char **argv)
{
	static struct forger forger = { .region = { .fd = -1 } };

	for (size_t i = 0; argc == 3 && i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
		if (strcmp(argv[2], forgeries[i].name) == 0) {
			forger.forgery = &forgeries[i];
			return forge(&forger, argv[1]);
		}
	}
	fprintf(stderr, "usage: forge_region FILE WHAT\n");
	return 2;
}
