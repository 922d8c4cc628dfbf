/* SPDX-License-Identifier: MIT */
#include "kms_card.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define CARDS_MAX 16
#define CRTCS_MAX 32 /* of a card: a plane has a bit for each */

#ifndef DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT /* libdrm may be older than the kernel */
#define DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT 6
#endif

static int complain_of_open(const char *path, int error, struct complaint *why)
{
	switch (error) {
	case ENOENT:
		complain(
		        why, "%s is not there; 'guest-capture --list-sources' lists what is", path);
		return -ENOENT;
	case EACCES:
	case EPERM:
		complain(why, "%s may not be opened by this user; run this as root", path);
		return -EACCES;
	default:
		complain(why, "%s cannot be opened: %s", path, strerror(error));
		return -error;
	}
}

/* returns: 0, -ENODEV: it has no screen; or another -errno */
static int open_one(struct kms_card *card, const char *path, struct complaint *why)
{
	uint64_t prime = 0;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		return complain_of_open(path, errno, why);
	}
	/* The first to open a card that nobody uses is made its master; that is not our part. */
	drmDropMaster(fd);
	if (drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1) != 0) {
		complain(why, "%s is no display: %s", path, strerror(errno));
		close(fd);
		return -ENODEV;
	}
	/* Without it the planes' properties are fewer; what is needed is there either way. */
	(void)drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1);
	/* Where a virtual card has a cursor plane, newer kernels hide it from who does not know. */
	(void)drmSetClientCap(fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1);
	drmGetCap(fd, DRM_CAP_PRIME, &prime);
	*card = (struct kms_card) { .fd = fd, .has_prime = prime & DRM_PRIME_CAP_EXPORT };
	snprintf(card->path, sizeof(card->path), "%s", path);
	return 0;
}

static bool shows_something(const struct kms_card *card)
{
	drmModeRes *resources = drmModeGetResources(card->fd);
	bool any = false;

	for (int i = 0; resources && i < resources->count_crtcs; i++) {
		drmModeCrtc *crtc = drmModeGetCrtc(card->fd, resources->crtcs[i]);

		any |= crtc && crtc->mode_valid;
		drmModeFreeCrtc(crtc);
	}
	drmModeFreeResources(resources);
	return any;
}

static int open_best(struct kms_card *card, struct complaint *why)
{
	struct kms_card one;
	int error = -ENOENT;

	complain(why, "this machine has no " KMS_CARD_ROOT "/card*: give the guest a display "
	              "(-device virtio-vga), or capture another --source");
	for (int i = 0; i < CARDS_MAX; i++) {
		char path[KMS_PATH_SIZE];
		struct complaint other;
		int result;

		snprintf(path, sizeof(path), KMS_CARD_ROOT "/card%d", i);
		result = open_one(&one, path, &other);
		if (result == -ENOENT) {
			continue;
		}
		if (result != 0) {
			*why = card->fd < 0 ? other : *why;
			error = card->fd < 0 ? result : 0;
			continue;
		}
		if (card->fd < 0) {
			*card = one;
			error = 0;
		} else if (!shows_something(card) && shows_something(&one)) {
			kms_card_close(card);
			*card = one;
		} else {
			kms_card_close(&one);
		}
	}
	return error;
}

int kms_card_open(struct kms_card *card, const char *path, struct complaint *why)
{
	*card = (struct kms_card) { .fd = -1 };
	if (path && strlen(path) >= KMS_PATH_SIZE) {
		complain(why, "%.80s... is too long for a device", path);
		return -ENAMETOOLONG;
	}
	return path ? open_one(card, path, why) : open_best(card, why);
}

uint32_t kms_card_crtc_bit(const struct kms_card *card, uint32_t crtc)
{
	drmModeRes *resources = drmModeGetResources(card->fd);
	uint32_t bit = 0;

	for (int i = 0; resources && i < resources->count_crtcs && i < CRTCS_MAX; i++) {
		if (resources->crtcs[i] == crtc) {
			bit = UINT32_C(1) << i;
		}
	}
	drmModeFreeResources(resources);
	return bit;
}

void kms_card_close(struct kms_card *card)
{
	if (card->fd >= 0) {
		close(card->fd);
		card->fd = -1;
	}
}

static void list_crtcs(const struct kms_card *card, FILE *to)
{
	drmModeRes *resources = drmModeGetResources(card->fd);

	for (int i = 0; resources && i < resources->count_crtcs; i++) {
		drmModeCrtc *crtc = drmModeGetCrtc(card->fd, resources->crtcs[i]);

		if (crtc && crtc->mode_valid) {
			fprintf(to, "kms:%s,crtc=%u  %ux%u\n", card->path, crtc->crtc_id,
			        crtc->mode.hdisplay, crtc->mode.vdisplay);
		} else if (crtc) {
			fprintf(to, "kms:%s,crtc=%u  off\n", card->path, crtc->crtc_id);
		}
		drmModeFreeCrtc(crtc);
	}
	drmModeFreeResources(resources);
}

unsigned kms_card_list(FILE *to)
{
	unsigned count = 0;

	for (int i = 0; i < CARDS_MAX; i++) {
		char path[KMS_PATH_SIZE];
		struct complaint why;
		struct kms_card card;
		drmVersion *version;
		int error;

		snprintf(path, sizeof(path), KMS_CARD_ROOT "/card%d", i);
		error = kms_card_open(&card, path, &why);
		if (error == -ENOENT) {
			continue;
		}
		count++;
		if (error) {
			fprintf(to, "kms:%s  %s\n", path, why.text);
			continue;
		}
		version = drmGetVersion(card.fd);
		fprintf(to, "kms:%s  driver %s\n", path, version ? version->name : "unknown");
		drmFreeVersion(version);
		list_crtcs(&card, to);
		kms_card_close(&card);
	}
	return count;
}
