/* SPDX-License-Identifier: MIT */
#include "draw_buffer.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PADDING_BYTE 0xa5

static uint32_t pixel_bytes(uint32_t fourcc)
{
	return fourcc == DRM_FORMAT_RGB565 ? 2 : 4;
}

static int add_framebuffer(struct draw_buffer *buffer)
{
	const uint32_t handles[4] = { buffer->handle };
	const uint32_t pitches[4] = { buffer->pitch };
	const uint32_t offsets[4] = { 0 };

	return drmModeAddFB2(buffer->fd, buffer->width, buffer->height, buffer->fourcc, handles,
	        pitches, offsets, &buffer->id, 0);
}

int draw_buffer_make(struct draw_buffer *buffer, int fd, uint32_t width, uint32_t height,
        uint32_t padding, uint32_t fourcc)
{
	struct drm_mode_map_dumb map = { 0 };
	uint64_t size;
	void *bytes;

	*buffer = (struct draw_buffer) {
		.fd = fd, .width = width, .height = height, .fourcc = fourcc
	};
	if (drmModeCreateDumbBuffer(fd, width + padding, height, pixel_bytes(fourcc) * 8, 0,
	            &buffer->handle, &buffer->pitch, &size) != 0) {
		return -errno;
	}
	map.handle = buffer->handle;
	if (add_framebuffer(buffer) != 0 || drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) != 0) {
		return -errno;
	}
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
	if (bytes == MAP_FAILED) {
		return -errno;
	}
	buffer->bytes = bytes;
	buffer->size = size;
	memset(bytes, PADDING_BYTE, size);
	return 0;
}

void draw_buffer_drop(struct draw_buffer *buffer)
{
	if (buffer->bytes) {
		munmap(buffer->bytes, buffer->size);
		drmModeRmFB(buffer->fd, buffer->id);
		drmModeDestroyDumbBuffer(buffer->fd, buffer->handle);
	}
	*buffer = (struct draw_buffer) { 0 };
}

static uint16_t to_565(uint32_t colour)
{
	return (uint16_t)((colour >> 8 & 0xf800) | (colour >> 5 & 0x07e0) | (colour >> 3 & 0x1f));
}

static void put(struct draw_buffer *buffer, uint32_t x, uint32_t y, uint32_t colour)
{
	uint8_t *row = buffer->bytes + (size_t)y * buffer->pitch;

	if (buffer->fourcc == DRM_FORMAT_RGB565) {
		((uint16_t *)(void *)row)[x] = to_565(colour);
	} else {
		((uint32_t *)(void *)row)[x] = colour;
	}
}

void draw_buffer_fill(struct draw_buffer *buffer, uint32_t seed)
{
	for (uint32_t y = 0; y < buffer->height; y++) {
		for (uint32_t x = 0; x < buffer->width; x++) {
			put(buffer, x, y,
			        ((3 * x + 31 * seed) & 0xff) << 16 |
			                ((5 * y + 17 * seed) & 0xff) << 8 |
			                (((x ^ y) + 7 * seed) & 0xff));
		}
	}
}

void draw_buffer_rect(struct draw_buffer *buffer, uint32_t x, uint32_t y, uint32_t width,
        uint32_t height, uint32_t colour)
{
	for (uint32_t row = y; row < y + height && row < buffer->height; row++) {
		for (uint32_t column = x; column < x + width && column < buffer->width; column++) {
			put(buffer, column, row, colour & 0xffffff);
		}
	}
}

int draw_buffer_flush(const struct draw_buffer *buffer)
{
	drmModeClip all = { 0, 0, (uint16_t)buffer->width, (uint16_t)buffer->height };

	/* Who scans its memory out by itself does not know the call. */
	if (drmModeDirtyFB(buffer->fd, buffer->id, &all, 1) != 0 && errno != ENOSYS) {
		return -errno;
	}
	return 0;
}
