/* SPDX-License-Identifier: MIT */
/*
 * The limits that the ring is measured against: one thread that copies one private frame into the
 * slots of a region, round and round, so that nothing sits in cache, or that only digests the
 * frame. Prints the frames a second.
 *
 *   copy-rate REGION WIDTHxHEIGHT SECONDS [memcpy | best | xxh3 | xxh64 | sha256]
 *
 * best: the kernel that is found fastest on this region; an algorithm: its digest alone
 */
#include "clock.h"
#include "copy_digest.h"
#include "exit_code.h"
#include "frame_memory.h"
#include "log.h"
#include "region.h"
#include "region_header.h"
#include "resolution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS           4u
#define BYTES_PER_PIXEL 4u
#define CHOICE_NS       (100 * NS_PER_MS)

struct limit {
	struct copier copier;
	enum digest_algorithm digest; /* DIGEST_NONE: what is measured is a copy */
	uint8_t *frame;
	size_t bytes;
	uint8_t *slots;
	uint64_t capacity;
};

/* returns: false when there is no such limit, or no memory */
static bool limit_init(struct limit *limit, const char *name)
{
	if (copier_init(&limit->copier, COPY_IN) < 0) {
		return false;
	}
	if (strcmp(name, "best") == 0) {
		copier_choose(&limit->copier, limit->slots, SLOTS * limit->capacity, CHOICE_NS);
	} else if (strcmp(name, "memcpy") != 0 && digest_by_name(name, &limit->digest) < 0) {
		return false;
	}
	limit->frame = frame_memory_alloc(limit->bytes);
	if (limit->frame) {
		memset(limit->frame, 0x5a, limit->bytes);
	}
	return limit->frame != NULL;
}

static void limit_turn(struct limit *limit, uint64_t turn)
{
	struct digest digest;

	if (limit->digest != DIGEST_NONE) {
		digester_begin(limit->copier.digester, limit->digest);
		digester_add(limit->copier.digester, limit->frame, limit->bytes);
		digester_end(limit->copier.digester, &digest);
	} else {
		copier_copy(&limit->copier, DIGEST_NONE,
		        limit->slots + turn % SLOTS * limit->capacity, limit->frame, limit->bytes,
		        NULL);
	}
}

static double limit_rate(struct limit *limit, double seconds)
{
	uint64_t frames = 0;
	uint64_t start_ns;
	uint64_t now_ns;

	/* Each slot once before the clock starts: page faults are not what is measured. */
	for (unsigned i = 0; i < SLOTS; i++) {
		limit_turn(limit, i);
	}
	start_ns = clock_now_ns();
	do {
		limit_turn(limit, frames++);
		now_ns = clock_now_ns();
	} while ((double)(now_ns - start_ns) < seconds * (double)NS_PER_S);
	return (double)frames * (double)NS_PER_S / (double)(now_ns - start_ns);
}

int main(int argc, char **argv)
{
	struct ring_geometry geometry;
	struct resolution sizes[RESOLUTION_LIST_MAX];
	struct region region;
	struct complaint why;
	double seconds = argc == 4 || argc == 5 ? atof(argv[3]) : 0;
	struct limit limit = { .digest = DIGEST_NONE };

	log_init("copy-rate", LOG_LEVEL_INFO);
	if (seconds <= 0 || resolution_parse_list(argv[2], sizes, &why) != 1) {
		log_error(
		        "usage: copy-rate REGION WIDTHxHEIGHT SECONDS [memcpy | best | ALGORITHM]");
		return EXIT_USAGE;
	}
	if (region_open(&region, argv[1], REGION_WRITE, region_header_recognise, &why) < 0) {
		log_error("%s: %s", argv[1], why.text);
		return EXIT_REGION;
	}
	limit.bytes = (size_t)sizes[0].width * sizes[0].height * BYTES_PER_PIXEL;
	if (!ring_geometry_fill(&geometry, SLOTS, region.size - RING_FEEDBACK_SIZE, 0) ||
	        geometry.slot_capacity < limit.bytes) {
		log_error("%s: %u frames of %s do not fit", argv[1], SLOTS, argv[2]);
		region_close(&region);
		return EXIT_REGION;
	}
	limit.slots = region.bytes + geometry.payload_base;
	limit.capacity = geometry.slot_capacity;
	if (!limit_init(&limit, argc == 5 ? argv[4] : "memcpy")) {
		log_error("%s: no such limit, or no memory", argv[argc - 1]);
		region_close(&region);
		return EXIT_USAGE;
	}
	printf("%.3f\n", limit_rate(&limit, seconds));
	free(limit.frame);
	copier_finish(&limit.copier);
	region_close(&region);
	return EXIT_GOOD;
}
