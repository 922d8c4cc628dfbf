/* SPDX-License-Identifier: MIT */
/*
 * What one peer is still to be told, in order; bounded. Called by peers.c.
 *
 * A letter holds no descriptor, only whose vector it is: should that peer leave before the letter
 * is sent, the letter is taken back (outbox_forget) and nothing leaks. So whoever reads nothing
 * while others come and go is never owed more than who is there, and the leaves of whom it was told
 * of before.
 */
#ifndef ORIEL_DOORBELL_OUTBOX_H
#define ORIEL_DOORBELL_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

/* 3 at the head of a greeting, 64 peers x 16 vectors, 64 leaves. */
#define OUTBOX_ROOM (3u + 64u * 16u + 64u)

enum letter_kind {
	LETTER_VERSION,
	LETTER_ID,     /* your own id */
	LETTER_MEMORY, /* with the memory */
	LETTER_BELL,   /* with the eventfd of a vector */
	LETTER_LEAVE,
};

struct letter {
	uint16_t id; /* of LETTER_ID, LETTER_BELL and LETTER_LEAVE */
	uint8_t kind;
	uint8_t vector; /* of LETTER_BELL */
};

/* All zero: empty. */
struct outbox {
	struct letter letters[OUTBOX_ROOM];
	unsigned first;
	unsigned count;
};

/* False when there is no room. */
bool outbox_add(struct outbox *outbox, struct letter letter);

/* The oldest letter; NULL when there is none. Good until the next call. */
const struct letter *outbox_first(const struct outbox *outbox);

void outbox_drop_first(struct outbox *outbox);

/* Takes back all letters about the vectors of this id. returns: how many there were */
unsigned outbox_forget(struct outbox *outbox, uint16_t id);

#endif
