/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "pixel_format.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <drm_fourcc.h>

/* Rows of 15 bytes in the input and of 16 in a frame, which shows who expands them. */
static const struct frame_info padded = { DRM_FORMAT_RGB888, 5, 3, 16 };
static const struct frame_info plain = { DRM_FORMAT_XRGB8888, 4, 3, 16 };

#define PADDED_BYTES 45u
#define PLAIN_BYTES  48u

static char folder[64];
static char path[80];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/oriel-test-raw-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/frames", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_bytes(int fd, size_t begin, size_t count)
{
	for (size_t i = begin; i < begin + count; i++) {
		uint8_t byte = (uint8_t)(i * 7 + i / 251 + 1);

		assert_int_equal(write(fd, &byte, 1), 1);
	}
}

static void make_file(size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	write_bytes(fd, 0, bytes);
	close(fd);
}

static int try_open(struct source **out, const char *argument, const struct frame_info *info,
        struct complaint *why)
{
	struct source_request request = { .argument = argument, .info = *info };

	*out = NULL;
	why->text[0] = '\0';
	return source_by_name("raw")->open(out, &request, why);
}

static struct source *open_raw(const char *argument, const struct frame_info *info)
{
	struct source *source;
	struct complaint why;
	int result = try_open(&source, argument, info, &why);

	assert_string_equal(why.text, "");
	assert_int_equal(result, 0);
	return source;
}

static enum source_result wait_for(struct source *source, int timeout_ms)
{
	struct complaint why = { "" };

	return source->ops->wait(source, timeout_ms, &why);
}

/* Reads the next frame, which begins at the input's byte begin, and checks it. */
static const uint8_t *check_frame(
        struct source *source, const struct frame_info *info, size_t row, size_t begin)
{
	struct frame frame = { .info = { DRM_FORMAT_RGB565, 1, 1, 4 }, .sequence = 9 };
	const uint8_t *pixels;
	struct complaint why;

	frame.damage.base_sequence = 1;
	assert_int_equal(source->ops->read(source, &frame, &why), 0);
	assert_true(frame_info_equal(&frame.info, info));
	assert_int_equal(frame.damage.base_sequence, 0);
	assert_int_equal(frame.damage.count, 0);
	pixels = frame.pixels;
	for (size_t y = 0; y < info->height; y++) {
		for (size_t x = 0; x < info->stride; x++) {
			size_t i = begin + y * row + x;
			uint8_t want = x < row ? (uint8_t)(i * 7 + i / 251 + 1) : 0;

			assert_int_equal(pixels[y * info->stride + x], want);
		}
	}
	return pixels;
}

/* Runs what follows with another standard error; returns what was written to it. */
static int quiet_begin(void)
{
	int kept = dup(STDERR_FILENO);
	int fd = open(folder, O_TMPFILE | O_RDWR, 0600);

	assert_true(kept >= 0 && fd >= 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return kept;
}

static void quiet_end(int kept, char *text, size_t size)
{
	ssize_t got = pread(STDERR_FILENO, text, size - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static void a_file_is_read_frame_by_frame(void **state)
{
	struct source *source;

	(void)state;
	make_file(3 * PADDED_BYTES);
	source = open_raw(path, &padded);
	assert_false(source->is_live);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
		assert_int_equal(wait_for(source, 0), SOURCE_FRAME);
		check_frame(source, &padded, 15, i * PADDED_BYTES);
	}
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	source->ops->close(source);
}

static void a_frame_stays_while_the_next_is_read_ahead(void **state)
{
	static const struct frame_info *const infos[] = { &plain, &padded };
	static const size_t rows[] = { 16, 15 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t bytes = rows[i] * 3;
		uint8_t copy[PLAIN_BYTES];
		const uint8_t *shown;
		struct source *source;

		make_file(3 * bytes);
		source = open_raw(path, infos[i]);
		assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
		shown = check_frame(source, infos[i], rows[i], 0);
		memcpy(copy, shown, sizeof(copy));
		assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
		assert_memory_equal(shown, copy, sizeof(copy));
		check_frame(source, infos[i], rows[i], bytes);
		source->ops->close(source);
	}
}

static void a_frame_cut_short_is_left_out_and_told(void **state)
{
	struct source *source;
	char told[500];
	int kept;

	(void)state;
	make_file(2 * PADDED_BYTES - 4);
	source = open_raw(path, &padded);
	assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
	check_frame(source, &padded, 15, 0);
	kept = quiet_begin();
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	quiet_end(kept, told, sizeof(told));
	assert_non_null(strstr(told, " 4 of its 45 bytes"));
	assert_non_null(strstr(told, "frame 2"));
	/* once */
	assert_ptr_equal(strchr(told, '\n'), told + strlen(told) - 1);
	source->ops->close(source);
}

static void a_whole_number_of_frames_ends_in_silence(void **state)
{
	struct source *source;
	char told[500];
	int kept = quiet_begin();

	(void)state;
	make_file(PADDED_BYTES);
	source = open_raw(path, &padded);
	assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
	check_frame(source, &padded, 15, 0);
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	source->ops->close(source);
	quiet_end(kept, told, sizeof(told));
	assert_string_equal(told, "");
}

static void a_file_that_shrinks_ends(void **state)
{
	struct source *source;

	(void)state;
	make_file(3 * PADDED_BYTES);
	source = open_raw(path, &padded);
	assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
	check_frame(source, &padded, 15, 0);
	assert_int_equal(truncate(path, PADDED_BYTES), 0);
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	source->ops->close(source);
}

static void what_cannot_be_read_is_refused(void **state)
{
	struct source *source;
	struct complaint why;

	(void)state;
	assert_int_equal(try_open(&source, path, &plain, &why), -ENOENT);
	assert_non_null(strstr(why.text, path));
	assert_non_null(strstr(why.text, "FIFO"));
	assert_int_equal(try_open(&source, folder, &plain, &why), -EISDIR);
	assert_non_null(strstr(why.text, folder));
	assert_int_equal(try_open(&source, NULL, &plain, &why), -EINVAL);
	assert_non_null(strstr(why.text, "name a file"));
	assert_int_equal(try_open(&source, "", &plain, &why), -EINVAL);
	make_file(100);
	assert_int_equal(chmod(path, 0), 0);
	if (access(path, R_OK) != 0) { /* root may read it all the same */
		assert_int_equal(try_open(&source, path, &plain, &why), -EACCES);
		assert_non_null(strstr(why.text, path));
	}
	assert_null(source);
	source_by_name("raw")->close(NULL);
}

static void a_file_shorter_than_a_frame_is_refused(void **state)
{
	struct source *source;
	struct complaint why;

	(void)state;
	make_file(PADDED_BYTES - 1);
	assert_int_equal(try_open(&source, path, &padded, &why), -EINVAL);
	assert_non_null(strstr(why.text, " 44 bytes"));
	assert_non_null(strstr(why.text, "needs 45"));
	assert_non_null(strstr(why.text, "5x3 rgb888"));
	assert_non_null(strstr(why.text, "--res"));
	assert_non_null(strstr(why.text, "--format"));
	make_file(0);
	assert_int_equal(try_open(&source, path, &padded, &why), -EINVAL);
	assert_non_null(strstr(why.text, " 0 bytes"));
}

static void a_silent_fifo_is_waited_for(void **state)
{
	struct source *source;
	uint64_t begin_ns;
	uint64_t took_ns;
	int writer;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	source = open_raw(path, &padded);
	assert_true(source->is_live);
	begin_ns = clock_now_ns();
	assert_int_equal(wait_for(source, 30), SOURCE_NOTHING);
	took_ns = clock_elapsed_ns(begin_ns, clock_now_ns());
	assert_in_range(took_ns, 29 * NS_PER_MS, 1000 * NS_PER_MS);
	writer = open(path, O_WRONLY);
	/* Byte by byte over the border of two frames. */
	for (size_t i = 0; i < 2 * PADDED_BYTES; i++) {
		assert_int_equal(wait_for(source, 0), SOURCE_NOTHING);
		write_bytes(writer, i, 1);
		if (i % PADDED_BYTES == PADDED_BYTES - 1) {
			assert_int_equal(wait_for(source, 0), SOURCE_FRAME);
			check_frame(source, &padded, 15, i + 1 - PADDED_BYTES);
		}
	}
	assert_int_equal(wait_for(source, 0), SOURCE_NOTHING);
	close(writer);
	assert_int_equal(wait_for(source, 0), SOURCE_END);
	source->ops->close(source);
}

/* A partial frame must not make wait() stay for the rest. */
static void half_a_frame_does_not_block(void **state)
{
	struct source *source;
	uint64_t begin_ns;
	int writer;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	source = open_raw(path, &padded);
	writer = open(path, O_WRONLY);
	write_bytes(writer, 0, PADDED_BYTES / 2);
	begin_ns = clock_now_ns();
	assert_int_equal(wait_for(source, 20), SOURCE_NOTHING);
	assert_in_range(clock_elapsed_ns(begin_ns, clock_now_ns()), 19 * NS_PER_MS, NS_PER_S);
	close(writer);
	source->ops->close(source);
}

static void a_pipe_that_ends_before_a_frame_has_failed(void **state)
{
	static const size_t counts[] = { 0, 7 };

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	for (size_t i = 0; i < 2; i++) {
		struct source *source = open_raw(path, &padded);
		int writer = open(path, O_WRONLY);
		struct complaint why = { "" };

		write_bytes(writer, 0, counts[i]);
		close(writer);
		assert_int_equal(source->ops->wait(source, 100, &why), SOURCE_FAILED);
		assert_non_null(strstr(why.text, counts[i] ? " 7 bytes" : " 0 bytes"));
		assert_non_null(strstr(why.text, "needs 45"));
		source->ops->close(source);
	}
}

/* Makes fd standard input while one frame is read from it. */
static struct source *open_standard_input(int fd, const struct frame_info *info)
{
	int kept = dup(STDIN_FILENO);
	struct source *source;

	dup2(fd, STDIN_FILENO);
	source = open_raw("-", info);
	if (kept >= 0) {
		dup2(kept, STDIN_FILENO);
		close(kept);
	} else {
		close(STDIN_FILENO);
	}
	return source;
}

static void standard_input_may_be_a_pipe_or_a_file(void **state)
{
	struct source *source;
	int ends[2];
	int fd;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	source = open_standard_input(ends[0], &plain);
	assert_true(source->is_live);
	/* The other users of standard input must not see it change. */
	assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(wait_for(source, 0), SOURCE_NOTHING);
	write_bytes(ends[1], 0, PLAIN_BYTES);
	assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
	check_frame(source, &plain, 16, 0);
	source->ops->close(source);
	close(ends[0]);
	close(ends[1]);

	/* From where it stands, not from its beginning. */
	make_file(2 * PLAIN_BYTES + 5);
	fd = open(path, O_RDONLY);
	assert_int_equal(lseek(fd, PLAIN_BYTES + 5, SEEK_SET), PLAIN_BYTES + 5);
	source = open_standard_input(fd, &plain);
	assert_false(source->is_live);
	assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
	check_frame(source, &plain, 16, PLAIN_BYTES + 5);
	assert_int_equal(wait_for(source, 1000), SOURCE_END);
	source->ops->close(source);
	close(fd);
}

/* What is in the pipe beyond the frame read ahead stays there. */
static void only_one_frame_is_read_ahead(void **state)
{
	uint8_t rest[4 * PLAIN_BYTES];
	struct source *source;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	source = open_standard_input(ends[0], &plain);
	write_bytes(ends[1], 0, 3 * PLAIN_BYTES);
	assert_int_equal(wait_for(source, 1000), SOURCE_FRAME);
	check_frame(source, &plain, 16, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(wait_for(source, 10), SOURCE_FRAME);
	}
	assert_int_equal(read(ends[0], rest, sizeof(rest)), PLAIN_BYTES);
	source->ops->close(source);
	close(ends[0]);
	close(ends[1]);
}

/* A file is always ready; the time given must limit it all the same. */
static void a_large_frame_keeps_to_the_time(void **state)
{
	static const struct frame_info large = { DRM_FORMAT_XRGB8888, 4096, 4096, 16384 };
	struct source *source;
	int calls = 1;

	(void)state;
	make_file(0);
	assert_int_equal(truncate(path, (off_t)frame_info_bytes(&large)), 0);
	source = open_raw(path, &large);
	while (wait_for(source, 0) == SOURCE_NOTHING) {
		calls++;
	}
	assert_int_equal(calls, 64);
	source->ops->close(source);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_read_frame_by_frame),
		TEST(a_frame_stays_while_the_next_is_read_ahead),
		TEST(a_frame_cut_short_is_left_out_and_told),
		TEST(a_whole_number_of_frames_ends_in_silence),
		TEST(a_file_that_shrinks_ends),
		TEST(what_cannot_be_read_is_refused),
		TEST(a_file_shorter_than_a_frame_is_refused),
		TEST(a_silent_fifo_is_waited_for),
		TEST(half_a_frame_does_not_block),
		TEST(a_pipe_that_ends_before_a_frame_has_failed),
		TEST(standard_input_may_be_a_pipe_or_a_file),
		TEST(only_one_frame_is_read_ahead),
		TEST(a_large_frame_keeps_to_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
