/* SPDX-License-Identifier: MIT */
/*
 * Sizes as people write them: 1080p, 1440p, 4k, 1366x768, and comma lists of them.
 */
#ifndef ORIEL_RESOLUTION_H
#define ORIEL_RESOLUTION_H

#include "complaint.h"

#include <stddef.h>
#include <stdint.h>

struct resolution {
	uint32_t width;
	uint32_t height;
};

#define RESOLUTION_LIST_MAX 32u

/*
 * Parses a comma list into list, which has room for RESOLUTION_LIST_MAX.
 * returns: how many there are, or -EINVAL with the complaint filled
 */
int resolution_parse_list(const char *text, struct resolution *list, struct complaint *why);

#endif
