/* SPDX-License-Identifier: MIT */
#include "window_words.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends; cuts what does not fit. Lines of our own are added with add_line() alone. */
__attribute__((format(printf, 2, 3))) static void add(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, WINDOW_WORDS_SIZE - used, format, arguments);
	va_end(arguments);
	for (char *at = text + used; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f) {
			*at = '?';
		}
	}
}

static void add_line(char *text, const char *line)
{
	size_t used = strlen(text);

	if (used + 1 < WINDOW_WORDS_SIZE) {
		text[used] = '\n';
		text[used + 1] = '\0';
		add(text, "%s", line);
	}
}

static void add_silence(char *text, const char *state, uint64_t silent_ns)
{
	add(text, "%s: nothing from the producer", state);
	if (silent_ns > 0) {
		add(text, " for %" PRIu64 " s", silent_ns / NS_PER_S);
	}
}

enum picture_look window_words_look(enum link_state state)
{
	switch (state) {
	case LINK_LIVE:
	case LINK_IDLE:
		return PICTURE_PLAIN;
	case LINK_STALE:
	case LINK_PAUSED:
	case LINK_ENDED:
		return PICTURE_DARK;
	case LINK_WAITING:
	case LINK_OTHER_VERSION:
	case LINK_NO_SIGNAL:
	case LINK_GONE:
	case LINK_FAULT:
	case LINK_QUARANTINED:
	case LINK_LOST:
		break;
	}
	return PICTURE_HIDDEN;
}

static void add_state(char *text, const struct view_status *status)
{
	switch (status->link) {
	case LINK_WAITING:
		add(text, "waiting for a producer at %s", status->region);
		break;
	case LINK_OTHER_VERSION:
		add(text, "the producer at %s speaks another version", status->region);
		break;
	case LINK_NO_SIGNAL:
		add(text, "no signal: the producer's screen is off");
		break;
	case LINK_PAUSED:
		add(text, "paused by the producer");
		break;
	case LINK_STALE:
		add_silence(text, "stale", status->silent_ns);
		break;
	case LINK_GONE:
		add_silence(text, "gone", status->silent_ns);
		break;
	case LINK_ENDED:
		add(text, "the producer ended");
		break;
	case LINK_FAULT:
		add(text, "the producer reported a fault and stopped");
		break;
	case LINK_QUARANTINED:
		add(text, "quarantined: the producer sent too much that was wrong");
		break;
	case LINK_LOST:
		add(text, "lost: the region %s went away", status->region);
		break;
	case LINK_LIVE:
	case LINK_IDLE:
		break;
	}
}

void window_words(
        const struct view_status *status, const char *no_picture, char text[WINDOW_WORDS_SIZE])
{
	text[0] = '\0';
	if (window_words_look(status->link) != PICTURE_PLAIN) {
		add_state(text, status);
		if (status->detail && *status->detail) {
			add_line(text, status->detail);
		}
	} else if (no_picture) {
		add(text, "%s", no_picture);
	}
}

void window_words_title(const struct view_status *status, const struct frame_info *info,
        const char *words, char text[WINDOW_WORDS_SIZE])
{
	text[0] = '\0';
	add(text, "Oriel - ");
	if (*words) {
		add(text, "%.*s", (int)strcspn(words, "\n"), words);
	} else if (!info) {
		add(text, "%s", link_state_text(status->link));
	} else if (status->link == LINK_IDLE) {
		add(text, "%ux%u - %s", info->width, info->height, link_state_text(status->link));
	} else {
		add(text, "%ux%u - %.1f fps", info->width, info->height, status->frames_per_second);
	}
}
