/* SPDX-License-Identifier: MIT */
/*
 * Rows: what they look like, that they reconcile, and that a full disk costs only them (G6).
 */
#include "csv.h"
#include "log.h"
#include "place.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const struct csv_column columns[] = {
	{ "sequence", CSV_COUNT },
	{ "epoch", CSV_HEX },
	{ "state", CSV_TEXT },
	{ "notify_ns", CSV_COUNT },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static uint64_t as_value(const char *text)
{
	return (uint64_t)(uintptr_t)text;
}

static char *read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(16 * MIB);

	assert_non_null(file);
	assert_non_null(text);
	*size = fread(text, 1, 16 * MIB - 1, file);
	text[*size] = '\0';
	fclose(file);
	return text;
}

static void cells_have_their_form(void **state)
{
	const struct place *place = *state;
	const uint64_t rows[][COLUMNS] = {
		{ 1, 0xabc, as_value("plain"), 0 },
		{ CSV_NA, CSV_NA, CSV_NA, CSV_NA },
		{ UINT64_MAX - 1, UINT64_MAX - 1, 0, 3 },
		{ 2, 0, as_value("a,b"), 4 },
		{ 3, 0, as_value("say \"no\""), 5 },
		{ 4, 0, as_value("two\nlines"), 6 },
		{ 5, 0, as_value(""), 7 },
	};
	static const char expected[] = "sequence,epoch,state,notify_ns\n"
	                               "1,0000000000000abc,plain,0\n"
	                               "NA,NA,NA,NA\n"
	                               "18446744073709551614,fffffffffffffffe,NA,3\n"
	                               "2,0000000000000000,\"a,b\",4\n"
	                               "3,0000000000000000,\"say \"\"no\"\"\",5\n"
	                               "4,0000000000000000,\"two\nlines\",6\n"
	                               "5,0000000000000000,,7\n";
	struct complaint why;
	struct csv *csv;
	size_t size;
	char *text;

	assert_int_equal(csv_create(&csv, place->path, columns, COLUMNS, &why), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		csv_row(csv, rows[i]);
	}
	assert_int_equal(csv_destroy(csv), 0);
	text = read_all(place->path, &size);
	assert_string_equal(text, expected);
	free(text);
	/* An older and longer file is replaced. */
	assert_int_equal(csv_create(&csv, place->path, columns, 1, &why), 0);
	assert_int_equal(csv_destroy(csv), 0);
	text = read_all(place->path, &size);
	assert_string_equal(text, "sequence\n");
	free(text);
	assert_int_equal(csv_destroy(NULL), 0);
}

static void long_cells_and_many_columns_fit(void **state)
{
	const struct place *place = *state;
	struct csv_column many[CSV_COLUMNS_MAX];
	uint64_t values[CSV_COLUMNS_MAX];
	char quotes[1000];
	struct complaint why;
	struct csv *csv;
	size_t size;
	char *text;

	memset(quotes, '"', sizeof(quotes) - 1);
	quotes[sizeof(quotes) - 1] = '\0';
	for (size_t i = 0; i < CSV_COLUMNS_MAX; i++) {
		many[i] = (struct csv_column) { quotes, CSV_TEXT };
		values[i] = as_value(quotes);
	}
	assert_int_equal(csv_create(&csv, place->path, many, CSV_COLUMNS_MAX, &why), 0);
	for (int i = 0; i < 100; i++) {
		csv_row(csv, values);
	}
	assert_int_equal(csv_destroy(csv), 0);
	text = read_all(place->path, &size);
	assert_int_equal(size, 101 * CSV_COLUMNS_MAX * (2 * 200 + 2 + 1));
	free(text);
}

/* More rows than the queue holds: each is in the file, in order, or was counted as lost. */
static void rows_are_there_or_were_counted(void **state)
{
	const struct place *place = *state;
	uint64_t sent = 5 * CSV_QUEUE_ROWS;
	uint64_t before = 0;
	uint64_t count = 0;
	struct complaint why;
	struct csv *csv;
	size_t size;
	char *text;
	int error;

	assert_int_equal(csv_create(&csv, place->path, columns, 1, &why), 0);
	for (uint64_t i = 1; i <= sent; i++) {
		csv_row(csv, &i);
	}
	error = csv_destroy(csv);
	text = read_all(place->path, &size);
	for (char *at = strchr(text, '\n') + 1; *at; at = strchr(at, '\n') + 1) {
		uint64_t sequence = strtoull(at, NULL, 10);

		assert_true(sequence > before && sequence <= sent);
		before = sequence;
		count++;
	}
	assert_true(count >= CSV_QUEUE_ROWS);
	assert_int_equal(error, count == sent ? 0 : -ENOBUFS);
	free(text);
}

/* Rows of one length until the limit is hit; returns what csv_destroy() said. */
static int write_rows(const char *path, uint64_t rows)
{
	struct complaint why;
	struct csv *csv;
	int error = csv_create(&csv, path, columns, 2, &why);

	for (uint64_t i = 0; i < rows && !error; i++) {
		const uint64_t values[2] = { 1000000 + i, i };

		csv_row(csv, values);
	}
	return error ? error : csv_destroy(csv);
}

static void check_whole_lines(const char *path, size_t most)
{
	size_t size;
	char *text = read_all(path, &size);
	size_t header = strlen("sequence,epoch\n");
	size_t line = strlen("1000000,0000000000000000\n");

	assert_true(size <= most);
	assert_true(size + line > most);
	assert_int_equal((size - header) % line, 0);
	assert_int_equal(text[size - 1], '\n');
	free(text);
}

/* Runs with standard error in a pipe and returns how many lines came. */
static unsigned warnings_of(int *error, const char *path, uint64_t rows)
{
	int kept = dup(STDERR_FILENO);
	unsigned lines = 0;
	int ends[2];
	char c;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	*error = write_rows(path, rows);
	dup2(kept, STDERR_FILENO);
	close(kept);
	while (read(ends[0], &c, 1) == 1) {
		lines += c == '\n';
	}
	close(ends[0]);
	return lines;
}

static void a_size_limit_costs_only_the_file(void **state)
{
	const struct place *place = *state;
	struct rlimit before;
	int error;

	/* SIGXFSZ keeps its default, which would end this test. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (rlim_t bytes = 20; bytes < 200000; bytes += 1 + bytes / 5) {
		const struct rlimit limit = { bytes, before.rlim_max };
		unsigned lines;

		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		lines = warnings_of(&error, place->path, 10000);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(error, -EFBIG);
		/* Once when it happens, once at the end with the number of rows. */
		assert_int_equal(lines, 2);
		check_whole_lines(place->path, bytes);
	}
}

/* In a mount namespace of its own; the exit code says what was seen. */
static void fill_small_disk(const char *folder)
{
	char path[128];
	struct stat status;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	        mount("tmpfs", folder, "tmpfs", 0, "size=65536")) {
		_exit(2);
	}
	snprintf(path, sizeof(path), "%s/rows", folder);
	if (write_rows(path, 10000) != -ENOSPC || stat(path, &status) ||
	        (status.st_size - 15) % 25 != 0 || status.st_size < 50000) {
		_exit(1);
	}
	_exit(0);
}

static void a_full_disk_costs_only_the_file(void **state)
{
	const struct place *place = *state;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		fill_small_disk(place->folder);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2) {
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void what_cannot_be_begun_is_an_error(void **state)
{
	struct complaint why = { "" };
	struct csv *csv;

	(void)state;
	assert_int_equal(csv_create(&csv, "/nowhere/at/all", columns, COLUMNS, &why), -ENOENT);
	assert_null(csv);
	assert_says(&why, "/nowhere/at/all");
	assert_int_equal(csv_create(&csv, "/dev/full", columns, COLUMNS, &why), -ENOSPC);
	assert_null(csv);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(cells_have_their_form),
		TEST(long_cells_and_many_columns_fit),
		TEST(rows_are_there_or_were_counted),
		TEST(a_size_limit_costs_only_the_file),
		TEST(a_full_disk_costs_only_the_file),
		cmocka_unit_test(what_cannot_be_begun_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
