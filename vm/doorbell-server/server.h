/* SPDX-License-Identifier: MIT */
/*
 * All that a running server has. Filled by main.c, run by serve.c, described by answer.c.
 */
#ifndef ORIEL_DOORBELL_SERVER_H
#define ORIEL_DOORBELL_SERVER_H

#include "control.h"
#include "listener.h"
#include "memory.h"
#include "peers.h"

#include <stdint.h>

struct server {
	struct listener doorbell; /* for peers */
	struct listener desk;     /* for status and ring */
	struct memory memory;
	struct peers peers;
	struct control control;
	uint64_t started_ns;
	uint64_t accept_after_ns; /* no descriptors or memory just now */
	uint64_t refusals_told_ns;
};

#endif
