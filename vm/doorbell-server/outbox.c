/* SPDX-License-Identifier: MIT */
#include "outbox.h"

#include <stddef.h>

static struct letter *letter_at(struct outbox *outbox, unsigned index)
{
	return &outbox->letters[(outbox->first + index) % OUTBOX_ROOM];
}

bool outbox_add(struct outbox *outbox, struct letter letter)
{
	if (outbox->count == OUTBOX_ROOM) {
		return false;
	}
	*letter_at(outbox, outbox->count++) = letter;
	return true;
}

const struct letter *outbox_first(const struct outbox *outbox)
{
	return outbox->count ? &outbox->letters[outbox->first] : NULL;
}

void outbox_drop_first(struct outbox *outbox)
{
	if (outbox->count) {
		outbox->first = (outbox->first + 1) % OUTBOX_ROOM;
		outbox->count--;
	}
}

unsigned outbox_forget(struct outbox *outbox, uint16_t id)
{
	unsigned before = outbox->count;
	unsigned kept = 0;

	for (unsigned i = 0; i < before; i++) {
		struct letter letter = *letter_at(outbox, i);

		if (letter.kind != LETTER_BELL || letter.id != id) {
			*letter_at(outbox, kept++) = letter;
		}
	}
	outbox->count = kept;
	return before - kept;
}
