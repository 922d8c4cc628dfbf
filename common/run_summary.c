/* SPDX-License-Identifier: MIT */
#include "run_summary.h"

#include "frame_memory.h"
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

static json_t *speed(uint64_t bytes_per_second)
{
	return bytes_per_second ? json_integer((json_int_t)bytes_per_second) : json_null();
}

/* How frames are copied and digested, an algorithm a row. */
static json_t *describe_passes(const struct copier *copier)
{
	static const enum digest_algorithm measured[] = { DIGEST_XXH3, DIGEST_XXH64 };
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		const struct copy_pass *pass = copier->passes[measured[i]];

		json_object_set_new(object, digest_name(measured[i]),
		        json_pack("{s:o, s:o}", "pass",
		                pass ? json_string(pass->name) : json_null(), "bytes_per_second",
		                speed(copier->digest_bytes_per_second[measured[i]])));
	}
	return object;
}

static json_t *describe_region(const struct region *region, const struct copier *copier)
{
	json_t *object = json_object();

	json_object_set_new(object, "address", json_string(region->address));
	json_object_set_new(
	        object, "mapping", region->mapping ? json_string(region->mapping) : json_null());
	json_object_set_new(object, "size_bytes", json_integer((json_int_t)region->size));
	json_object_set_new(object, "copy_kernel", json_string(copier->kernel->name));
	json_object_set_new(
	        object, "copy_bytes_per_second", speed(copier->kernel_bytes_per_second));
	json_object_set_new(object, "copy_and_digest", describe_passes(copier));
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
	json_object_set_new(summary, "huge_pages", frame_memory_describe());
	return summary;
}
