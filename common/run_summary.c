/* SPDX-License-Identifier: MIT */
#include "run_summary.h"

#include "machine.h"
#include "version.h"

static json_t *command_line(int argc, char **argv)
{
	json_t *command = json_array();

	for (int i = 0; i < argc; i++) {
		/* An argument that is not UTF-8 cannot stand in JSON. */
		json_t *word = json_string(argv[i]);

		json_array_append_new(command, word ? word : json_string("?"));
	}
	return command;
}

static json_t *describe_region(const struct region *region, const struct copier *copier)
{
	json_t *object = json_object();

	json_object_set_new(object, "address", json_string(region->address));
	json_object_set_new(
	        object, "mapping", region->mapping ? json_string(region->mapping) : json_null());
	json_object_set_new(object, "size_bytes", json_integer((json_int_t)region->size));
	json_object_set_new(object, "copy_kernel", json_string(copier->kernel->name));
	json_object_set_new(object, "copy_bytes_per_second",
	        copier->kernel_bytes_per_second
	                ? json_integer((json_int_t)copier->kernel_bytes_per_second)
	                : json_null());
	return object;
}

json_t *run_summary_begin(const char *program, int argc, char **argv, const struct region *region,
        const struct copier *copier)
{
	json_t *summary = json_object();

	json_object_set_new(summary, "schema_version", json_integer(RUN_SUMMARY_SCHEMA));
	json_object_set_new(summary, "program", json_string(program));
	json_object_set_new(summary, "version", json_string(ORIEL_VERSION));
	json_object_set_new(summary, "commit", json_string(ORIEL_COMMIT));
	json_object_set_new(summary, "command", command_line(argc, argv));
	json_object_set_new(summary, "machine", machine_describe());
	json_object_set_new(summary, "region", describe_region(region, copier));
	return summary;
}
