/* SPDX-License-Identifier: MIT */
/*
 * Raw frames from a file or a pipe. Bytes are collected over as many calls of wait() as it takes,
 * into one buffer, while the frame before is still being published out of another; no more than
 * that is read ahead, so a pipe fills up and its writer waits.
 *
 * Files are read, not mapped: one that is cut short while we look is an end, not a SIGBUS.
 */
#include "clock.h"
#include "frame_memory.h"
#include "log.h"
#include "pixel_format.h"
#include "source_table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read at once from a file, which no poll() limits: about a millisecond. */
#define CHUNK_BYTES ((size_t)1024 * 1024)

struct raw_source {
	struct source base;
	struct frame_info info;
	const char *format_name;
	char name[200]; /* of the input, for messages */
	int fd;
	size_t row_bytes;   /* without padding, as in the input */
	size_t frame_bytes; /* the same */
	uint8_t *incoming;  /* frame_bytes, of which the first filled are there */
	size_t filled;
	uint8_t *shown; /* stride * height: the frame handed out last */
	uint64_t frames_read;
	bool has_ended;
};

static void raw_close(struct source *source)
{
	struct raw_source *raw = (struct raw_source *)source;

	if (!raw) {
		return;
	}
	if (raw->fd >= 0) {
		close(raw->fd);
	}
	free(raw->incoming);
	free(raw->shown);
	free(raw);
}

static int complain_short(const struct raw_source *raw, uint64_t found, struct complaint *why)
{
	complain(why,
	        "%s holds %" PRIu64 " bytes, but one frame of %ux%u %s needs %zu; "
	        "give the size and format it was written with (--res, --format)",
	        raw->name, found, raw->info.width, raw->info.height, raw->format_name,
	        raw->frame_bytes);
	return -EINVAL;
}

/* A descriptor of our own, so that closing it is right in either case. */
static int open_input(struct raw_source *raw, const char *path, struct complaint *why)
{
	int error;

	if (strcmp(path, "-") == 0) {
		snprintf(raw->name, sizeof(raw->name), "standard input");
		raw->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	} else {
		snprintf(raw->name, sizeof(raw->name), "'%s'", path);
		/* Without O_NONBLOCK a FIFO would keep us here until somebody writes to it. */
		raw->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	if (raw->fd >= 0) {
		return 0;
	}
	error = errno;
	complain(why, "cannot read %s: %s; name a readable file, a FIFO, or - for standard input",
	        raw->name, strerror(error));
	return -error;
}

/* Sets is_live, and refuses what cannot hold a frame. */
static int judge_input(struct raw_source *raw, struct complaint *why)
{
	struct stat status;
	off_t at;

	if (fstat(raw->fd, &status) < 0) {
		int error = errno;

		complain(why, "cannot examine %s: %s", raw->name, strerror(error));
		return -error;
	}
	if (S_ISDIR(status.st_mode)) {
		complain(why, "%s is a directory; name a file of raw frames, a FIFO, or -",
		        raw->name);
		return -EISDIR;
	}
	if (isatty(raw->fd)) {
		complain(
		        why, "%s is a terminal; pipe raw frames into it or name a file", raw->name);
		return -EINVAL;
	}
	raw->base.is_live = !S_ISREG(status.st_mode);
	if (raw->base.is_live) {
		return 0;
	}
	/* Standard input may have been read from before. */
	at = lseek(raw->fd, 0, SEEK_CUR);
	if (at < 0 || status.st_size - at < (off_t)raw->frame_bytes) {
		uint64_t left =
		        at >= 0 && at < status.st_size ? (uint64_t)(status.st_size - at) : 0;

		return complain_short(raw, left, why);
	}
	return 0;
}

static int make_buffers(struct raw_source *raw, struct complaint *why)
{
	raw->incoming = malloc(raw->frame_bytes);
	/* Padding stays 0: only pixels are ever written. */
	raw->shown = frame_memory_alloc(frame_info_bytes(&raw->info));
	if (raw->incoming && raw->shown) {
		memset(raw->shown, 0, frame_info_bytes(&raw->info));
		return 0;
	}
	complain(why, "out of memory for two frames of %ux%u; use a smaller size", raw->info.width,
	        raw->info.height);
	return -ENOMEM;
}

static int raw_open(
        struct source **out, const struct source_request *request, struct complaint *why)
{
	const struct pixel_format *format = pixel_format_by_fourcc(request->info.fourcc);
	struct raw_source *raw;
	int result;

	assert(format && request->info.stride >= (uint64_t)request->info.width * format->bytes);
	if (!request->argument || !*request->argument) {
		complain(why, "no input named; name a file, a FIFO, or - for standard input");
		return -EINVAL;
	}
	raw = calloc(1, sizeof(*raw));
	if (!raw) {
		complain(why, "out of memory");
		return -ENOMEM;
	}
	raw->base.ops = &source_raw;
	raw->info = request->info;
	raw->format_name = format->name;
	raw->row_bytes = (size_t)raw->info.width * format->bytes;
	raw->frame_bytes = raw->row_bytes * raw->info.height;
	result = open_input(raw, request->argument, why);
	if (result == 0) {
		result = judge_input(raw, why);
	}
	if (result == 0) {
		result = make_buffers(raw, why);
	}
	if (result < 0) {
		raw_close(&raw->base);
		return result;
	}
	*out = &raw->base;
	return 0;
}

/* Nothing more will come. */
static enum source_result end_input(struct raw_source *raw, struct complaint *why)
{
	if (raw->frames_read == 0) {
		complain_short(raw, raw->filled, why);
		return SOURCE_FAILED;
	}
	if (raw->filled > 0) {
		log_warning("%s ends inside frame %" PRIu64
		            ": %zu of its %zu bytes are missing, so it is left out",
		        raw->name, raw->frames_read + 1, raw->frame_bytes - raw->filled,
		        raw->frame_bytes);
	}
	raw->has_ended = true;
	return SOURCE_END;
}

/* Reads what is there, once. SOURCE_FRAME: some bytes came, or will if asked again. */
static enum source_result take_bytes(struct raw_source *raw, struct complaint *why)
{
	size_t want = raw->frame_bytes - raw->filled;
	ssize_t got =
	        read(raw->fd, raw->incoming + raw->filled, want < CHUNK_BYTES ? want : CHUNK_BYTES);

	if (got > 0) {
		raw->filled += (size_t)got;
		return SOURCE_FRAME;
	}
	if (got == 0) {
		return end_input(raw, why);
	}
	if (errno == EINTR) {
		return SOURCE_NOTHING;
	}
	if (errno == EAGAIN) {
		return SOURCE_FRAME;
	}
	complain(why, "cannot read %s: %s", raw->name, strerror(errno));
	return SOURCE_FAILED;
}

/*
 * Standard input may block, and its flags are not ours to change; so it is read only after poll()
 * has seen something. A FIFO that no writer has opened yet is silent, not at its end.
 */
static enum source_result await_bytes(
        struct raw_source *raw, uint64_t deadline_ns, struct complaint *why)
{
	struct pollfd input = { .fd = raw->fd, .events = POLLIN };
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = now_ns < deadline_ns ? deadline_ns - now_ns : 0;
	const struct timespec left = {
		.tv_sec = (time_t)(left_ns / NS_PER_S),
		.tv_nsec = (long)(left_ns % NS_PER_S),
	};
	int ready = ppoll(&input, 1, &left, NULL);

	if (ready < 0 && errno != EINTR) {
		complain(why, "cannot wait for %s: %s", raw->name, strerror(errno));
		return SOURCE_FAILED;
	}
	return ready > 0 ? take_bytes(raw, why) : SOURCE_NOTHING;
}

static enum source_result raw_wait(struct source *source, int timeout_ms, struct complaint *why)
{
	struct raw_source *raw = (struct raw_source *)source;
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;

	assert(timeout_ms >= 0);
	if (raw->has_ended) {
		return SOURCE_END;
	}
	while (raw->filled < raw->frame_bytes) {
		enum source_result result = await_bytes(raw, deadline_ns, why);

		if (result != SOURCE_FRAME) {
			return result;
		}
		/* A file, or a fast writer, would otherwise keep us for as long as it likes. */
		if (raw->filled < raw->frame_bytes && clock_now_ns() >= deadline_ns) {
			return SOURCE_NOTHING;
		}
	}
	return SOURCE_FRAME;
}

static int raw_read(struct source *source, struct frame *frame, struct complaint *why)
{
	struct raw_source *raw = (struct raw_source *)source;

	(void)why;
	assert(raw->filled == raw->frame_bytes);
	if (raw->row_bytes == raw->info.stride) {
		uint8_t *whole = raw->incoming;

		raw->incoming = raw->shown;
		raw->shown = whole;
	} else {
		for (size_t y = 0; y < raw->info.height; y++) {
			memcpy(raw->shown + y * raw->info.stride,
			        raw->incoming + y * raw->row_bytes, raw->row_bytes);
		}
	}
	raw->filled = 0;
	raw->frames_read++;
	frame->info = raw->info;
	frame->pixels = raw->shown;
	frame->damage.base_sequence = 0;
	frame->damage.count = 0;
	return 0;
}

const struct source_ops source_raw = {
	.name = "raw",
	.open = raw_open,
	.wait = raw_wait,
	.read = raw_read,
	.close = raw_close,
};
