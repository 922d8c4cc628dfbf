/* SPDX-License-Identifier: MIT */
/*
 * Patterns that are a still picture with rectangles moving over it. Only what moves is painted
 * again from frame to frame, yet the pixels are those of a picture painted from nothing: what a
 * rectangle leaves is repaired by painting the still picture clipped to it.
 */
#ifndef ORIEL_PATTERN_SCENE_H
#define ORIEL_PATTERN_SCENE_H

#include "canvas.h"
#include "pattern_ops.h"

#define PATTERN_MOVERS_MAX 400u

struct pattern_mover {
	struct canvas_rect rect;
	canvas_color color;
};

struct pattern_scene {
	/* Covers every pixel within the canvas's clip. */
	void (*paint_still)(const struct canvas *canvas);
	/* Fills movers, painted in this order; returns how many, PATTERN_MOVERS_MAX at most. */
	size_t (*place_movers)(
	        const struct frame_info *info, uint64_t sequence, struct pattern_mover *movers);
	/* Movers of one frame never overlap, so one that stays needs no paint. */
	bool movers_are_apart;
};

extern const struct pattern_scene pattern_bars_scene;
extern const struct pattern_scene pattern_motion_scene;
extern const struct pattern_scene pattern_counter_scene;

/* The whole picture. */
void pattern_scene_paint(
        const struct pattern_scene *scene, const struct canvas *canvas, uint64_t sequence);

/* The same, on a canvas that holds the picture of before. */
void pattern_scene_repaint(const struct pattern_scene *scene, const struct canvas *canvas,
        uint64_t before, uint64_t sequence);

/* The functions of struct pattern_ops for a scene. */
struct pattern *pattern_scene_create(
        const struct pattern_ops *ops, const struct pattern_scene *scene);
const void *pattern_scene_draw(
        struct pattern *pattern, const struct frame_info *info, uint64_t epoch, uint64_t sequence);
void pattern_scene_destroy(struct pattern *pattern);

#endif
