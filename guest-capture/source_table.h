/* SPDX-License-Identifier: MIT */
/*
 * The sources there are, for source.c, which picks one by its name. Each lives in its own file.
 */
#ifndef ORIEL_SOURCE_TABLE_H
#define ORIEL_SOURCE_TABLE_H

#include "source.h"

extern const struct source_ops source_kms;
extern const struct source_ops source_pattern;
extern const struct source_ops source_raw;

#endif
