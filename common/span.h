/* SPDX-License-Identifier: MIT */
/*
 * A piece of memory and its size, handed about together. It owns nothing.
 */
#ifndef ORIEL_SPAN_H
#define ORIEL_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct span {
	uint8_t *bytes;
	size_t size; /* bytes */
};

#endif
