/* SPDX-License-Identifier: MIT */
/*
 * Values of options, parsed strictly: what is not wholly a value of the kind asked for is refused,
 * with a complaint that names what is accepted. For the argp parsers of the programs, which put the
 * option's name in front.
 */
#ifndef ORIEL_OPTIONS_H
#define ORIEL_OPTIONS_H

#include "complaint.h"

#include <stdint.h>

#define OPTIONS_SECONDS_MAX 1000000000u

/* A whole decimal number from least to most. 0 or -EINVAL; *value is set on 0 only. */
int options_parse_number(
        const char *text, uint64_t least, uint64_t most, uint64_t *value, struct complaint *why);

/*
 * Seconds as a decimal, "10" or "0.5", at most nine digits behind the point, up to
 * OPTIONS_SECONDS_MAX. 0 or -EINVAL; *ns is set on 0 only.
 */
int options_parse_seconds(const char *text, uint64_t *ns, struct complaint *why);

#endif
