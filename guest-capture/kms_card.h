/* SPDX-License-Identifier: MIT */
/*
 * A DRM device, opened to look at what it shows and never to change it. Used by source_kms.c.
 *
 * Whoever draws (a console, Xorg, a Wayland compositor) is its master and notices nothing; to be
 * handed the framebuffer of somebody else takes CAP_SYS_ADMIN.
 */
#ifndef ORIEL_KMS_CARD_H
#define ORIEL_KMS_CARD_H

#include "complaint.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define KMS_PATH_SIZE 64u
#define KMS_CARD_ROOT "/dev/dri"

struct kms_card {
	int fd; /* -1: closed */
	char path[KMS_PATH_SIZE];
	bool has_prime;
};

/*
 * path:    "/dev/dri/card0", or NULL: the first that shows something, else the first that can
 * returns: 0; -ENOENT there is none (yet); -EACCES; or another -errno, with the complaint filled
 */
int kms_card_open(struct kms_card *card, const char *path, struct complaint *why);

/* Its bit in what a plane says of the CRTCs that it may feed; 0: the card has no such CRTC. */
uint32_t kms_card_crtc_bit(const struct kms_card *card, uint32_t crtc);

void kms_card_close(struct kms_card *card);

/* Cards, their CRTCs and modes, a line each: --list-sources. returns: how many cards */
unsigned kms_card_list(FILE *to);

#endif
