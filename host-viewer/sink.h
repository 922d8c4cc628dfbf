/* SPDX-License-Identifier: MIT */
/*
 * Where verified frames go. A sink is a table of four functions, picked by name in sink.c.
 *
 * The view loop drives it: frame() for each frame that was accepted, tick() in between, at least
 * every WAKEUP_LIMIT_NS and not more often than every SINK_TICK_NS unless rest() asks for it. A
 * sink never calls back and keeps no reference to the frame's pixels.
 */
#ifndef ORIEL_SINK_H
#define ORIEL_SINK_H

#include "complaint.h"
#include "frame.h"
#include "latency.h"
#include "pointer.h"

#include <stdbool.h>
#include <stdint.h>

#define SINK_TICK_NS (UINT64_C(10) * 1000 * 1000)

/* How things stand between us and the producer, in the order of docs/architecture.md. */
enum link_state {
	LINK_WAITING,       /* no live producer yet */
	LINK_OTHER_VERSION, /* a producer of a version that we do not speak */
	LINK_LIVE,
	LINK_IDLE,      /* live, the picture does not change */
	LINK_NO_SIGNAL, /* live, its screen is off */
	LINK_PAUSED,
	LINK_STALE,       /* silent for more than a second: the picture may be old */
	LINK_GONE,        /* silent for more than five seconds */
	LINK_ENDED,       /* it said that it ended */
	LINK_FAULT,       /* it said that it failed */
	LINK_QUARANTINED, /* it sent too much that did not fit or agree */
	LINK_LOST,        /* the region went away */
};

/* One line for a person: "waiting for a producer"; never NULL. */
const char *link_state_text(enum link_state state);

/* What the overlay and the title show; plain numbers, taken by the view loop at each tick. */
struct view_status {
	enum link_state link;
	const char *region; /* address string */
	const char *detail; /* more words for the link state (versions ...), or "" */
	const char *mode;   /* "latest", "lossless", "observe" */
	const char *digest; /* algorithm of the last frame */
	const char *waking; /* "doorbell", "poll" or "spin": what ends our sleeps now */
	uint64_t rung, spurious, timeouts; /* see struct wakeup_counts */
	double frames_per_second;          /* verified, over the last second */
	uint64_t verify_ns;     /* seen -> verified, median of the last second; 0 = none yet */
	struct latency latency; /* of the last frame; not known when there was none for a second */
	uint64_t interval_ns;   /* between frames, longest of the last second */
	uint64_t silent_ns;     /* since the producer's last sign of life; 0 = not known */
	uint64_t verified, skipped, torn, stale, bad; /* since start */
};

enum sink_result {
	SINK_OK,
	SINK_DONE,   /* enough: the user closed the window, the screenshot is taken */
	SINK_FAILED, /* broken; the complaint says how */
};

struct sink_request {
	const char *argument; /* screenshot: the file's path */
	const char *renderer; /* window: SDL's name of one, or NULL */
	const char *folder;   /* window: where S puts its pictures */
};

struct sink;

struct sink_ops {
	const char *name;
	bool is_interactive; /* somebody watches: wait for ever, go on after the end of a stream */
	int (*open)(struct sink **out, const struct sink_request *request, struct complaint *why);
	/*
	 * Takes one verified frame. Its pixels are the viewer's own copy and valid during this
	 * call. Returns after it was presented, where that means something.
	 */
	enum sink_result (*frame)(
	        struct sink *sink, const struct frame *frame, struct complaint *why);
	/* status: as things stand after the last frame(), never older. */
	enum sink_result (*tick)(
	        struct sink *sink, const struct view_status *status, struct complaint *why);
	/*
	 * The loop is about to sleep. events_fd: set to what ends the sleep because there is
	 * something for tick() to do, -1: nothing does, then an interactive sink is ticked every
	 * SINK_TICK_NS. returns: false when there is something already. NULL: none of that.
	 */
	bool (*rest)(struct sink *sink, int *events_fd);
	/*
	 * The mouse pointer is another: shown or not, elsewhere, and of another shape where it has
	 * one; its pixels are valid during this call. It is drawn over the frames that come. NULL:
	 * this sink takes frames only.
	 */
	void (*pointer)(struct sink *sink, const struct pointer *pointer);
	/* NULL is fine. */
	void (*close)(struct sink *sink);
};

struct sink {
	const struct sink_ops *ops;
};

/* "window" (not when built without), "bench", "screenshot"; NULL when there is none. */
const struct sink_ops *sink_by_name(const char *name);

#endif
