/* SPDX-License-Identifier: MIT */
/*
 * guest-capture: options, region, source, ring, loop, exit code.
 */
#include "capture.h"
#include "capture_options.h"
#include "capture_record.h"
#include "clock.h"
#include "exit_code.h"
#include "liveness.h"
#include "log.h"
#include "region.h"
#include "ring_writer.h"
#include "source.h"
#include "stop.h"
#include "summary.h"
#include "version.h"
#include "wakeup_region.h"
#include "whole_file.h"

#include <string.h>

#define SELF_TEST_NS (50 * NS_PER_MS)
#define TEND_NS      (50 * NS_PER_MS)
#define GOODBYE_NS   NS_PER_S /* the heartbeat beats on after the end, so that everybody sees it */

struct program {
	struct capture_options options;
	struct region region;
	struct copier copier;
	struct ring_writer writer;
	struct heartbeat heartbeat;
	struct source *source;
	struct capture_record record;
	struct capture capture;
	struct complaint why_deaf; /* why no doorbell can wake us; "" when one can */
};

static uint64_t frame_bytes(const struct capture_options *options, const struct resolution *size)
{
	return (uint64_t)pixel_format_stride(options->format, size->width) * size->height;
}

/* Of those that will be asked for. */
static const struct resolution *largest_size(const struct capture_options *options)
{
	const struct resolution *largest = &options->sizes[0];

	for (int i = 1; i < options->size_count; i++) {
		if (frame_bytes(options, &options->sizes[i]) > frame_bytes(options, largest)) {
			largest = &options->sizes[i];
		}
	}
	return largest;
}

static enum exit_code open_region(struct program *program)
{
	const struct capture_options *options = &program->options;
	struct complaint why;

	if (options->create) {
		uint64_t size = options->create_size
		                        ? options->create_size
		                        : ring_region_size_for(options->slots,
		                                  frame_bytes(options, largest_size(options)));

		if (region_create(options->region, size, &why) < 0) {
			log_error("--create: %.255s: %s", options->region, why.text);
			return EXIT_REGION;
		}
	}
	if (region_open(&program->region, options->region, REGION_WRITE, region_header_recognise,
	            &why) < 0) {
		log_error("--region: %.255s: %s", options->region, why.text);
		return EXIT_REGION;
	}
	if (wakeup_open_doorbell(&program->region, options->wakeup, &program->why_deaf) < 0) {
		log_error("--wakeup doorbell: %.255s: %s", options->region, program->why_deaf.text);
		return EXIT_REGION;
	}
	if (program->region.doorbell && program->why_deaf.text[0]) {
		log_info("%s: it rings viewers, but none can ring it: it polls while it waits for "
		         "one; %s",
		        options->region, program->why_deaf.text);
	}
	return EXIT_GOOD;
}

/* Of which version is the producer that lives there? */
static enum exit_code complain_of_rival(const struct program *program)
{
	const char *region = program->options.region;
	struct ring_header header;

	if (region_header_read(program->writer.memory.g, &header) == HEADER_OTHER_VERSION) {
		log_error("--region: %s: a producer of version %u.%u (%s) is alive there, this is "
		          "%u.%u; stop it, install one version, or depose it with --takeover",
		        region, header.major, header.minor, header.version_text, RING_MAJOR,
		        RING_MINOR);
		return EXIT_OTHER_VERSION;
	}
	log_error("--region: %s: another producer is alive there; stop it, or depose it with "
	          "--takeover",
	        region);
	return EXIT_OTHER;
}

static enum exit_code occupy(struct program *program)
{
	const char *region = program->options.region;

	switch (ring_writer_occupy(&program->writer,
	        ring_memory_of_region(program->region.bytes, program->region.size),
	        program->options.takeover)) {
	case OCCUPY_OK:
		return EXIT_GOOD;
	case OCCUPY_BUSY:
		return complain_of_rival(program);
	case OCCUPY_FOREIGN:
		log_error(
		        "--region: %s: holds something that is not Oriel's; name another, or format "
		        "it with --takeover",
		        region);
		return EXIT_REGION;
	case OCCUPY_SMALL:
		break;
	}
	log_error("--region: %s: is too small; it needs at least 1M", region);
	return EXIT_REGION;
}

/* Bytes for the pointer's shape in its channel; 0: it has none. */
static uint32_t shape_capacity(const struct program *program)
{
	const struct capture_options *options = &program->options;

	return strcmp(options->source, "kms") == 0 && options->cursor == CURSOR_CHANNEL
	               ? ring_shape_capacity_for(program->region.size)
	               : 0;
}

/* The frames must fit before the first is captured: the largest decides. */
static enum exit_code check_sizes(const struct program *program)
{
	const struct capture_options *options = &program->options;
	struct ring_geometry geometry;
	const struct resolution *size = largest_size(options);
	uint64_t largest = frame_bytes(options, size);
	char need[24];
	char have[24];

	if (!ring_geometry_fill(&geometry, options->slots,
	            program->region.size - RING_FEEDBACK_SIZE,
	            ring_pointer_area_size(shape_capacity(program)))) {
		log_error("--slots: %u do not fit into %s, which has %s; it needs %s",
		        options->slots, options->region,
		        region_format_size(program->region.size, have),
		        region_format_size(ring_region_size_for(options->slots, 1), need));
		return EXIT_REGION;
	}
	/* A screen has the size it has, and may get another: it is told when one does not fit. */
	if (largest <= geometry.slot_capacity || strcmp(options->source, "kms") == 0) {
		return EXIT_GOOD;
	}
	log_error("--res: %ux%u %s does not fit: %u slots of it need a region of %s, %s has %s; "
	          "start the guest with that size, or use fewer --slots (at least %u)",
	        size->width, size->height, options->format->name, options->slots,
	        region_format_size(ring_region_size_for(options->slots, largest), need),
	        options->region, region_format_size(program->region.size, have), RING_SLOTS_MIN);
	return EXIT_REGION;
}

static enum exit_code choose_kernels(struct program *program)
{
	const struct capture_options *options = &program->options;
	struct span scratch = ring_writer_scratch(&program->writer);
	const struct copy_pass *pass;

	if (copier_init(&program->copier, COPY_IN) < 0) {
		log_error("out of memory");
		return EXIT_OTHER;
	}
	copier_choose(&program->copier, scratch.bytes, scratch.size, SELF_TEST_NS);
	if (options->digest_auto) {
		copier_choose_digest(&program->copier);
	} else {
		program->copier.algorithm = options->digest;
	}
	pass = program->copier.passes[program->copier.algorithm];
	log_info("%s mapped as %s, %s copies %.2f GB/s, digest %s%s%s", program->region.path,
	        program->region.mapping, program->copier.kernel->name,
	        (double)program->copier.kernel_bytes_per_second / 1e9,
	        digest_name(program->copier.algorithm), pass ? " in one pass, " : "",
	        pass ? pass->name : "");
	return EXIT_GOOD;
}

static enum exit_code open_ring(struct program *program)
{
	const struct ring_writer_config config = {
		.slot_count = program->options.slots,
		.lossless = program->options.lossless,
		.shape_capacity = shape_capacity(program),
		.doorbell = program->region.doorbell,
		.version_text = "oriel " ORIEL_VERSION " " ORIEL_COMMIT,
	};

	if (ring_writer_open(&program->writer, &config) < 0) {
		/* check_sizes() has computed the same. */
		log_error("--region: %s: became too small", program->options.region);
		return EXIT_REGION;
	}
	if (heartbeat_start(&program->heartbeat, &program->writer.identity->heartbeat) < 0) {
		log_error("cannot start a thread for the heartbeat");
		return EXIT_OTHER;
	}
	return EXIT_GOOD;
}

static const char *source_option(const struct capture_options *options)
{
	if (strcmp(options->source, "kms") == 0) {
		return "--source kms";
	}
	return strcmp(options->source, "raw") == 0 ? "--input" : "--pattern";
}

static enum exit_code open_source(struct program *program)
{
	const struct capture_options *options = &program->options;
	const struct source_request request = {
		.argument = options->source_argument,
		.damage_share = options->damage_share,
		.frames_per_second = options->frames_per_second,
		.cursor = options->cursor,
		.shape_capacity = shape_capacity(program),
		.info = { .fourcc = options->format->fourcc,
		        .width = options->sizes[0].width,
		        .height = options->sizes[0].height,
		        .stride = pixel_format_stride(options->format, options->sizes[0].width) },
	};
	struct complaint why;

	if (source_by_name(options->source)->open(&program->source, &request, &why) < 0) {
		log_error("%s: %s", source_option(options), why.text);
		return EXIT_OTHER;
	}
	return EXIT_GOOD;
}

static enum exit_code open_files(struct program *program)
{
	const struct capture_options *options = &program->options;
	struct complaint why;

	if (options->summary && whole_file_check(options->summary, &why) < 0) {
		log_error("--summary: %s; name a file that can be", why.text);
		return EXIT_OTHER;
	}
	if (capture_record_open(&program->record, options->csv, &why) < 0) {
		log_error("--csv: %s; name a file that can be", why.text);
		return EXIT_OTHER;
	}
	return EXIT_GOOD;
}

static enum exit_code capture(struct program *program)
{
	const struct capture_options *options = &program->options;
	struct complaint why;

	program->capture = (struct capture) {
		.options = options,
		.writer = &program->writer,
		.copier = &program->copier,
		.source = program->source,
		.record = &program->record,
		.heartbeat = &program->heartbeat,
		.doorbell = program->region.doorbell,
	};
	capture_init(&program->capture);

	if (options->wait && !capture_wait_for_consumer(&program->capture, options->wait_ns)) {
		if (stop_requested()) {
			return EXIT_GOOD;
		}
		log_error(
		        "%s: no viewer attached within %.1f s; start host-viewer on the other side, "
		        "or wait longer with --wait",
		        options->region, (double)options->wait_ns / (double)NS_PER_S);
		return EXIT_NO_PEER;
	}
	switch (capture_run(&program->capture, &why)) {
	case CAPTURE_DONE:
		return EXIT_GOOD;
	case CAPTURE_DEPOSED:
		/* The word is the other's now. */
		heartbeat_stop(&program->heartbeat);
		if (region_was_lost(&program->region)) {
			log_error(
			        "--region: %s: its file was truncated; remove it, make it anew and "
			        "start again",
			        options->region);
			return EXIT_REGION;
		}
		log_error("%s: another producer took over; stopped", options->region);
		return EXIT_OTHER;
	case CAPTURE_FAILED:
		break;
	}
	ring_writer_set_state(&program->writer, RING_STATE_FAULT);
	log_error("%s: %s", source_option(options), why.text);
	return EXIT_OTHER;
}

/* Tells everybody, and leaves whole files behind, whatever the capture came to. */
static enum exit_code say_goodbye(struct program *program, enum exit_code code)
{
	const struct capture_options *options = &program->options;
	struct complaint why;
	uint64_t end_ns = clock_now_ns() + GOODBYE_NS;

	if (code == EXIT_GOOD || code == EXIT_NO_PEER) {
		ring_writer_end(&program->writer);
	}
	if (capture_record_close(&program->record) < 0 && code == EXIT_GOOD) {
		code = EXIT_OTHER;
	}
	if (options->summary) {
		json_t *summary = capture_record_summary(&program->record, options,
		        &program->writer, &program->region, &program->copier);

		json_object_set_new(summary, "wakeup",
		        wakeup_summary(&program->capture.wakeup, program->region.doorbell,
		                program->why_deaf.text));

		if (summary_write(summary, options->summary, &why) < 0) {
			log_error("--summary: %s", why.text);
			code = code == EXIT_GOOD ? EXIT_OTHER : code;
		}
		json_decref(summary);
	}
	/* Who comes now is still looked after: the last frames are there for it. */
	while (clock_now_ns() < end_ns && ring_writer_tend(&program->writer, clock_now_ns())) {
		clock_sleep_until_ns(clock_now_ns() + TEND_NS);
	}
	log_info("%llu frames published, %llu not published",
	        (unsigned long long)program->writer.counts.published,
	        (unsigned long long)program->writer.not_published);
	return code;
}

static enum exit_code run(struct program *program)
{
	enum exit_code code = open_region(program);

	/*
	 * A mistake in an option should not end the session that another left. Sizes come after the
	 * look at who lives there, because that is the news that matters more.
	 */
	if (code == EXIT_GOOD) {
		code = open_source(program);
	}
	if (code == EXIT_GOOD) {
		code = open_files(program);
	}
	if (code == EXIT_GOOD) {
		code = occupy(program);
	}
	if (code == EXIT_GOOD) {
		code = check_sizes(program);
	}
	if (code == EXIT_GOOD) {
		code = choose_kernels(program);
	}
	if (code != EXIT_GOOD) {
		return code;
	}
	code = open_ring(program);
	if (code != EXIT_GOOD) {
		ring_writer_end(&program->writer);
		return code;
	}
	return say_goodbye(program, capture(program));
}

int main(int argc, char **argv)
{
	/* Static: the writer's tables are large, and everything in it starts as zero. */
	static struct program program = { .region = { .fd = -1 } };
	enum exit_code code;

	log_init("guest-capture", LOG_LEVEL_INFO);
	capture_options_parse(&program.options, argc, argv);
	if (program.options.quiet) {
		log_init("guest-capture", LOG_LEVEL_WARNING);
	}
	stop_on_signals();
	code = run(&program);
	heartbeat_stop(&program.heartbeat);
	capture_record_finish(&program.record);
	if (program.source) {
		program.source->ops->close(program.source);
	}
	copier_finish(&program.copier);
	region_close(&program.region);
	return code;
}
