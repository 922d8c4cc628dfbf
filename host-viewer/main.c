/* SPDX-License-Identifier: MIT */
/*
 * host-viewer: options, region, sink, loop, exit code.
 */
#include "clock.h"
#include "exit_code.h"
#include "link.h"
#include "log.h"
#include "region.h"
#include "sink.h"
#include "stop.h"
#include "summary.h"
#include "view.h"
#include "viewer_options.h"
#include "viewer_record.h"
#include "whole_file.h"

#include <errno.h>
#include <string.h>

#define SELF_TEST_NS (50 * NS_PER_MS)
#define REOPEN_NS    (50 * NS_PER_MS)

struct program {
	struct viewer_options options;
	struct link link;
	struct copier copier;
	struct sink *sink;
	struct viewer_record record;
	struct view view;
};

/* A region that is not there yet may come while --wait lasts. */
static int open_region_in_time(struct program *program, struct complaint *why)
{
	uint64_t end_ns = clock_now_ns() + (program->options.wait ? program->options.wait_ns : 0);
	bool told = false;

	for (;;) {
		int result = link_open(&program->link, why);
		uint64_t now_ns = clock_now_ns();

		if (result != -ENOENT || now_ns >= end_ns || stop_requested()) {
			return result;
		}
		if (!told) {
			told = true;
			log_info("waiting for the region %s", program->options.region);
		}
		clock_sleep_until_ns(now_ns + REOPEN_NS);
	}
}

static enum exit_code open_region(struct program *program)
{
	const struct viewer_options *options = &program->options;
	const struct link_config config = {
		.region = options->region,
		.mode = options->mode,
		.block = options->block,
		.wakeup = options->wakeup,
		.wants_pointer = sink_by_name(options->sink)->pointer != NULL,
	};
	struct complaint why;
	int error;

	if (options->create && region_create(options->region, options->create_size, &why) < 0) {
		log_error("--create: %.255s: %s", options->region, why.text);
		return EXIT_REGION;
	}
	link_init(&program->link, &config);
	error = open_region_in_time(program, &why);
	if (error < 0 && !stop_requested()) {
		log_error("%s: %.255s: %s",
		        error == -ENOTSUP && options->wakeup == WAKEUP_DOORBELL
		                ? "--wakeup doorbell"
		                : "--region",
		        options->region, why.text);
		return EXIT_REGION;
	}
	if (program->link.region.doorbell && program->link.why_deaf.text[0]) {
		log_info("%s: no producer can wake us: polling; %s", options->region,
		        program->link.why_deaf.text);
	}
	return EXIT_GOOD;
}

static enum exit_code choose_kernels(struct program *program)
{
	const struct region *region = &program->link.region;

	if (copier_init(&program->copier, COPY_OUT) < 0) {
		log_error("out of memory");
		return EXIT_OTHER;
	}
	copier_choose(&program->copier, region->bytes, region->size, SELF_TEST_NS);
	log_info("%s mapped as %s, %s copies %.2f GB/s", region->path, region->mapping,
	        program->copier.kernel->name,
	        (double)program->copier.kernel_bytes_per_second / 1e9);
	return EXIT_GOOD;
}

static enum exit_code open_sink(struct program *program)
{
	const struct viewer_options *options = &program->options;
	const struct sink_request request = {
		.argument = options->screenshot,
		.renderer = options->renderer,
		.folder = ".",
	};
	struct complaint why;

	if (sink_by_name(options->sink)->open(&program->sink, &request, &why) < 0) {
		log_error("%s", why.text);
		return EXIT_OTHER;
	}
	return EXIT_GOOD;
}

static enum exit_code open_files(struct program *program)
{
	const struct viewer_options *options = &program->options;
	struct complaint why;

	if (options->summary && whole_file_check(options->summary, &why) < 0) {
		log_error("--summary: %s; name a file that can be", why.text);
		return EXIT_OTHER;
	}
	if (viewer_record_open(&program->record, options->csv, &why) < 0) {
		log_error("--csv: %s; name a file that can be", why.text);
		return EXIT_OTHER;
	}
	return EXIT_GOOD;
}

static enum exit_code view(struct program *program)
{
	struct complaint why = { .text = "" };
	enum view_result result;

	program->view.options = &program->options;
	program->view.link = &program->link;
	program->view.copier = &program->copier;
	program->view.sink = program->sink;
	program->view.record = &program->record;
	result = view_run(&program->view, &why);
	if (why.text[0]) {
		log_error("%s", why.text);
	}
	if (result == VIEW_DONE && program->options.screenshot && !program->view.first_ns &&
	        !stop_requested()) {
		log_error(
		        "--screenshot: %s: the stream ended before a frame could be taken; nothing "
		        "was written",
		        program->options.region);
		return EXIT_NO_PEER;
	}
	switch (result) {
	case VIEW_DONE:
		return EXIT_GOOD;
	case VIEW_NO_PEER:
		return EXIT_NO_PEER;
	case VIEW_OTHER_VERSION:
		return EXIT_OTHER_VERSION;
	case VIEW_REGION:
		return EXIT_REGION;
	case VIEW_INTEGRITY:
		return EXIT_INTEGRITY;
	case VIEW_FAILED:
		break;
	}
	return EXIT_OTHER;
}

/* A bad frame or a count that does not add up outweighs an otherwise good end. */
static enum exit_code judge_counts(const struct program *program, enum exit_code code)
{
	const struct ring_reader_counts counts = link_counts(&program->link);

	if (code != EXIT_GOOD) {
		return code;
	}
	if (counts.bad) {
		log_error("%s: %llu frames were bad; the last one %s", program->options.region,
		        (unsigned long long)counts.bad,
		        frame_fault_text(link_last_fault(&program->link)));
		return EXIT_INTEGRITY;
	}
	if (!link_counts_reconcile(&program->link)) {
		log_error("%s: the counts do not reconcile", program->options.region);
		return EXIT_INTEGRITY;
	}
	return EXIT_GOOD;
}

static enum exit_code leave_files(struct program *program, enum exit_code code)
{
	const struct viewer_options *options = &program->options;
	struct complaint why;

	if (viewer_record_close(&program->record) < 0 && code == EXIT_GOOD) {
		code = EXIT_OTHER;
	}
	if (options->summary) {
		json_t *summary = viewer_record_summary(&program->record, options, &program->link,
		        &program->copier, &program->view.wakeup);

		json_object_set_new(
		        summary, "pointer", view_pointer_summary(&program->view.pointer));
		if (summary_write(summary, options->summary, &why) < 0) {
			log_error("--summary: %s", why.text);
			code = code == EXIT_GOOD ? EXIT_OTHER : code;
		}
		json_decref(summary);
	}
	if (!options->quiet && strcmp(options->sink, "bench") == 0) {
		viewer_record_print(&program->record, &program->link);
	}
	return code;
}

static enum exit_code run(struct program *program)
{
	enum exit_code code = open_region(program);

	if (code != EXIT_GOOD || !program->link.region.bytes) {
		/* Told to stop while it waited for the region: there is nothing to be left behind.
		 */
		return code;
	}
	code = choose_kernels(program);
	if (code == EXIT_GOOD) {
		code = open_sink(program);
	}
	if (code == EXIT_GOOD) {
		code = open_files(program);
	}
	if (code != EXIT_GOOD) {
		return code;
	}
	code = judge_counts(program, view(program));
	return leave_files(program, code);
}

int main(int argc, char **argv)
{
	/* Static: reader and meter are large, and everything in it starts as zero. */
	static struct program program = { .link = { .region = { .fd = -1 } } };
	enum exit_code code;

	log_init("host-viewer", LOG_LEVEL_INFO);
	viewer_options_parse(&program.options, argc, argv);
	if (program.options.quiet) {
		log_init("host-viewer", LOG_LEVEL_WARNING);
	}
	stop_on_signals();
	code = run(&program);
	if (program.sink) {
		program.sink->ops->close(program.sink);
	}
	view_finish(&program.view);
	viewer_record_finish(&program.record);
	link_close(&program.link);
	copier_finish(&program.copier);
	return code;
}
