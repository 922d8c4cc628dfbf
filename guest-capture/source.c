/* SPDX-License-Identifier: MIT */
#include "source.h"
#include "source_table.h"

#include <stddef.h>
#include <string.h>

static const struct source_ops *const sources[] = { &source_pattern, &source_raw, &source_kms };

const struct source_ops *source_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(sources[i]->name, name) == 0) {
			return sources[i];
		}
	}
	return NULL;
}

const char *source_names(void)
{
	return "pattern, raw, kms";
}
