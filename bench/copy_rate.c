/* SPDX-License-Identifier: MIT */
/*
 * The limit that the ring is measured against: one thread that copies one private frame into the
 * slots of a region with plain memcpy, round and round, so that nothing sits in cache. Prints the
 * frames a second.
 *
 *   copy-rate REGION WIDTHxHEIGHT SECONDS
 */
#include "clock.h"
#include "exit_code.h"
#include "log.h"
#include "region.h"
#include "region_header.h"
#include "resolution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS           4u
#define BYTES_PER_PIXEL 4u

static double copy_rate(uint8_t *slots, uint64_t capacity, size_t bytes, double seconds)
{
	uint8_t *frame = malloc(bytes);
	uint64_t frames = 0;
	uint64_t start_ns;
	uint64_t now_ns;

	if (!frame) {
		return 0;
	}
	memset(frame, 0x5a, bytes);
	/* Each slot once before the clock starts: page faults are not what is measured. */
	for (unsigned i = 0; i < SLOTS; i++) {
		memcpy(slots + i * capacity, frame, bytes);
	}
	start_ns = clock_now_ns();
	do {
		memcpy(slots + frames++ % SLOTS * capacity, frame, bytes);
		now_ns = clock_now_ns();
	} while ((double)(now_ns - start_ns) < seconds * (double)NS_PER_S);
	free(frame);
	return (double)frames * (double)NS_PER_S / (double)(now_ns - start_ns);
}

int main(int argc, char **argv)
{
	struct ring_geometry geometry;
	struct resolution sizes[RESOLUTION_LIST_MAX];
	struct region region;
	struct complaint why;
	double seconds = argc == 4 ? atof(argv[3]) : 0;
	size_t bytes;

	log_init("copy-rate", LOG_LEVEL_INFO);
	if (seconds <= 0 || resolution_parse_list(argv[2], sizes, &why) != 1) {
		log_error("usage: copy-rate REGION WIDTHxHEIGHT SECONDS");
		return EXIT_USAGE;
	}
	if (region_open(&region, argv[1], REGION_WRITE, region_header_recognise, &why) < 0) {
		log_error("%s: %s", argv[1], why.text);
		return EXIT_REGION;
	}
	bytes = (size_t)sizes[0].width * sizes[0].height * BYTES_PER_PIXEL;
	if (!ring_geometry_fill(&geometry, SLOTS, region.size - RING_FEEDBACK_SIZE, 0) ||
	        geometry.slot_capacity < bytes) {
		log_error("%s: %u frames of %s do not fit", argv[1], SLOTS, argv[2]);
		region_close(&region);
		return EXIT_REGION;
	}
	printf("%.3f\n", copy_rate(region.bytes + geometry.payload_base, geometry.slot_capacity,
	                         bytes, seconds));
	region_close(&region);
	return EXIT_GOOD;
}
