/* SPDX-License-Identifier: MIT */
#include "kms_cursor.h"
#include "pixel_format.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define MAP_LOOKS 16u /* then it is mapped anew */

/* Takes note of what the plane has of what we need. returns: is it a cursor's? */
static bool examine_plane(struct kms_cursor *cursor, int fd, uint32_t plane)
{
	const struct {
		const char *name;
		uint32_t *id;
	} wanted[] = {
		{ "CRTC_X", &cursor->x_id },
		{ "CRTC_Y", &cursor->y_id },
		{ "HOTSPOT_X", &cursor->hot_x_id },
		{ "HOTSPOT_Y", &cursor->hot_y_id },
	};
	drmModeObjectProperties *properties =
	        drmModeObjectGetProperties(fd, plane, DRM_MODE_OBJECT_PLANE);
	bool is_cursor = false;

	for (uint32_t i = 0; properties && i < properties->count_props; i++) {
		drmModePropertyRes *property = drmModeGetProperty(fd, properties->props[i]);

		if (!property) {
			continue;
		}
		if (strcmp(property->name, "type") == 0) {
			is_cursor = properties->prop_values[i] == DRM_PLANE_TYPE_CURSOR;
		}
		for (size_t j = 0; j < sizeof(wanted) / sizeof(wanted[0]); j++) {
			if (strcmp(property->name, wanted[j].name) == 0) {
				*wanted[j].id = property->prop_id;
			}
		}
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(properties);
	return is_cursor && cursor->x_id && cursor->y_id;
}

static void find_plane(struct kms_cursor *cursor, int fd, uint32_t crtc)
{
	drmModePlaneRes *planes = drmModeGetPlaneResources(fd);

	for (uint32_t i = 0; planes && !cursor->plane && i < planes->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(fd, planes->planes[i]);

		if (plane && plane->crtc_id == crtc && examine_plane(cursor, fd, plane->plane_id)) {
			cursor->plane = plane->plane_id;
		}
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
}

/* returns: whether it moved */
static bool read_place(struct kms_cursor *cursor, int fd)
{
	drmModeObjectProperties *properties =
	        drmModeObjectGetProperties(fd, cursor->plane, DRM_MODE_OBJECT_PLANE);
	const struct kms_cursor before = *cursor;

	for (uint32_t i = 0; properties && i < properties->count_props; i++) {
		uint32_t id = properties->props[i];
		uint64_t value = properties->prop_values[i];

		if (id == cursor->x_id) {
			cursor->x = (int32_t)value;
		} else if (id == cursor->y_id) {
			cursor->y = (int32_t)value;
		} else if (id == cursor->hot_x_id) {
			cursor->hot_x = (uint32_t)value;
		} else if (id == cursor->hot_y_id) {
			cursor->hot_y = (uint32_t)value;
		}
	}
	drmModeFreeObjectProperties(properties);
	if (before.hot_x != cursor->hot_x || before.hot_y != cursor->hot_y) {
		cursor->images++;
	}
	return before.x != cursor->x || before.y != cursor->y || before.images != cursor->images;
}

static bool reserve(struct kms_cursor *cursor, size_t pixels)
{
	if (pixels > cursor->capacity) {
		free(cursor->pixels);
		cursor->pixels = calloc(pixels, sizeof(cursor->pixels[0]));
		cursor->capacity = cursor->pixels ? pixels : 0;
	}
	return cursor->pixels != NULL;
}

/* Takes the image over. returns: whether it differs from ours */
static bool read_image(struct kms_cursor *cursor)
{
	bool differs = cursor->width != cursor->map_width || cursor->height != cursor->map_height;

	if (!reserve(cursor, (size_t)cursor->map_width * cursor->map_height)) {
		cursor->width = 0;
		return false;
	}
	cursor->width = cursor->map_width;
	cursor->height = cursor->map_height;
	for (uint32_t y = 0; y < cursor->height; y++) {
		uint32_t *ours = cursor->pixels + (size_t)y * cursor->width;
		const uint8_t *theirs =
		        cursor->map + cursor->map_offset + (size_t)y * cursor->map_pitch;

		if (differs || memcmp(ours, theirs, cursor->width * sizeof(ours[0])) != 0) {
			memcpy(ours, theirs, cursor->width * sizeof(ours[0]));
			differs = true;
		}
	}
	cursor->images += differs;
	return differs;
}

static bool is_usable(const drmModeFB2 *buffer)
{
	return buffer->handles[0] && buffer->pixel_format == DRM_FORMAT_ARGB8888 &&
	       (!(buffer->flags & DRM_MODE_FB_MODIFIERS) ||
	               buffer->modifier == DRM_FORMAT_MOD_LINEAR) &&
	       buffer->width > 0 && buffer->height > 0 && buffer->width <= POINTER_SIDE_MAX &&
	       buffer->height <= POINTER_SIDE_MAX && buffer->pitches[0] >= buffer->width * 4;
}

static void unmap(struct kms_cursor *cursor)
{
	if (cursor->map) {
		munmap(cursor->map, cursor->map_size);
	}
	cursor->map = NULL;
	cursor->buffer = 0;
}

static void map_bytes(struct kms_cursor *cursor, int fd, const drmModeFB2 *buffer)
{
	struct drm_mode_map_dumb request = { .handle = buffer->handles[0] };
	size_t size = (size_t)buffer->offsets[0] + (size_t)buffer->pitches[0] * buffer->height;
	void *bytes = MAP_FAILED;
	int dmabuf = -1;

	if (drmPrimeHandleToFD(fd, buffer->handles[0], DRM_CLOEXEC, &dmabuf) == 0) {
		bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, dmabuf, 0);
		close(dmabuf);
	}
	if (bytes == MAP_FAILED && drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &request) == 0) {
		bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)request.offset);
	}
	cursor->map = bytes == MAP_FAILED ? NULL : bytes;
	cursor->map_size = size;
	cursor->map_offset = buffer->offsets[0];
	cursor->map_pitch = buffer->pitches[0];
	cursor->map_width = buffer->width;
	cursor->map_height = buffer->height;
}

/* returns: whether an image is mapped */
static bool map_buffer(struct kms_cursor *cursor, int fd, uint32_t id)
{
	drmModeFB2 *buffer;

	if (cursor->map && cursor->buffer == id && ++cursor->looks < MAP_LOOKS) {
		return true;
	}
	unmap(cursor);
	buffer = drmModeGetFB2(fd, id);
	if (buffer && is_usable(buffer)) {
		map_bytes(cursor, fd, buffer);
		cursor->buffer = id;
		cursor->looks = 0;
	}
	if (buffer && buffer->handles[0]) {
		drmCloseBufferHandle(fd, buffer->handles[0]);
	}
	drmModeFreeFB2(buffer);
	return cursor->map != NULL;
}

/* returns: the framebuffer of the cursor on this CRTC, 0 for none */
static uint32_t current_buffer(const struct kms_cursor *cursor, int fd, uint32_t crtc)
{
	drmModePlane *plane = drmModeGetPlane(fd, cursor->plane);
	uint32_t buffer = plane && plane->crtc_id == crtc ? plane->fb_id : 0;

	drmModeFreePlane(plane);
	return buffer;
}

bool kms_cursor_look(struct kms_cursor *cursor, const struct kms_card *card, uint32_t crtc)
{
	bool was_shown = cursor->is_shown;
	bool differs = false;
	uint32_t id;

	if (!cursor->plane) {
		find_plane(cursor, card->fd, crtc);
	}
	id = cursor->plane ? current_buffer(cursor, card->fd, crtc) : 0;
	cursor->is_shown = false;
	if (id && map_buffer(cursor, card->fd, id)) {
		differs = read_place(cursor, card->fd);
		differs |= read_image(cursor);
		cursor->is_shown = cursor->width != 0;
	}
	return was_shown != cursor->is_shown || (cursor->is_shown && differs);
}

struct pointer kms_cursor_pointer(const struct kms_cursor *cursor)
{
	return (struct pointer) {
		.is_shown = cursor->is_shown,
		.x = cursor->x,
		.y = cursor->y,
		.shape = {
			.width = (uint16_t)cursor->width,
			.height = (uint16_t)cursor->height,
			/* A driver may say anything. */
			.hot_x = (uint16_t)(cursor->hot_x < cursor->width ? cursor->hot_x : 0),
			.hot_y = (uint16_t)(cursor->hot_y < cursor->height ? cursor->hot_y : 0),
			.pixels = cursor->pixels,
		},
	};
}

void kms_cursor_forget(struct kms_cursor *cursor)
{
	unmap(cursor);
	cursor->plane = 0;
	cursor->is_shown = false;
}

struct frame_rect kms_cursor_part(const struct kms_cursor *cursor, uint32_t width, uint32_t height)
{
	int64_t left = cursor->x > 0 ? cursor->x : 0;
	int64_t top = cursor->y > 0 ? cursor->y : 0;
	int64_t right = (int64_t)cursor->x + cursor->width;
	int64_t bottom = (int64_t)cursor->y + cursor->height;

	right = right < width ? right : width;
	bottom = bottom < height ? bottom : height;
	if (!cursor->is_shown || left >= right || top >= bottom) {
		return (struct frame_rect) { 0 };
	}
	return (struct frame_rect) { (uint16_t)left, (uint16_t)top, (uint16_t)(right - left),
		(uint16_t)(bottom - top) };
}

static uint8_t blend(uint32_t argb, unsigned shift, uint8_t below)
{
	uint32_t over = argb >> shift & 0xff;
	uint32_t rest = 255 - (argb >> 24);
	uint32_t sum = over + (below * rest + 127) / 255;

	return (uint8_t)(sum < 255 ? sum : 255);
}

static void draw_pixel(const struct pixel_format *format, uint32_t argb, uint8_t *pixel)
{
	uint8_t rgb[3];
	uint32_t word;

	if (argb >> 24 == 0 && (argb & 0xffffff) == 0) {
		return;
	}
	pixel_format_to_rgb(format, pixel, 1, rgb);
	word = pixel_format_pack(
	        format, blend(argb, 16, rgb[0]), blend(argb, 8, rgb[1]), blend(argb, 0, rgb[2]));
	memcpy(pixel, &word, format->bytes);
}

void kms_cursor_draw(
        const struct kms_cursor *cursor, const struct frame_info *info, uint8_t *pixels)
{
	const struct pixel_format *format = pixel_format_by_fourcc(info->fourcc);
	struct frame_rect part = kms_cursor_part(cursor, info->width, info->height);

	for (uint32_t y = part.y; y < (uint32_t)part.y + part.height; y++) {
		const uint32_t *image =
		        cursor->pixels + (size_t)((int64_t)y - cursor->y) * cursor->width;
		uint8_t *row = pixels + (size_t)y * info->stride;

		for (uint32_t x = part.x; x < (uint32_t)part.x + part.width; x++) {
			draw_pixel(format, image[(int64_t)x - cursor->x],
			        row + (size_t)x * format->bytes);
		}
	}
}

void kms_cursor_finish(struct kms_cursor *cursor)
{
	unmap(cursor);
	free(cursor->pixels);
	*cursor = (struct kms_cursor) { 0 };
}
