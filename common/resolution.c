/* SPDX-License-Identifier: MIT */
#include "resolution.h"
#include "frame.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	struct resolution size;
} named_sizes[] = {
	{ "720p", { 1280, 720 } },
	{ "1080p", { 1920, 1080 } },
	{ "1440p", { 2560, 1440 } },
	{ "4k", { 3840, 2160 } },
	{ "2160p", { 3840, 2160 } },
};

static bool parse_side(const char **at, uint32_t *side)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**at)) {
		return false;
	}
	errno = 0;
	value = strtoul(*at, &end, 10);
	if (errno || value < 1 || value > FRAME_SIDE_MAX) {
		return false;
	}
	*side = (uint32_t)value;
	*at = end;
	return true;
}

static bool parse_one(const char *text, struct resolution *size)
{
	for (size_t i = 0; i < sizeof(named_sizes) / sizeof(named_sizes[0]); i++) {
		if (strcasecmp(text, named_sizes[i].name) == 0) {
			*size = named_sizes[i].size;
			return true;
		}
	}
	if (!parse_side(&text, &size->width) || (*text != 'x' && *text != 'X')) {
		return false;
	}
	text++;
	return parse_side(&text, &size->height) && *text == '\0';
}

int resolution_parse_list(const char *text, struct resolution *list, struct complaint *why)
{
	int count = 0;

	for (const char *at = text;; at++) {
		char one[24];
		size_t length = strcspn(at, ",");

		if (count == (int)RESOLUTION_LIST_MAX) {
			complain(why, "more than %u sizes in '%.60s'", RESOLUTION_LIST_MAX, text);
			return -EINVAL;
		}
		memcpy(one, at, length < sizeof(one) ? length : sizeof(one) - 1);
		one[length < sizeof(one) ? length : sizeof(one) - 1] = '\0';
		if (length >= sizeof(one) || !parse_one(one, &list[count])) {
			complain(why,
			        "'%s' is no size; use 720p, 1080p, 1440p, 4k or WIDTHxHEIGHT, each "
			        "side 1 to %u",
			        one, FRAME_SIDE_MAX);
			return -EINVAL;
		}
		count++;
		at += length;
		if (*at == '\0') {
			return count;
		}
	}
}
