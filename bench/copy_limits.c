/* SPDX-License-Identifier: MIT */
/*
 * What one thread of this machine needs to move a frame, with nothing else in between: the limits
 * that the ring is measured against, on the same mapping.
 *
 *   copy-limits REGION WIDTHxHEIGHT FORMAT SECONDS DIGEST[,DIGEST...]
 *
 * Each row walks over the slots of the region, so that nothing of them sits in a cache. Rows take
 * turns of many frames: a kernel that leaves dirty lines behind pays for their eviction itself.
 * Prints JSON: {"bytes": .., "slots": .., "rows": {NAME: {p50 min max .. in ns a frame}}}.
 *
 *   in:KERNEL         one private frame into the slots
 *   out:KERNEL        a slot into one private frame
 *   in+DIGEST         copied and digested, strip by strip and tile by tile, as the ring does it
 *   out+DIGEST        likewise
 *   DIGEST            of the private frame alone, in one piece
 */
#include "clock.h"
#include "copy_digest.h"
#include "exit_code.h"
#include "frame_memory.h"
#include "log.h"
#include "pixel_format.h"
#include "region.h"
#include "region_header.h"
#include "resolution.h"
#include "stop.h"
#include "strip_copy.h"
#include "summary.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS    4u
#define ROWS_MAX 24u
#define ROUNDS   3u
#define FRAMES   2u /* of a turn at least; its first is cold and not kept */
#define CHOOSE   (50 * NS_PER_MS)

enum row_kind {
	ROW_COPY,
	ROW_COPY_AND_DIGEST,
	ROW_DIGEST,
};

struct row {
	char name[32];
	enum row_kind kind;
	enum copy_direction direction;
	const struct copy_kernel *kernel; /* of ROW_COPY */
	enum digest_algorithm algorithm;  /* of the others */
	struct samples samples;
};

struct bench {
	struct region region;
	struct ring_geometry geometry;
	struct frame_info info;
	struct copier copiers[COPY_OUT + 1]; /* each as it was chosen on this mapping */
	uint8_t *frame;
	uint64_t turns; /* frames so far: which slot is next */
	struct row rows[ROWS_MAX];
	size_t row_count;
};

static struct row *add_row(struct bench *bench, const char *kind, const char *name)
{
	struct row *row = &bench->rows[bench->row_count++];

	assert(bench->row_count <= ROWS_MAX);
	snprintf(row->name, sizeof(row->name), "%s%s", kind, name);
	samples_init(&row->samples);
	return row;
}

static void add_copies(struct bench *bench)
{
	const struct copy_kernel *kernel;

	for (size_t i = 0; (kernel = copy_kernel_at(i)); i++) {
		if (kernel->is_supported()) {
			struct row *row = add_row(
			        bench, kernel->direction == COPY_IN ? "in:" : "out:", kernel->name);

			row->kind = ROW_COPY;
			row->direction = kernel->direction;
			row->kernel = kernel;
		}
	}
}

/* returns: false when a name is no digest */
static bool add_digests(struct bench *bench, char *names)
{
	static const struct {
		const char *prefix;
		enum row_kind kind;
		enum copy_direction direction;
	} kinds[] = { { "in+", ROW_COPY_AND_DIGEST, COPY_IN },
		{ "out+", ROW_COPY_AND_DIGEST, COPY_OUT }, { "", ROW_DIGEST, COPY_IN } };
	bool is_there[DIGEST_ALGORITHMS] = { 0 };
	enum digest_algorithm algorithm;
	char *rest = NULL;

	for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (digest_by_name(name, &algorithm) < 0 || algorithm == DIGEST_NONE ||
		        is_there[algorithm]) {
			log_error("'%.60s': use each of xxh3, xxh64 and sha256 once", name);
			return false;
		}
		is_there[algorithm] = true;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			struct row *row = add_row(bench, kinds[i].prefix, name);

			row->kind = kinds[i].kind;
			row->direction = kinds[i].direction;
			row->algorithm = algorithm;
		}
	}
	return true;
}

static bool choose(struct bench *bench)
{
	for (int direction = COPY_IN; direction <= COPY_OUT; direction++) {
		struct copier *copier = &bench->copiers[direction];

		if (copier_init(copier, (enum copy_direction)direction) < 0) {
			return false;
		}
		copier_choose(copier, bench->region.bytes + bench->geometry.payload_base,
		        bench->geometry.slot_capacity * SLOTS, CHOOSE);
	}
	return true;
}

static void move_frame(struct bench *bench, const struct row *row)
{
	uint8_t *slot = bench->region.bytes + bench->geometry.payload_base +
	                bench->turns++ % SLOTS * bench->geometry.slot_capacity;
	struct copier *copier = &bench->copiers[row->direction];
	const size_t bytes = frame_info_bytes(&bench->info);
	const bool is_in = row->direction == COPY_IN;
	uint8_t *to = is_in ? slot : bench->frame;
	const uint8_t *from = is_in ? bench->frame : slot;
	struct digest digest;

	switch (row->kind) {
	case ROW_DIGEST:
		digester_run(copier->digester, row->algorithm, bench->frame, bytes, &digest);
		break;
	case ROW_COPY_AND_DIGEST:
		strip_copy(copier, row->algorithm, &bench->info, bench->geometry.digest_words, to,
		        from);
		break;
	case ROW_COPY:
		row->kernel->copy(to, from, bytes);
		copier_fence(copier);
		break;
	}
}

static void take_turn(struct bench *bench, struct row *row, uint64_t turn_ns)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t before_ns = start_ns;

	for (unsigned i = 0; i < FRAMES || before_ns - start_ns < turn_ns; i++) {
		uint64_t now_ns;

		move_frame(bench, row);
		now_ns = clock_now_ns();
		if (i > 0) {
			samples_add(&row->samples, now_ns - before_ns);
		}
		before_ns = now_ns;
	}
}

static void run(struct bench *bench, double seconds)
{
	const size_t turns = ROUNDS * bench->row_count;
	const uint64_t turn_ns = (uint64_t)(seconds * (double)NS_PER_S) / turns;

	for (size_t i = 0; i < turns && !stop_requested(); i++) {
		take_turn(bench, &bench->rows[i % bench->row_count], turn_ns);
	}
}

static void print_rows(struct bench *bench)
{
	json_t *rows = json_object();
	json_t *all = json_pack("{sI sI so}", "bytes", (json_int_t)frame_info_bytes(&bench->info),
	        "slots", (json_int_t)SLOTS, "rows", rows);

	for (size_t i = 0; i < bench->row_count; i++) {
		json_object_set_new(
		        rows, bench->rows[i].name, summary_percentiles(&bench->rows[i].samples));
		samples_finish(&bench->rows[i].samples);
	}
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

/* returns: what is wrong with the frame that is asked for, NULL: nothing */
static const char *set_frame(struct bench *bench, const char *size, const char *format_name)
{
	const struct pixel_format *format = pixel_format_by_name(format_name);
	struct resolution sizes[RESOLUTION_LIST_MAX];
	struct complaint why;

	if (!format || resolution_parse_list(size, sizes, &why) != 1) {
		return "is no frame; use WIDTHxHEIGHT and a format such as xrgb8888";
	}
	bench->info = (struct frame_info) { format->fourcc, sizes[0].width, sizes[0].height,
		pixel_format_stride(format, sizes[0].width) };
	if (!ring_geometry_fill(
	            &bench->geometry, SLOTS, bench->region.size - RING_FEEDBACK_SIZE, 0) ||
	        bench->geometry.slot_capacity < frame_info_bytes(&bench->info)) {
		return "does not fit four times; use a larger region";
	}
	bench->frame = frame_memory_alloc(frame_info_bytes(&bench->info));
	if (bench->frame) {
		memset(bench->frame, 0x5a, frame_info_bytes(&bench->info));
	}
	return bench->frame ? NULL : "out of memory";
}

int main(int argc, char **argv)
{
	static struct bench bench;
	double seconds = argc == 6 ? atof(argv[4]) : 0;
	const char *fault;
	struct complaint why;
	bool good = false;

	log_init("copy-limits", LOG_LEVEL_INFO);
	if (seconds <= 0) {
		log_error("usage: copy-limits REGION WIDTHxHEIGHT FORMAT SECONDS DIGEST[,...]");
		return EXIT_USAGE;
	}
	if (region_open(&bench.region, argv[1], REGION_WRITE, region_header_recognise, &why) < 0) {
		log_error("%s: %s", argv[1], why.text);
		return EXIT_REGION;
	}
	stop_on_signals();
	fault = set_frame(&bench, argv[2], argv[3]);
	if (fault) {
		log_error("%.60s %.60s: %s", argv[2], argv[3], fault);
	} else if (choose(&bench)) {
		add_copies(&bench);
		good = add_digests(&bench, argv[5]);
	}
	if (good) {
		run(&bench, seconds);
		print_rows(&bench);
	}
	copier_finish(&bench.copiers[COPY_IN]);
	copier_finish(&bench.copiers[COPY_OUT]);
	free(bench.frame);
	region_close(&bench.region);
	return good ? EXIT_GOOD : EXIT_OTHER;
}
