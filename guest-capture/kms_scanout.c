/* SPDX-License-Identifier: MIT */
#include "kms_scanout.h"
#include "clock.h"
#include "kms_object.h"
#include "pixel_format.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

void kms_scanout_init(struct kms_scanout *scanout, const struct kms_card *card, uint32_t crtc)
{
	*scanout = (struct kms_scanout) { .card = card, .crtc = crtc };
	for (unsigned i = 0; i < KMS_MAPS; i++) {
		scanout->maps[i].dmabuf = -1;
	}
}

static void unmap(struct kms_map *map)
{
	if (map->bytes) {
		munmap((void *)(uintptr_t)map->bytes, map->size);
	}
	if (map->dmabuf >= 0) {
		close(map->dmabuf);
	}
	*map = (struct kms_map) { .dmabuf = -1 };
}

void kms_scanout_finish(struct kms_scanout *scanout)
{
	for (unsigned i = 0; i < KMS_MAPS; i++) {
		unmap(&scanout->maps[i]);
	}
}

/* The primary plane that feeds our CRTC now, and that CRTC; 0: there is none. */
static uint32_t find_plane(const struct kms_scanout *scanout)
{
	int fd = scanout->card->fd;
	drmModePlaneRes *planes = drmModeGetPlaneResources(fd);
	uint32_t found = 0;

	for (uint32_t i = 0; planes && !found && i < planes->count_planes; i++) {
		uint32_t plane = planes->planes[i];
		struct kms_plane now;

		if (kms_plane_read(fd, plane, &now) && now.buffer && now.crtc &&
		        (!scanout->crtc || now.crtc == scanout->crtc) &&
		        kms_plane_type(fd, plane) == DRM_PLANE_TYPE_PRIMARY) {
			found = plane;
		}
	}
	drmModeFreePlaneResources(planes);
	return found;
}

static struct kms_map *find_map(struct kms_scanout *scanout, bool is_prime, uint64_t identity)
{
	for (unsigned i = 0; i < KMS_MAPS; i++) {
		struct kms_map *map = &scanout->maps[i];

		if (map->bytes && map->is_prime == is_prime && map->identity == identity) {
			return map;
		}
	}
	return NULL;
}

/*
 * The one that was not looked at for longest, empty. Buffers of another size are of another mode
 * and do not come back: to hold on to them takes memory of a small card from who draws.
 */
static struct kms_map *empty_map(struct kms_scanout *scanout, size_t size)
{
	struct kms_map *oldest = &scanout->maps[0];

	for (unsigned i = 0; i < KMS_MAPS; i++) {
		if (scanout->maps[i].size != size) {
			unmap(&scanout->maps[i]);
		}
		oldest = scanout->maps[i].used < oldest->used ? &scanout->maps[i] : oldest;
	}
	unmap(oldest);
	return oldest;
}

/* A buffer of a card that shares its buffers. NULL: it does not share this one. */
static struct kms_map *map_prime(struct kms_scanout *scanout, uint32_t handle, size_t size)
{
	struct kms_map *map;
	struct stat status;
	void *bytes;
	int fd;

	if (!scanout->card->has_prime ||
	        drmPrimeHandleToFD(scanout->card->fd, handle, DRM_CLOEXEC, &fd) != 0) {
		return NULL;
	}
	if (fstat(fd, &status) != 0) {
		close(fd);
		return NULL;
	}
	map = find_map(scanout, true, status.st_ino);
	if (map && map->size >= size) {
		close(fd);
		return map;
	}
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		close(fd);
		return NULL;
	}
	map = empty_map(scanout, size);
	*map = (struct kms_map) { bytes, size, true, status.st_ino, fd, 0 };
	return map;
}

/* Dumb buffers, which consoles, X and Weston draw into, can be mapped on every card. */
static struct kms_map *map_dumb(struct kms_scanout *scanout, uint32_t handle, size_t size)
{
	struct drm_mode_map_dumb request = { .handle = handle };
	struct kms_map *map;
	void *bytes;

	if (drmIoctl(scanout->card->fd, DRM_IOCTL_MODE_MAP_DUMB, &request) != 0) {
		return NULL;
	}
	map = find_map(scanout, false, request.offset);
	if (map && map->size >= size) {
		return map;
	}
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, scanout->card->fd, (off_t)request.offset);
	if (bytes == MAP_FAILED) {
		return NULL;
	}
	map = empty_map(scanout, size);
	*map = (struct kms_map) { bytes, size, false, request.offset, -1, 0 };
	return map;
}

static uint64_t refresh_of(const drmModeModeInfo *mode)
{
	uint64_t pixels =
	        (uint64_t)mode->htotal * mode->vtotal * (mode->vscan > 1 ? mode->vscan : 1);

	if (mode->flags & DRM_MODE_FLAG_DBLSCAN) {
		pixels *= 2;
	}
	if (mode->flags & DRM_MODE_FLAG_INTERLACE) {
		pixels /= 2;
	}
	/* The clock is in kHz. */
	return mode->clock ? pixels * NS_PER_MS / mode->clock : 0;
}

/*
 * Such a CRTC keeps its mode and its buffer, but shows neither: a console or a desktop that rests.
 * Where there is no such property nothing tells, and nothing is asked.
 */
static bool is_blanked(struct kms_scanout *scanout, uint32_t crtc)
{
	const int fd = scanout->card->fd;
	struct kms_properties now;

	if ((scanout->knows_active && !scanout->active_id) ||
	        !kms_properties_read(fd, crtc, DRM_MODE_OBJECT_CRTC, &now)) {
		return false;
	}
	if (!scanout->knows_active) {
		scanout->active_id = kms_properties_find(fd, &now, "ACTIVE");
		scanout->knows_active = true;
	}
	return kms_properties_value(&now, scanout->active_id, true) == 0;
}

static bool find_part(struct kms_scanout *scanout, uint32_t crtc_id, const drmModeFB2 *buffer,
        struct frame_rect *part, uint64_t *refresh_ns)
{
	drmModeCrtc *crtc = drmModeGetCrtc(scanout->card->fd, crtc_id);
	bool is_shown = kms_judge_part(buffer, crtc, part) && !is_blanked(scanout, crtc_id);

	*refresh_ns = crtc ? refresh_of(&crtc->mode) : 0;
	drmModeFreeCrtc(crtc);
	return is_shown;
}

static void close_handles(int fd, const drmModeFB2 *buffer)
{
	for (unsigned i = 0; i < 4; i++) {
		bool is_again = false;

		for (unsigned j = 0; j < i; j++) {
			is_again |= buffer->handles[j] == buffer->handles[i];
		}
		if (buffer->handles[i] && !is_again) {
			drmCloseBufferHandle(fd, buffer->handles[i]);
		}
	}
}

static enum kms_look view_buffer(struct kms_scanout *scanout, uint32_t crtc,
        const drmModeFB2 *buffer, struct kms_view *view, struct complaint *why)
{
	enum kms_look look = kms_judge_buffer(buffer, why);
	const struct pixel_format *format;
	struct frame_rect part;
	struct kms_map *map;
	uint64_t refresh_ns;
	size_t size;

	if (look != KMS_SHOWN) {
		return look;
	}
	if (!find_part(scanout, crtc, buffer, &part, &refresh_ns)) {
		return KMS_DARK;
	}
	size = kms_judge_size(buffer);
	map = map_prime(scanout, buffer->handles[0], size);
	map = map ? map : map_dumb(scanout, buffer->handles[0], size);
	if (!map) {
		complain(why, "its buffer cannot be mapped: %s", strerror(errno));
		return KMS_WRONG;
	}
	map->used = ++scanout->looks;
	format = pixel_format_by_fourcc(buffer->pixel_format);
	*view = (struct kms_view) {
		.info = { .fourcc = buffer->pixel_format,
		        .width = part.width,
		        .height = part.height,
		        .stride = pixel_format_stride(format, part.width) },
		.pixels = map->bytes + buffer->offsets[0] + (size_t)part.y * buffer->pitches[0] +
		          (size_t)part.x * format->bytes,
		.pitch = buffer->pitches[0],
		.buffer = buffer->fb_id,
		.crtc = crtc,
		.refresh_ns = refresh_ns,
		.map = map,
	};
	return KMS_SHOWN;
}

/* The plane as it stands now. returns: false: KMS_DARK or KMS_GONE */
static bool read_plane(
        struct kms_scanout *scanout, uint32_t *crtc, uint32_t *buffer, enum kms_look *look)
{
	struct kms_plane now = { 0 };

	if (scanout->plane) {
		(void)kms_plane_read(scanout->card->fd, scanout->plane, &now);
	}
	*crtc = now.crtc;
	*buffer = now.buffer;
	if (*crtc && *buffer && (!scanout->crtc || *crtc == scanout->crtc)) {
		return true;
	}
	/* It feeds another CRTC now, or none. */
	errno = 0;
	scanout->plane = find_plane(scanout);
	*look = errno == ENODEV ? KMS_GONE : KMS_DARK;
	return false;
}

enum kms_look kms_scanout_look(
        struct kms_scanout *scanout, struct kms_view *view, struct complaint *why)
{
	enum kms_look look = KMS_DARK;
	drmModeFB2 *buffer;
	uint32_t crtc;
	uint32_t id;

	if (!scanout->plane) {
		scanout->plane = find_plane(scanout);
	}
	if (!read_plane(scanout, &crtc, &id, &look)) {
		if (look == KMS_GONE) {
			complain(why, "%s is gone", scanout->card->path);
		}
		return look;
	}
	buffer = drmModeGetFB2(scanout->card->fd, id);
	if (!buffer) {
		complain(why, "%s does not tell of its framebuffer: %s", scanout->card->path,
		        strerror(errno));
		/* It was flipped away under us, or the driver does not tell at all. */
		return errno == ENOENT ? KMS_DARK : KMS_GONE;
	}
	look = view_buffer(scanout, crtc, buffer, view, why);
	close_handles(scanout->card->fd, buffer);
	drmModeFreeFB2(buffer);
	return look;
}

bool kms_scanout_is_shown(const struct kms_scanout *scanout, const struct kms_view *view)
{
	struct kms_plane now;

	return kms_plane_read(scanout->card->fd, scanout->plane, &now) &&
	       now.buffer == view->buffer;
}

static void sync_dmabuf(const struct kms_view *view, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_READ };

	if (view->map->dmabuf >= 0) {
		/* Orders caches where they are not coherent; nothing to do where it is refused. */
		(void)drmIoctl(view->map->dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
	}
}

void kms_view_begin(const struct kms_view *view)
{
	sync_dmabuf(view, DMA_BUF_SYNC_START);
}

void kms_view_end(const struct kms_view *view)
{
	sync_dmabuf(view, DMA_BUF_SYNC_END);
}
