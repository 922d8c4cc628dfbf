/* SPDX-License-Identifier: MIT */
/*
 * Which frame a reader takes next: the part of the ring's reading end that looks at `latest`, at
 * the publication index and at the producer's grant. ring_reader_has_news() and
 * ring_reader_granted() of ring_reader.h live here too. Called by ring_reader.c only.
 */
#ifndef ORIEL_NEXT_FRAME_H
#define ORIEL_NEXT_FRAME_H

#include "ring_reader.h"

#include <stdint.h>

/* The word that names the next frame to take, untrusted: (sequence << 8) + slot; 0: none. */
uint64_t next_frame_name(struct ring_reader *reader);

#endif
