/* SPDX-License-Identifier: MIT */
#include "view_early.h"

#include "clock.h"

#define SPIN_NS     (50 * NS_PER_US) /* without a strip; then pauses of this length */
#define PATIENCE_NS (5 * NS_PER_MS)  /* without a strip; then we sleep until we are rung */

uint64_t view_early_spare_ns(const struct view_early *early, uint32_t done, uint32_t strips)
{
	uint64_t its_ns;
	uint64_t ours_ns;

	if (done == 0) {
		return 0;
	}
	its_ns = clock_elapsed_ns(early->begun_ns, early->moved_ns) / done;
	ours_ns = early->copying_ns / done;
	/* Two that are about as fast hold each other up where they share the memory's bandwidth. */
	return its_ns < 2 * ours_ns ? 0 : (its_ns - ours_ns) * (strips - done) / 2;
}

/* Between two strips. returns: whether to look again at once */
static bool wait_for_strip(
        const struct view_early *early, const struct early_read *read, uint64_t now_ns)
{
	const uint64_t still_ns = clock_elapsed_ns(early->moved_ns, now_ns);
	const uint64_t spare = view_early_spare_ns(early, read->done, read->grid.strips);

	if (still_ns >= PATIENCE_NS) {
		return false;
	}
	if (spare > SPIN_NS && still_ns < SPIN_NS) {
		clock_sleep_until_ns(now_ns + (spare < PATIENCE_NS ? spare : PATIENCE_NS));
	} else if (still_ns >= SPIN_NS) {
		clock_sleep_until_ns(now_ns + SPIN_NS);
	}
	return true;
}

bool view_early_turn(struct view_early *early, struct ring_reader *reader, struct copier *copier,
        uint8_t *pixels)
{
	const uint64_t before_ns = clock_now_ns();
	enum early_result result = ring_reader_read_early(reader, copier, pixels);
	const uint64_t now_ns = clock_now_ns();

	if (early->sequence != reader->early.sequence) {
		*early = (struct view_early) { reader->early.sequence, before_ns, now_ns, 0 };
	}
	switch (result) {
	case EARLY_COPIED:
		early->moved_ns = now_ns;
		early->copying_ns += clock_elapsed_ns(before_ns, now_ns);
		return true;
	case EARLY_WAITING:
		return wait_for_strip(early, &reader->early, now_ns);
	case EARLY_NONE:
		break;
	}
	return false;
}
