/* SPDX-License-Identifier: MIT */
/*
 * A queue of one writer and one reader: csv_row() fills slots and moves `filled`, the thread
 * empties them and moves `emptied`. Nobody waits for anybody; the thread looks every CSV_LOOK_NS.
 */
#include "csv.h"
#include "clock.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CSV_LOOK_NS   (50 * NS_PER_MS)
#define CSV_TEXT_MAX  200u                   /* characters of a cell; the rest is cut */
#define CSV_CELL_MAX  (2 * CSV_TEXT_MAX + 3) /* each may be a quote, quotes around, comma */
#define CSV_LINE_MAX  (CSV_COLUMNS_MAX * CSV_CELL_MAX + 1)
#define CSV_BATCH_MAX (64u * 1024)
static_assert(CSV_BATCH_MAX > 2 * CSV_LINE_MAX, "a batch holds at least one line");

struct csv {
	/* Set before the thread starts. */
	int fd;
	char *path;
	struct csv_column columns[CSV_COLUMNS_MAX];
	size_t column_count;
	uint64_t *slots; /* CSV_QUEUE_ROWS rows of column_count values */
	pthread_t thread;
	sem_t ending;
	/* Written by csv_row(). */
	_Atomic uint64_t filled;
	uint64_t overflowed; /* rows that found the queue full */
	/* Written by the thread. */
	_Atomic uint64_t emptied;
	off_t whole_bytes; /* of the file, up to the end of its last whole line */
	uint64_t rows;     /* that are in the file */
	uint64_t refused;  /* rows that the disk did not take */
	int error;         /* -errno of the first failure; nothing is written after it */
	char batch[CSV_BATCH_MAX];
};

static size_t format_text(char *to, const char *text)
{
	size_t length = strnlen(text, CSV_TEXT_MAX);
	char *at = to;

	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		memcpy(to, text, length);
		return length;
	}
	*at++ = '"';
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"') {
			*at++ = '"';
		}
		*at++ = text[i];
	}
	*at++ = '"';
	return (size_t)(at - to);
}

static size_t format_cell(char *to, enum csv_kind kind, uint64_t value)
{
	if (value == CSV_NA || (kind == CSV_TEXT && value == 0)) {
		return format_text(to, "NA");
	}
	switch (kind) {
	case CSV_HEX:
		return (size_t)sprintf(to, "%016" PRIx64, value);
	case CSV_TEXT:
		return format_text(to, (const char *)(uintptr_t)value);
	case CSV_COUNT:
		break;
	}
	return (size_t)sprintf(to, "%" PRIu64, value);
}

/* One line with its end into to, which has room for CSV_LINE_MAX; values NULL: the header row. */
static size_t format_line(const struct csv *csv, char *to, const uint64_t *values)
{
	char *at = to;

	for (size_t i = 0; i < csv->column_count; i++) {
		at += values ? format_cell(at, csv->columns[i].kind, values[i])
		             : format_text(at, csv->columns[i].name);
		*at++ = ',';
	}
	at[-1] = '\n';
	return (size_t)(at - to);
}

static uint64_t count_lines(const char *text, size_t size)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < size; i++) {
		lines += text[i] == '\n';
	}
	return lines;
}

/*
 * Writes whole lines; where the disk takes only a part of them, the file is cut back to the last
 * that it took whole. returns: 0 or -errno
 */
static int write_lines(struct csv *csv, const char *lines, size_t size)
{
	size_t done = 0;
	int error = 0;

	while (done < size && !error) {
		ssize_t some = write(csv->fd, lines + done, size - done);

		if (some > 0) {
			done += (size_t)some;
		} else if (some == 0 || errno != EINTR) {
			error = some == 0 ? -EIO : -errno;
		}
	}
	if (error) {
		const char *last = memrchr(lines, '\n', done);

		done = last ? (size_t)(last - lines) + 1 : 0;
		/* A pipe or device cannot be cut; then there is nothing to be done about it. */
		(void)!ftruncate(csv->fd, csv->whole_bytes + (off_t)done);
	}
	csv->whole_bytes += (off_t)done;
	csv->rows += count_lines(lines, done);
	return error;
}

static void write_batch(struct csv *csv, size_t size, uint64_t rows)
{
	uint64_t before = csv->rows;

	if (!csv->error) {
		csv->error = write_lines(csv, csv->batch, size);
		if (csv->error) {
			log_warning("%s: %s; it ends after %" PRIu64
			            " rows, everything else goes on. Make room there",
			        csv->path, strerror(-csv->error), csv->rows);
		}
	}
	csv->refused += rows - (csv->rows - before);
}

/* Empties the queue as far as it was filled when this began. */
static void drain(struct csv *csv)
{
	/* Pairs with the release in csv_row(). */
	uint64_t filled = atomic_load_explicit(&csv->filled, memory_order_acquire);
	uint64_t emptied = atomic_load_explicit(&csv->emptied, memory_order_relaxed);

	while (emptied < filled) {
		uint64_t rows = 0;
		size_t size = 0;

		while (emptied + rows < filled && size <= CSV_BATCH_MAX - CSV_LINE_MAX) {
			uint64_t slot = (emptied + rows) % CSV_QUEUE_ROWS;

			size += format_line(
			        csv, csv->batch + size, csv->slots + slot * csv->column_count);
			rows++;
		}
		emptied += rows;
		/* Pairs with the acquire in csv_row(): the slots may be used again. */
		atomic_store_explicit(&csv->emptied, emptied, memory_order_release);
		write_batch(csv, size, rows);
	}
}

static void *csv_thread(void *argument)
{
	struct csv *csv = argument;
	bool ending = false;

	while (!ending) {
		uint64_t then_ns = clock_now_ns() + CSV_LOOK_NS;
		const struct timespec then = {
			.tv_sec = (time_t)(then_ns / NS_PER_S),
			.tv_nsec = (long)(then_ns % NS_PER_S),
		};

		ending = sem_clockwait(&csv->ending, CLOCK_MONOTONIC, &then) == 0;
		drain(csv);
	}
	return NULL;
}

/*
 * With all signals blocked: they are the program's, and a file size limit then is an EFBIG of
 * write() instead of the SIGXFSZ that ends the process.
 */
static int start_thread(struct csv *csv)
{
	sigset_t all;
	sigset_t before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&csv->thread, NULL, csv_thread, csv);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static void csv_free(struct csv *csv)
{
	if (csv->fd >= 0) {
		close(csv->fd);
	}
	sem_destroy(&csv->ending);
	free(csv->slots);
	free(csv->path);
	free(csv);
}

static int csv_open(struct csv *csv, const char *path)
{
	size_t size;
	int error;

	csv->path = strdup(path);
	csv->slots = calloc((size_t)CSV_QUEUE_ROWS * csv->column_count, sizeof(*csv->slots));
	if (!csv->path || !csv->slots) {
		return -ENOMEM;
	}
	csv->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (csv->fd < 0) {
		return -errno;
	}
	size = format_line(csv, csv->batch, NULL);
	error = write_lines(csv, csv->batch, size);
	csv->rows = 0;
	return error ? error : start_thread(csv);
}

int csv_create(struct csv **out, const char *path, const struct csv_column *columns,
        size_t column_count, struct complaint *why)
{
	struct csv *csv = calloc(1, sizeof(*csv));
	int error = csv ? 0 : -ENOMEM;

	assert(column_count > 0 && column_count <= CSV_COLUMNS_MAX);
	*out = NULL;
	if (csv) {
		csv->fd = -1;
		csv->column_count = column_count;
		memcpy(csv->columns, columns, column_count * sizeof(*columns));
		sem_init(&csv->ending, 0, 0);
		error = csv_open(csv, path);
	}
	if (error) {
		complain(why, "%.200s cannot be written: %s", path, strerror(-error));
		if (csv) {
			csv_free(csv);
		}
		return error;
	}
	*out = csv;
	return 0;
}

void csv_row(struct csv *csv, const uint64_t *values)
{
	uint64_t filled = atomic_load_explicit(&csv->filled, memory_order_relaxed);
	/* Pairs with the release in drain(). */
	uint64_t emptied = atomic_load_explicit(&csv->emptied, memory_order_acquire);

	if (filled - emptied == CSV_QUEUE_ROWS) {
		csv->overflowed++;
		return;
	}
	memcpy(csv->slots + filled % CSV_QUEUE_ROWS * csv->column_count, values,
	        csv->column_count * sizeof(*values));
	/* Pairs with the acquire in drain(). */
	atomic_store_explicit(&csv->filled, filled + 1, memory_order_release);
}

int csv_destroy(struct csv *csv)
{
	int error;

	if (!csv) {
		return 0;
	}
	sem_post(&csv->ending);
	pthread_join(csv->thread, NULL);
	error = csv->error;
	if (close(csv->fd) != 0 && !error) {
		error = -errno;
		log_warning("%s: %s; its end may be missing", csv->path, strerror(errno));
	}
	csv->fd = -1;
	if (csv->overflowed) {
		log_warning("%s: %" PRIu64 " rows are missing, the disk was too slow for them",
		        csv->path, csv->overflowed);
		error = error ? error : -ENOBUFS;
	}
	if (csv->refused) {
		log_warning("%s: %" PRIu64 " rows at its end are missing", csv->path, csv->refused);
	}
	csv_free(csv);
	return error;
}

int csv_output_open(struct csv_output *output, const char *path, const struct csv_column *columns,
        size_t column_count, struct complaint *why)
{
	*output = (struct csv_output) { NULL, 0 };
	if (path) {
		output->error = csv_create(&output->csv, path, columns, column_count, why);
	}
	if (output->error == -ENOSPC || output->error == -EDQUOT) {
		log_warning("--csv: %s; it is left out, everything else goes on. Make room there",
		        why->text);
		return 0;
	}
	return output->error;
}

int csv_output_close(struct csv_output *output)
{
	if (output->csv) {
		output->error = csv_destroy(output->csv);
		output->csv = NULL;
	}
	return output->error;
}
