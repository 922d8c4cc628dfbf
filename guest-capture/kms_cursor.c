/* SPDX-License-Identifier: MIT */
#include "kms_cursor.h"
#include "kms_object.h"
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

/* returns: is it for pointers, and does it tell where they are? */
static bool examine_plane(struct kms_cursor_plane *plane, int fd, uint32_t id)
{
	struct kms_properties all;

	if (kms_plane_type(fd, id) != DRM_PLANE_TYPE_CURSOR ||
	        !kms_properties_read(fd, id, DRM_MODE_OBJECT_PLANE, &all)) {
		return false;
	}
	*plane = (struct kms_cursor_plane) {
		.id = id,
		.x_id = kms_properties_find(fd, &all, "CRTC_X"),
		.y_id = kms_properties_find(fd, &all, "CRTC_Y"),
		.hot_x_id = kms_properties_find(fd, &all, "HOTSPOT_X"),
		.hot_y_id = kms_properties_find(fd, &all, "HOTSPOT_Y"),
	};
	return plane->x_id && plane->y_id;
}

/* All that may have the pointer of this CRTC, now or later. */
static void find_planes(struct kms_cursor *cursor, const struct kms_card *card, uint32_t crtc)
{
	drmModePlaneRes *all = drmModeGetPlaneResources(card->fd);
	const uint32_t bit = kms_card_crtc_bit(card, crtc);

	cursor->plane_count = 0;
	cursor->plane = 0;
	for (uint32_t i = 0; all && i < all->count_planes; i++) {
		struct kms_cursor_plane *next = &cursor->planes[cursor->plane_count];
		struct kms_plane now;

		if (cursor->plane_count < KMS_CURSOR_PLANES &&
		        kms_plane_read(card->fd, all->planes[i], &now) &&
		        now.possible_crtcs & bit && examine_plane(next, card->fd, all->planes[i])) {
			cursor->plane_count++;
		}
	}
	cursor->crtc = all ? crtc : 0;
	drmModeFreePlaneResources(all);
}

/* returns: whether it moved */
static bool read_place(struct kms_cursor *cursor, int fd)
{
	const struct kms_cursor_plane *plane = &cursor->planes[cursor->plane];
	const struct kms_cursor before = *cursor;
	struct kms_properties now;

	if (!kms_properties_read(fd, plane->id, DRM_MODE_OBJECT_PLANE, &now)) {
		return false;
	}
	cursor->x = (int32_t)kms_properties_value(&now, plane->x_id, 0);
	cursor->y = (int32_t)kms_properties_value(&now, plane->y_id, 0);
	cursor->hot_x = (uint32_t)kms_properties_value(&now, plane->hot_x_id, 0);
	cursor->hot_y = (uint32_t)kms_properties_value(&now, plane->hot_y_id, 0);
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

/* returns: the framebuffer of the pointer on its CRTC, 0 for none */
static uint32_t current_buffer(struct kms_cursor *cursor, int fd)
{
	for (unsigned i = 0; i < cursor->plane_count; i++) {
		const unsigned at = (cursor->plane + i) % cursor->plane_count;
		struct kms_plane now;

		if (kms_plane_read(fd, cursor->planes[at].id, &now) && now.crtc == cursor->crtc &&
		        now.buffer) {
			cursor->plane = at;
			return now.buffer;
		}
	}
	return 0;
}

bool kms_cursor_look(struct kms_cursor *cursor, const struct kms_card *card, uint32_t crtc)
{
	bool was_shown = cursor->is_shown;
	bool differs = false;
	uint32_t id;

	if (cursor->crtc != crtc) {
		find_planes(cursor, card, crtc);
	}
	id = current_buffer(cursor, card->fd);
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
	cursor->crtc = 0;
	cursor->plane_count = 0;
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
