/* SPDX-License-Identifier: MIT */
/*
 * The viewer's connection to whoever produces: opens the region, waits for a session whose
 * heartbeat moves, takes a consumer block, attaches, and starts over when any of that ends.
 *
 *   closed -> open -> (a good header, a moving heartbeat) -> attached -> stale, gone, ended ...
 *
 * The region may be made anew under us, truncated, or reformatted by a new producer; none of it
 * ends the viewer. Threads: one, beside the heartbeat's own.
 */
#ifndef ORIEL_LINK_H
#define ORIEL_LINK_H

#include "complaint.h"
#include "liveness.h"
#include "region.h"
#include "ring_reader.h"
#include "sink.h"
#include "wakeup_region.h"

#include <stdbool.h>
#include <stdint.h>

#define LINK_BLOCK_ANY (-1)

struct link_config {
	const char *region;
	enum reader_mode mode;
	int block; /* which consumer block, or LINK_BLOCK_ANY; guests name theirs */
	enum wakeup_way wakeup;
	bool wants_pointer; /* the sink draws it */
};

struct link {
	struct link_config config;
	struct region region;
	struct span h;     /* bytes == NULL: not mapped */
	uint64_t h_offset; /* of H in the region */
	struct ring_header header;
	struct ring_reader reader;
	struct heartbeat heartbeat;
	struct liveness pulse; /* the producer's */
	uint64_t pulse_epoch;  /* whose heartbeat that is */
	enum header_verdict verdict;
	enum link_state state;
	bool attached;
	unsigned block;
	uint64_t next_look_ns;            /* at the header, or for the region */
	uint64_t look_ns;                 /* between two looks at the header */
	uint64_t next_path_check_ns;      /* for a region that was made anew */
	uint64_t sessions;                /* how many were attached */
	struct ring_reader_counts counts; /* of the sessions that are over */
	uint64_t last_sum;   /* of the sequences counted in those, to reconcile with counts */
	uint64_t left_epoch; /* the session that was left last, and how far it was counted */
	uint64_t left_last;
	enum frame_fault left_fault; /* of the last bad frame in any of them */
	struct liveness block_pulse; /* of whoever lives in the block that we were told */
	uint64_t block_epoch;
	uint64_t block_since_ns;
	struct complaint detail;   /* more words for the state */
	struct complaint why_deaf; /* why no doorbell can wake us; "" when one can */
};

/* Sets the struct up; opens nothing yet. */
void link_init(struct link *link, const struct link_config *config);

/*
 * Opens the region, and copies its header once.
 * returns: 0; with the complaint filled -errno of region_open(), or -ENOTSUP of
 *          wakeup_open_doorbell()
 */
int link_open(struct link *link, struct complaint *why);

/*
 * One turn: looks at the heartbeat, attaches, notices what ended. Cheap enough for every turn of
 * the view loop.
 */
enum link_state link_turn(struct link *link, uint64_t now_ns);

/* The doorbell that the producer will ring when we are armed; NULL: none, look for yourself. */
struct doorbell *link_doorbell(const struct link *link);

/* How long nothing need be done for the link, however quiet the producer is. */
uint64_t link_patience_ns(const struct link *link, uint64_t now_ns);

/*
 * For a loop that found nothing to do and is about to sleep for WAKEUP_LIMIT_NS at most; it calls
 * link_resume() before it does anything else than that again. See heartbeat_rest().
 */
void link_rest(struct link *link);
void link_resume(struct link *link);

/* The reader said READER_STALE or READER_DEPOSED: let the session go. */
void link_drop(struct link *link, uint32_t bye);

/* What was wrong with the last bad frame of all. */
enum frame_fault link_last_fault(const struct link *link);

/* Counts over all sessions. */
struct ring_reader_counts link_counts(const struct link *link);

/* How many sequences were counted, over all sessions. */
uint64_t link_counted(const struct link *link);

/* Does every sequence of every session stand in exactly one count? */
bool link_counts_reconcile(const struct link *link);

/* Published and not taken: what lies in the ring still. */
uint64_t link_in_ring(const struct link *link);

void link_close(struct link *link);

#endif
