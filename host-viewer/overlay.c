/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include "pixel_format.h"

#include <inttypes.h>
#include <stdio.h>

#define PICTURE_TEXT_SIZE  64u
#define DURATION_TEXT_SIZE 32u

static const char *or_na(const char *text)
{
	return text && *text ? text : "NA";
}

static const char *duration_text(uint64_t duration_ns, char text[DURATION_TEXT_SIZE])
{
	if (duration_ns == 0) {
		return "NA";
	}
	snprintf(text, DURATION_TEXT_SIZE, "%.2f ms", (double)duration_ns / 1e6);
	return text;
}

/* With what it is right to. */
static const char *notify_text(const struct latency *latency, char text[DURATION_TEXT_SIZE])
{
	if (latency->notify == CSV_NA) {
		return "NA";
	}
	snprintf(text, DURATION_TEXT_SIZE, "%.2f ms +- %.3f", (double)latency->notify / 1e6,
	        (double)latency->notify_bound / 1e6);
	return text;
}

static const char *latency_text(uint64_t latency_ns, char text[DURATION_TEXT_SIZE])
{
	return latency_ns == CSV_NA ? "NA" : duration_text(latency_ns, text);
}

static const char *picture_text(const struct frame_info *info, char text[PICTURE_TEXT_SIZE])
{
	const struct pixel_format *format = info ? pixel_format_by_fourcc(info->fourcc) : NULL;

	if (!format) {
		return "NA";
	}
	snprintf(text, PICTURE_TEXT_SIZE, "%ux%u %s", info->width, info->height, format->name);
	return text;
}

void overlay_write(const struct view_status *status, const struct frame_info *info,
        char text[OVERLAY_TEXT_SIZE])
{
	char picture[PICTURE_TEXT_SIZE];
	char verify[DURATION_TEXT_SIZE];
	char interval[DURATION_TEXT_SIZE];
	char notify[DURATION_TEXT_SIZE];
	char latency[DURATION_TEXT_SIZE];

	snprintf(text, OVERLAY_TEXT_SIZE,
	        "link      %s\n"
	        "region    %s\n"
	        "mode      %s\n"
	        "picture   %s\n"
	        "rate      %.1f fps\n"
	        "longest   %s\n"
	        "verify    %s\n"
	        "notify    %s\n"
	        "latency   %s\n"
	        "digest    %s\n"
	        "waking    %s, %" PRIu64 " rung\n"
	        "          %" PRIu64 " spurious  %" PRIu64 " timed out\n"
	        "verified  %" PRIu64 "  skipped %" PRIu64 "\n"
	        "dropped   %" PRIu64 " torn  %" PRIu64 " stale  %" PRIu64 " bad",
	        link_state_text(status->link), or_na(status->region), or_na(status->mode),
	        picture_text(info, picture), status->frames_per_second,
	        duration_text(status->interval_ns, interval),
	        duration_text(status->verify_ns, verify), notify_text(&status->latency, notify),
	        latency_text(status->latency.frame, latency), or_na(status->digest),
	        or_na(status->waking), status->rung, status->spurious, status->timeouts,
	        status->verified, status->skipped, status->torn, status->stale, status->bad);
}
