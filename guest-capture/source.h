/* SPDX-License-Identifier: MIT */
/*
 * Where frames come from. A source is a table of four functions, picked by name in source.c.
 *
 * The capture loop drives it: wait() until there is something, read() it, publish it. A source
 * never calls back and keeps no reference to what it handed out beyond the next call.
 */
#ifndef ORIEL_SOURCE_H
#define ORIEL_SOURCE_H

#include "complaint.h"
#include "frame.h"
#include "pointer.h"

#include <stdbool.h>

struct source; /* the instance; each implementation embeds it as its first member */

/* What becomes of a mouse pointer that is not in the picture by itself. */
enum cursor_way {
	CURSOR_NONE,
	CURSOR_COMPOSED, /* drawn into the picture */
	CURSOR_CHANNEL,  /* handed on beside it; drawn where the channel cannot carry its shape */
};

/* What a source may need to know when it is opened. */
struct source_request {
	const char *argument;   /* behind "name:", or NULL: a pattern's name, a file's path */
	struct frame_info info; /* the first size and format asked for */
	double damage_share;    /* of a test picture that changes from frame to frame; 0, 1: all */
	enum cursor_way cursor;
	uint32_t shape_capacity;  /* bytes that the channel has for the pointer's shape */
	double frames_per_second; /* how often to look at what may change; 0: the source decides */
};

enum source_result {
	SOURCE_FRAME,   /* one is ready */
	SOURCE_POINTER, /* none is, but the pointer is another */
	SOURCE_NOTHING, /* none is to be expected within timeout_ms, or a signal came; call again */
	SOURCE_END,     /* there will be no more */
	SOURCE_FAILED,  /* broken; the complaint says how, and close() is all that is left */
};

struct source_ops {
	const char *name;
	/* 0 or -errno with the complaint filled. Copies what it keeps of the request. */
	int (*open)(
	        struct source **out, const struct source_request *request, struct complaint *why);
	/* Waits until a frame can be read, at most timeout_ms, from 0. Once SOURCE_FRAME, it stays
	 * so until that frame is read. */
	enum source_result (*wait)(struct source *source, int timeout_ms, struct complaint *why);
	/*
	 * Only after wait() said SOURCE_FRAME. Makes the frame for (frame->epoch, frame->sequence),
	 * which are set by the caller, with the geometry frame->info asks for (all but a pattern
	 * have their own, and set it). Sets frame->pixels, which the source owns and leaves
	 * unchanged until its next read() or close(), frame->info and frame->damage. 0 or -errno
	 * with the complaint filled.
	 */
	int (*read)(struct source *source, struct frame *frame, struct complaint *why);
	/* NULL is fine. */
	void (*close)(struct source *source);
};

struct source {
	/* Set by open() and constant from then on. */
	const struct source_ops *ops;
	/*
	 * Who sets the pace. A live source (a pipe, a screen) has frames when it has them: wait()
	 * tells, and each is read as it comes. The others (a pattern, a regular file) always have
	 * the next one, and the loop decides when to read it. It belongs to the instance because
	 * the same kind of source may be fed by a file or by a pipe.
	 */
	bool is_live;
	/*
	 * Set by wait() where the pointer goes beside the picture. It borrows its pixels until the
	 * next wait(). Whoever takes it clears the two.
	 */
	struct pointer pointer;
	bool pointer_is_new;
	bool shape_is_new;
	/* Set by wait(). */
	bool is_dark;       /* what should be captured is switched off, or cannot be shown */
	uint64_t uncertain; /* frames that may be made of two pictures */
	uint64_t looks;     /* how often a screen was looked at */
	uint64_t vblanks;   /* looks that a vertical blank began */
};

/*
 * "pattern": test pictures; the argument is one of pattern_names(), "motion" when there is none
 * "raw":     frames of the requested size and format, back to back and without padding between
 *            rows, as ffmpeg -f rawvideo writes them; the argument is a file, a FIFO, or "-" for
 *            standard input. At most one frame is read ahead, so a slow reader slows the writer.
 * "kms":     what a screen of this machine shows; the argument is "/dev/dri/card0,crtc=41", either
 *            part may be missing
 * returns:   NULL when there is none of this name
 */
const struct source_ops *source_by_name(const char *name);

/* All names, comma separated, for messages. */
const char *source_names(void);

#endif
