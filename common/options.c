/* SPDX-License-Identifier: MIT */
#include "options.h"
#include "clock.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#define FRACTION_DIGITS_MAX 9

/* Digits only, at least one: strtoull() would also take signs and spaces. */
static bool take_digits(const char **at, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**at)) {
		return false;
	}
	errno = 0;
	*value = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

int options_parse_number(
        const char *text, uint64_t least, uint64_t most, uint64_t *value, struct complaint *why)
{
	const char *at = text;
	uint64_t number;

	if (!take_digits(&at, &number) || *at || number < least || number > most) {
		complain(why, "'%.60s' is no whole number from %" PRIu64 " to %" PRIu64, text,
		        least, most);
		return -EINVAL;
	}
	*value = number;
	return 0;
}

int options_parse_seconds(const char *text, uint64_t *ns, struct complaint *why)
{
	const char *at = text;
	uint64_t seconds = 0;
	uint64_t fraction_ns = 0;
	bool good = take_digits(&at, &seconds) && seconds <= OPTIONS_SECONDS_MAX;

	if (good && *at == '.') {
		const char *start = ++at;

		good = take_digits(&at, &fraction_ns) && at - start <= FRACTION_DIGITS_MAX;
		for (long digits = at - start; good && digits < FRACTION_DIGITS_MAX; digits++) {
			fraction_ns *= 10;
		}
	}
	if (!good || *at || (seconds == OPTIONS_SECONDS_MAX && fraction_ns)) {
		complain(why, "'%.60s' are no seconds; use a decimal such as 10 or 0.5, up to %u",
		        text, OPTIONS_SECONDS_MAX);
		return -EINVAL;
	}
	*ns = seconds * NS_PER_S + fraction_ns;
	return 0;
}
