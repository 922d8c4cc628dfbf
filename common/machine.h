/* SPDX-License-Identifier: MIT */
/*
 * What this machine is, as far as it explains a measurement: for the summaries.
 */
#ifndef ORIEL_MACHINE_H
#define ORIEL_MACHINE_H

#include <jansson.h>

/* {kernel, architecture, cpu, cores, clocksource}; null where unknown. New reference. */
json_t *machine_describe(void);

#endif
