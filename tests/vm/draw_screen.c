/* SPDX-License-Identifier: MIT */
/*
 * What a desktop does with a screen, in a guest: draw_screen CARD FIFO
 *
 * Becomes the card's master and obeys the words that are written into the FIFO, a line each. The
 * screen holds still between them, and "done: LINE" is said when it does; so do comparisons.
 *
 *   wide PIXELS          rows of buffers made from now on are so much longer than the picture
 *   format FOURCC        and have this format: XR24 or RG16
 *   mode WIDTH HEIGHT    two new buffers of this size, the first is shown; pattern 0
 *   fill SEED            the pattern into what is shown, in place
 *   rect X Y W H COLOUR  0xRRGGBB into what is shown, in place
 *   flip COUNT SEED      so often draws the other buffer and shows it: SEED, SEED + 1 ...
 *   redraw COUNT MS      so often a fill, with a pause
 *   touch COUNT MS W H   so often a rectangle in the middle, with a pause
 *   type COUNT MS        so often a glyph, with a pause of once to twice that; "typed at NS" before
 *   modes COUNT          so often another: 1080p, 4K, 1440p, 1080p ...; patterns 0, 1 ...
 *   off, on              the CRTC
 *   copy REGION COUNT    plain memcpy of what is shown into the region: the least time it took
 *   end                  leaves; the screen is whose it was
 *
 * Pattern: red 3x + 31 seed, green 5y + 17 seed, blue x ^ y + 7 seed, of 8 bits each.
 * Exit codes: 0; 1 a word could not be obeyed; 2 usage; 3 no such screen.
 */
#include "draw_buffer.h"

#include "clock.h"
#include "region.h"
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_NOT_DONE  1
#define CODE_USAGE     2
#define CODE_NO_SCREEN 3
#define LINE_SIZE      128u
#define FLIP_LIMIT_MS  5000
#define COPY_OFFSET    (1u << 20)
#define NUMBERS_MAX    5
#define GLYPH_WIDTH    10u
#define GLYPH_HEIGHT   20u

struct screen {
	int fd;
	uint32_t connector;
	uint32_t crtc;
	uint32_t padding;
	uint32_t fourcc;
	drmModeModeInfo mode;
	struct draw_buffer buffers[2];
	unsigned shown;
	uint32_t seed;
	char region[LINE_SIZE];
	int64_t numbers[NUMBERS_MAX];
};

static int find_outputs(struct screen *screen)
{
	drmModeRes *resources = drmModeGetResources(screen->fd);

	for (int i = 0; resources && !screen->connector && i < resources->count_connectors; i++) {
		drmModeConnector *one = drmModeGetConnector(screen->fd, resources->connectors[i]);

		if (one && one->connection == DRM_MODE_CONNECTED) {
			screen->connector = one->connector_id;
		}
		drmModeFreeConnector(one);
	}
	screen->crtc = resources && resources->count_crtcs ? resources->crtcs[0] : 0;
	drmModeFreeResources(resources);
	return screen->connector && screen->crtc ? 0 : -ENODEV;
}

/* Emulated screens have no rays to wait for: any timing will do. */
static drmModeModeInfo make_mode(uint32_t width, uint32_t height)
{
	drmModeModeInfo mode = {
		.hdisplay = (uint16_t)width,
		.hsync_start = (uint16_t)(width + 48),
		.hsync_end = (uint16_t)(width + 80),
		.htotal = (uint16_t)(width + 160),
		.vdisplay = (uint16_t)height,
		.vsync_start = (uint16_t)(height + 3),
		.vsync_end = (uint16_t)(height + 8),
		.vtotal = (uint16_t)(height + 30),
		.vrefresh = 60,
		.type = DRM_MODE_TYPE_USERDEF,
	};

	mode.clock = (uint32_t)mode.htotal * mode.vtotal * 60 / 1000;
	snprintf(mode.name, sizeof(mode.name), "%ux%u", width, height);
	return mode;
}

static struct draw_buffer *shown(struct screen *screen)
{
	return &screen->buffers[screen->shown];
}

static int do_on(struct screen *screen)
{
	return drmModeSetCrtc(screen->fd, screen->crtc, shown(screen)->id, 0, 0, &screen->connector,
	        1, &screen->mode);
}

static int do_off(struct screen *screen)
{
	return drmModeSetCrtc(screen->fd, screen->crtc, 0, 0, 0, NULL, 0, NULL);
}

static int set_mode(struct screen *screen, uint32_t width, uint32_t height)
{
	struct draw_buffer old[2] = { screen->buffers[0], screen->buffers[1] };
	int error = 0;

	for (unsigned i = 0; !error && i < 2; i++) {
		error = draw_buffer_make(&screen->buffers[i], screen->fd, width, height,
		        screen->padding, screen->fourcc);
	}
	if (!error) {
		screen->shown = 0;
		screen->mode = make_mode(width, height);
		error = do_on(screen);
	}
	if (!error) {
		/* Not before: QEMU's VGA clears memory when the mode changes. */
		draw_buffer_fill(shown(screen), screen->seed);
		error = draw_buffer_flush(shown(screen));
	}
	for (unsigned i = 0; i < 2; i++) {
		draw_buffer_drop(&old[i]);
	}
	return error;
}

static int do_mode(struct screen *screen)
{
	screen->seed = 0;
	return set_mode(screen, (uint32_t)screen->numbers[0], (uint32_t)screen->numbers[1]);
}

static int do_modes(struct screen *screen)
{
	static const uint16_t sizes[][2] = { { 1920, 1080 }, { 3840, 2160 }, { 2560, 1440 } };
	int error = 0;

	for (int64_t i = 0; !error && i < screen->numbers[0]; i++) {
		screen->seed = (uint32_t)i;
		error = set_mode(screen, sizes[i % 3][0], sizes[i % 3][1]);
	}
	return error;
}

static int do_wide(struct screen *screen)
{
	screen->padding = (uint32_t)screen->numbers[0];
	return 0;
}

static int do_fill(struct screen *screen)
{
	draw_buffer_fill(shown(screen), (uint32_t)screen->numbers[0]);
	return draw_buffer_flush(shown(screen));
}

static int do_rect(struct screen *screen)
{
	const int64_t *n = screen->numbers;

	draw_buffer_rect(shown(screen), (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2],
	        (uint32_t)n[3], (uint32_t)n[4]);
	return draw_buffer_flush(shown(screen));
}

static void pause_ms(int64_t ms)
{
	clock_sleep_until_ns(clock_now_ns() + (uint64_t)ms * NS_PER_MS);
}

static int do_redraw(struct screen *screen)
{
	int error = 0;

	for (int64_t i = 0; !error && i < screen->numbers[0]; i++) {
		pause_ms(screen->numbers[1]);
		draw_buffer_fill(shown(screen), ++screen->seed);
		error = draw_buffer_flush(shown(screen));
	}
	return error;
}

static int do_touch(struct screen *screen)
{
	const uint32_t width = (uint32_t)screen->numbers[2];
	const uint32_t height = (uint32_t)screen->numbers[3];
	int error = 0;

	for (int64_t i = 0; !error && i < screen->numbers[0]; i++) {
		pause_ms(screen->numbers[1]);
		draw_buffer_rect(shown(screen), shown(screen)->width / 2, shown(screen)->height / 2,
		        width, height, ++screen->seed * 0x10305);
		error = draw_buffer_flush(shown(screen));
	}
	return error;
}

/* At random, so that no grid of looks keeps step. */
static int do_type(struct screen *screen)
{
	const int64_t pause = screen->numbers[1] > 0 ? screen->numbers[1] : 1;
	const uint32_t columns = shown(screen)->width / GLYPH_WIDTH;
	int error = 0;

	for (uint32_t i = 0; !error && i < screen->numbers[0]; i++) {
		pause_ms(pause + random() % pause);
		printf("typed at %llu\n", (unsigned long long)clock_now_ns());
		draw_buffer_rect(shown(screen), i % columns * GLYPH_WIDTH,
		        i / columns * GLYPH_HEIGHT, GLYPH_WIDTH, GLYPH_HEIGHT,
		        ++screen->seed * 0x10305);
		error = draw_buffer_flush(shown(screen));
	}
	return error;
}

/* The event that says that the other buffer is shown now. */
static int wait_for_flip(const struct screen *screen)
{
	struct pollfd card = { .fd = screen->fd, .events = POLLIN };
	drmEventContext context = { .version = 2 };

	if (poll(&card, 1, FLIP_LIMIT_MS) != 1) {
		return -ETIMEDOUT;
	}
	return drmHandleEvent(screen->fd, &context);
}

static int do_flip(struct screen *screen)
{
	int error = 0;

	for (int64_t i = 0; !error && i < screen->numbers[0]; i++) {
		struct draw_buffer *other = &screen->buffers[!screen->shown];

		draw_buffer_fill(other, (uint32_t)(screen->numbers[1] + i));
		error = draw_buffer_flush(other);
		if (!error) {
			error = drmModePageFlip(screen->fd, screen->crtc, other->id,
			        DRM_MODE_PAGE_FLIP_EVENT, NULL);
		}
		if (!error) {
			error = wait_for_flip(screen);
		}
		screen->shown = !screen->shown;
	}
	return error;
}

/* The limit that a capture is measured against. */
static int do_copy(struct screen *screen)
{
	const struct draw_buffer *from = shown(screen);
	struct region region = { .fd = -1 };
	struct samples samples;
	struct complaint why;
	uint64_t least_ns = 0;

	if (region_open(&region, screen->region, REGION_WRITE, NULL, &why) != 0) {
		fprintf(stderr, "%s: %s\n", screen->region, why.text);
		return -ENODEV;
	}
	samples_init(&samples);
	for (int64_t i = -2; i < screen->numbers[0]; i++) {
		uint64_t begun_ns = clock_now_ns();

		memcpy(region.bytes + COPY_OFFSET, from->bytes, from->size);
		if (i >= 0) { /* pages are there from the third on */
			samples_add(&samples, clock_now_ns() - begun_ns);
		}
	}
	samples_percentile(&samples, 0, &least_ns);
	printf("copy %zu bytes, least %llu ns\n", from->size, (unsigned long long)least_ns);
	samples_finish(&samples);
	region_close(&region);
	return 0;
}

static const struct word {
	const char *name;
	int numbers;
	bool needs_mode;
	int (*act)(struct screen *screen);
} words[] = {
	{ "wide", 1, false, do_wide },
	{ "mode", 2, false, do_mode },
	{ "modes", 1, false, do_modes },
	{ "fill", 1, true, do_fill },
	{ "rect", 5, true, do_rect },
	{ "flip", 2, true, do_flip },
	{ "redraw", 2, true, do_redraw },
	{ "touch", 4, true, do_touch },
	{ "type", 2, true, do_type },
	{ "off", 0, true, do_off },
	{ "on", 0, true, do_on },
	{ "copy", 1, true, do_copy },
};

/* Numbers into screen->numbers; a name, where the word has one, to its place. */
static int parse_arguments(struct screen *screen, const char *name)
{
	int count = 0;

	if (strcmp(name, "copy") == 0) {
		const char *region = strtok(NULL, " ");

		snprintf(screen->region, sizeof(screen->region), "%s", region ? region : "");
	}
	for (const char *text = strtok(NULL, " "); text; text = strtok(NULL, " ")) {
		if (count == NUMBERS_MAX) {
			return -1;
		}
		screen->numbers[count++] = strtoll(text, NULL, 0);
	}
	return count;
}

static int set_format(struct screen *screen)
{
	const char *name = strtok(NULL, " ");

	if (!name || strlen(name) != sizeof(screen->fourcc)) {
		return -EINVAL;
	}
	memcpy(&screen->fourcc, name, sizeof(screen->fourcc));
	return 0;
}

static int obey(struct screen *screen, char *line)
{
	const char *name = strtok(line, " ");

	if (name && strcmp(name, "format") == 0) {
		return set_format(screen);
	}
	for (size_t i = 0; name && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, name) != 0) {
			continue;
		}
		if (parse_arguments(screen, name) != words[i].numbers ||
		        (words[i].needs_mode && !shown(screen)->bytes)) {
			return -EINVAL;
		}
		return words[i].act(screen);
	}
	return -ENOENT;
}

static int obey_all(struct screen *screen, FILE *from)
{
	char line[LINE_SIZE];
	char copy[LINE_SIZE];

	printf("ready\n");
	while (fgets(line, sizeof(line), from)) {
		int error;

		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "end") == 0) {
			printf("done: end\n");
			return 0;
		}
		snprintf(copy, sizeof(copy), "%s", line);
		errno = 0;
		error = obey(screen, copy);
		if (error) {
			printf("failed: %s: %s\n", line, strerror(errno ? errno : -error));
			return CODE_NOT_DONE;
		}
		printf("done: %s\n", line);
	}
	return CODE_NOT_DONE;
}

int main(int argc, char **argv)
{
	static struct screen screen = { .fourcc = DRM_FORMAT_XRGB8888 };
	FILE *from = NULL;
	int fifo;
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3) {
		fprintf(stderr, "draw_screen CARD FIFO\n");
		return CODE_USAGE;
	}
	screen.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	/* For writing, too: it does not end while nobody writes. */
	fifo = open(argv[2], O_RDWR | O_CLOEXEC);
	from = fifo < 0 ? NULL : fdopen(fifo, "r");
	if (screen.fd < 0 || !from || find_outputs(&screen) != 0) {
		fprintf(stderr, "%s, %s: %s\n", argv[1], argv[2], strerror(errno));
		return CODE_NO_SCREEN;
	}
	code = obey_all(&screen, from);
	for (unsigned i = 0; i < 2; i++) {
		draw_buffer_drop(&screen.buffers[i]);
	}
	return code;
}
