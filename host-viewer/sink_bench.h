/* SPDX-License-Identifier: MIT */
/*
 * The sink that lets frames fall: for measuring, counting and recording without a screen. It counts
 * nothing itself, for the view loop does that for every sink. Picked through sink_by_name().
 */
#ifndef ORIEL_SINK_BENCH_H
#define ORIEL_SINK_BENCH_H

#include "sink.h"

extern const struct sink_ops sink_bench_ops;

#endif
