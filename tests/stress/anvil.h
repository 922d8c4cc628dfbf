/* SPDX-License-Identifier: MIT */
/*
 * The ring that hammer.c hammers on: its two ends in one process, frames of one pixel, which is
 * their number, and a clock that stands still, so that nobody is ever given up.
 */
#ifndef ORIEL_STRESS_ANVIL_H
#define ORIEL_STRESS_ANVIL_H

#include "ring_wake.h"
#include "wakeup.h"

#include <stdalign.h>
#include <stdint.h>

enum { ANVIL_PRODUCER, ANVIL_CONSUMER, ANVIL_SIDES };

/* Each end is used by one thread. */
struct anvil {
	alignas(64) struct ring_writer writer;
	struct copier in;
	uint32_t sent;
	alignas(64) struct ring_reader reader;
	struct copier out;
	struct frame claimed;
	uint32_t seen;
	alignas(64) uint8_t *memory;
};

/* Who sleeps, and who gives. The wish and use are for the sleeper, the others for the giver. */
struct anvil_kind {
	const char *name;
	struct wakeup_wish wish;          /* of a struct anvil */
	void (*use)(struct anvil *anvil); /* what was waited for */
	void (*prepare)(struct anvil *anvil);
	void (*give)(struct anvil *anvil);
	int sleeper;
};

/* NULL: no such kind. */
const struct anvil_kind *anvil_find(const char *name);

/* A ring on which the sleeper has something to wait for. The doorbells are the caller's. */
void anvil_open(struct anvil *anvil, const struct anvil_kind *kind, struct doorbell *producer,
        struct doorbell *consumer);
void anvil_close(struct anvil *anvil);

/* Says so on standard output and ends the process. */
void anvil_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
