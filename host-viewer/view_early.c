/* SPDX-License-Identifier: MIT */
#include "view_early.h"

#include "clock.h"

#define SPIN_NS     (50 * NS_PER_US) /* without a strip; then pauses of this length */
#define PATIENCE_NS (5 * NS_PER_MS)  /* without a strip; then we sleep until we are rung */

bool view_early_turn(struct view_early *early, struct ring_reader *reader, struct copier *copier,
        uint8_t *pixels)
{
	enum early_result result = ring_reader_read_early(reader, copier, pixels);
	uint64_t now_ns = clock_now_ns();
	uint64_t still_ns;

	if (result == EARLY_COPIED || early->sequence != reader->early.sequence) {
		early->sequence = reader->early.sequence;
		early->moved_ns = now_ns;
	}
	still_ns = clock_elapsed_ns(early->moved_ns, now_ns);
	switch (result) {
	case EARLY_COPIED:
		return true;
	case EARLY_WAITING:
		if (still_ns >= SPIN_NS && still_ns < PATIENCE_NS) {
			clock_sleep_until_ns(now_ns + SPIN_NS);
		}
		return still_ns < PATIENCE_NS;
	case EARLY_NONE:
		break;
	}
	return false;
}
