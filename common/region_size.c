/* SPDX-License-Identifier: MIT */
/*
 * Sizes of regions, declared in region.h: as people write them and as PCI wants them.
 */
#include "region.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_SIZE_ROOM 24

static const char units[] = "KMGT";

/* Digits and at most one unit behind them; false for anything else. */
static bool parse_bytes(const char *text, uint64_t *bytes)
{
	char *end;
	unsigned shift = 0;

	if (!isdigit((unsigned char)text[0])) {
		return false;
	}
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno) {
		return false;
	}
	if (*end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));

		if (!unit || end[1]) {
			return false;
		}
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (*bytes > UINT64_MAX >> shift) {
		return false;
	}
	*bytes <<= shift;
	return true;
}

int region_parse_size(const char *text, uint64_t *size, struct complaint *why)
{
	char next[FORMAT_SIZE_ROOM];
	uint64_t bytes;

	if (!parse_bytes(text, &bytes) || bytes < REGION_SIZE_MIN || bytes > REGION_SIZE_MAX) {
		complain(why, "'%.40s' is no size; use a power of two from 1M to 1T, such as 128M",
		        text);
		return -EINVAL;
	}
	if (bytes & (bytes - 1)) {
		complain(why,
		        "'%.40s' is no power of two, which a PCI BAR has to be; the next is %s",
		        text, region_format_size(region_size_for(bytes), next));
		return -EINVAL;
	}
	*size = bytes;
	return 0;
}

uint64_t region_size_for(uint64_t bytes)
{
	uint64_t size = REGION_SIZE_MIN;

	while (size < bytes && size <= UINT64_MAX / 2) {
		size *= 2;
	}
	return size;
}

const char *region_format_size(uint64_t bytes, char *text)
{
	unsigned unit = 0;

	while (bytes && bytes % 1024 == 0 && unit < strlen(units)) {
		bytes /= 1024;
		unit++;
	}
	if (unit) {
		snprintf(text, FORMAT_SIZE_ROOM, "%" PRIu64 "%c", bytes, units[unit - 1]);
	} else {
		snprintf(text, FORMAT_SIZE_ROOM, "%" PRIu64, bytes);
	}
	return text;
}
