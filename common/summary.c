/* SPDX-License-Identifier: MIT */
#include "summary.h"
#include "whole_file.h"

#include <errno.h>

/* JSON null where there is no value, or none that a JSON integer of jansson's holds. */
static json_t *percentile(struct samples *samples, unsigned permille)
{
	uint64_t value_ns;

	if (!samples_percentile(samples, permille, &value_ns) || value_ns > INT64_MAX) {
		return json_null();
	}
	return json_integer((json_int_t)value_ns);
}

static json_t *mean(const struct samples *samples)
{
	/* 64 bits of mantissa on x86; elsewhere the loss is below that of JSON's own doubles. */
	long double sum = 0;

	if (samples->count == 0) {
		return json_null();
	}
	for (size_t i = 0; i < samples->count; i++) {
		sum += (long double)samples->values[i];
	}
	return json_real((double)(sum / (long double)samples->count));
}

json_t *summary_percentiles(struct samples *samples)
{
	json_t *object = json_object();

	json_object_set_new(object, "p50", percentile(samples, 500));
	json_object_set_new(object, "p90", percentile(samples, 900));
	json_object_set_new(object, "p95", percentile(samples, 950));
	json_object_set_new(object, "p99", percentile(samples, 990));
	json_object_set_new(object, "p999", percentile(samples, 999));
	json_object_set_new(object, "max", percentile(samples, 1000));
	json_object_set_new(object, "min", percentile(samples, 0));
	json_object_set_new(object, "mean", mean(samples));
	json_object_set_new(object, "count", json_integer((json_int_t)samples->count));
	return object;
}

int summary_write(json_t *summary, const char *path, struct complaint *why)
{
	struct whole_file file;
	int error;

	if (!summary) {
		complain(why, "%.200s cannot be written: out of memory", path);
		return -ENOMEM;
	}
	error = whole_file_begin(&file, path, why);
	if (error) {
		return error;
	}
	errno = 0;
	if (json_dumpf(summary, file.stream, JSON_INDENT(2)) != 0 || fputc('\n', file.stream) < 0) {
		error = errno ? -errno : -EINVAL;
	}
	return whole_file_end(&file, error, why);
}
