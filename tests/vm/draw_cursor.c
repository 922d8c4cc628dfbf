/* SPDX-License-Identifier: MIT */
/*
 * What a desktop does with a mouse pointer, in a guest: draw_cursor CARD FIFO
 *
 * Becomes the card's master, leaves the screen as it is, and obeys the words that are written into
 * the FIFO, a line each. "done: LINE" is said when the card has it.
 *
 *   show SIDE COLOUR  a new image of SIDE x SIDE: the left half is 0xRRGGBB, the right half nothing
 *   paint COLOUR      the same into the image that is there, in place
 *   move X Y          its upper left corner; may lie outside
 *   hide              no image
 *   off, on           the screen, with the picture that it had
 *   end               leaves; the image goes too
 *
 * Exit codes: 0; 1 a word could not be obeyed; 2 usage; 3 no such screen.
 */
#include "draw_buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CODE_NOT_DONE  1
#define CODE_USAGE     2
#define CODE_NO_SCREEN 3
#define LINE_SIZE      128u

struct cursor {
	int fd;
	uint32_t crtc;
	uint32_t connector;
	uint32_t picture; /* the framebuffer that was shown when we came */
	drmModeModeInfo mode;
	struct draw_buffer image;
};

/* The screen that is on, and what it shows. */
static int find_screen(struct cursor *cursor)
{
	drmModeRes *resources = drmModeGetResources(cursor->fd);

	for (int i = 0; resources && !cursor->crtc && i < resources->count_crtcs; i++) {
		drmModeCrtc *crtc = drmModeGetCrtc(cursor->fd, resources->crtcs[i]);

		if (crtc && crtc->mode_valid) {
			cursor->crtc = crtc->crtc_id;
			cursor->picture = crtc->buffer_id;
			cursor->mode = crtc->mode;
		}
		drmModeFreeCrtc(crtc);
	}
	for (int i = 0; resources && !cursor->connector && i < resources->count_connectors; i++) {
		drmModeConnector *one = drmModeGetConnector(cursor->fd, resources->connectors[i]);

		if (one && one->connection == DRM_MODE_CONNECTED) {
			cursor->connector = one->connector_id;
		}
		drmModeFreeConnector(one);
	}
	drmModeFreeResources(resources);
	return cursor->crtc && cursor->connector ? 0 : -ENODEV;
}

static int switch_screen(struct cursor *cursor, bool on)
{
	return drmModeSetCrtc(cursor->fd, cursor->crtc, on ? cursor->picture : 0, 0, 0,
	        on ? &cursor->connector : NULL, on, on ? &cursor->mode : NULL);
}

static void paint(const struct draw_buffer *image, uint32_t colour)
{
	for (uint32_t y = 0; y < image->height; y++) {
		uint32_t *row = (uint32_t *)(void *)(image->bytes + (size_t)y * image->pitch);

		for (uint32_t x = 0; x < image->width; x++) {
			row[x] = x < image->width / 2 ? 0xff000000 | colour : 0;
		}
	}
}

/* Tells the card of the image that there is. */
static int set_image(const struct cursor *cursor)
{
	return drmModeSetCursor2(cursor->fd, cursor->crtc, cursor->image.handle,
	        cursor->image.width, cursor->image.height, 0, 0);
}

static int show(struct cursor *cursor, uint32_t side, uint32_t colour)
{
	struct draw_buffer old = cursor->image;
	int error =
	        draw_buffer_make(&cursor->image, cursor->fd, side, side, 0, DRM_FORMAT_ARGB8888);

	if (!error) {
		paint(&cursor->image, colour);
		error = set_image(cursor);
	}
	draw_buffer_drop(&old);
	return error;
}

static int obey(struct cursor *cursor, const char *line)
{
	unsigned side;
	unsigned colour;
	int x;
	int y;

	if (sscanf(line, "show %u %x", &side, &colour) == 2) {
		return show(cursor, side, colour);
	}
	if (sscanf(line, "paint %x", &colour) == 1 && cursor->image.bytes) {
		paint(&cursor->image, colour);
		return set_image(cursor);
	}
	if (sscanf(line, "move %d %d", &x, &y) == 2) {
		return drmModeMoveCursor(cursor->fd, cursor->crtc, x, y);
	}
	if (strcmp(line, "hide") == 0) {
		return drmModeSetCursor(cursor->fd, cursor->crtc, 0, 0, 0);
	}
	if (strcmp(line, "off") == 0 || strcmp(line, "on") == 0) {
		return switch_screen(cursor, line[1] == 'n');
	}
	return -ENOENT;
}

static int obey_all(struct cursor *cursor, FILE *from)
{
	char line[LINE_SIZE];

	printf("ready\n");
	while (fgets(line, sizeof(line), from)) {
		int error = 0;

		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "end") != 0) {
			error = obey(cursor, line);
		}
		if (error) {
			printf("failed: %s: %s\n", line, strerror(-error));
			return CODE_NOT_DONE;
		}
		printf("done: %s\n", line);
		if (strcmp(line, "end") == 0) {
			return 0;
		}
	}
	return CODE_NOT_DONE;
}

int main(int argc, char **argv)
{
	static struct cursor cursor;
	FILE *from = NULL;
	int fifo;
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3) {
		fprintf(stderr, "draw_cursor CARD FIFO\n");
		return CODE_USAGE;
	}
	cursor.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	/* For writing, too: it does not end while nobody writes. */
	fifo = open(argv[2], O_RDWR | O_CLOEXEC);
	from = fifo < 0 ? NULL : fdopen(fifo, "r");
	if (cursor.fd < 0 || !from || find_screen(&cursor) != 0) {
		fprintf(stderr, "%s, %s: %s\n", argv[1], argv[2], strerror(errno));
		return CODE_NO_SCREEN;
	}
	code = obey_all(&cursor, from);
	drmModeSetCursor(cursor.fd, cursor.crtc, 0, 0, 0);
	draw_buffer_drop(&cursor.image);
	return code;
}
