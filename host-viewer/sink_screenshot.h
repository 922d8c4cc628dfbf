/* SPDX-License-Identifier: MIT */
/*
 * The sink that writes the first frame it is given as a PNG to request->argument and is done. The
 * folder is looked at when it opens: whoever waits for a guest learns of a typing error at once.
 * Picked through sink_by_name().
 */
#ifndef ORIEL_SINK_SCREENSHOT_H
#define ORIEL_SINK_SCREENSHOT_H

#include "sink.h"

extern const struct sink_ops sink_screenshot_ops;

#endif
