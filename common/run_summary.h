/* SPDX-License-Identifier: MIT */
/*
 * What every summary begins with: who ran, where, on what memory. docs/measuring.md lists it all.
 */
#ifndef ORIEL_RUN_SUMMARY_H
#define ORIEL_RUN_SUMMARY_H

#include "copy_digest.h"
#include "region.h"

#include <jansson.h>

#define RUN_SUMMARY_SCHEMA 1

/*
 * {schema_version, program, version, commit, command, machine, region{address, mapping, size_bytes,
 * copy_kernel, copy_bytes_per_second}}. New reference.
 */
json_t *run_summary_begin(const char *program, int argc, char **argv, const struct region *region,
        const struct copier *copier);

#endif
