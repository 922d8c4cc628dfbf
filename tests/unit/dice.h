/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that are the same in every run, for tests of one thread.
 */
#ifndef ORIEL_TEST_DICE_H
#define ORIEL_TEST_DICE_H

#include <stdint.h>

/* 0 to below - 1. */
static inline uint32_t roll(uint32_t below)
{
	static uint64_t dice = 88172645463325252u;

	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 16) % below;
}

#endif
