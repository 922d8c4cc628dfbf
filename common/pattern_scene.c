/* SPDX-License-Identifier: MIT */
#include "pattern_scene.h"

#include <stdlib.h>
#include <string.h>

struct scene_pattern {
	struct pattern base;
	const struct pattern_scene *scene;
	struct pattern_buffer buffer;
	struct frame_info info; /* of the picture in the buffer; height 0: there is none */
	uint64_t sequence;
};

void pattern_scene_paint(
        const struct pattern_scene *scene, const struct canvas *canvas, uint64_t sequence)
{
	struct pattern_mover movers[PATTERN_MOVERS_MAX];
	size_t count = scene->place_movers(&canvas->info, sequence, movers);

	scene->paint_still(canvas);
	for (size_t i = 0; i < count; i++) {
		canvas_fill(canvas, movers[i].rect, movers[i].color);
	}
}

static bool mover_stays(const struct pattern_scene *scene, const struct pattern_mover *a,
        const struct pattern_mover *b)
{
	return scene->movers_are_apart && a->color == b->color && a->rect.x == b->rect.x &&
	       a->rect.y == b->rect.y && a->rect.width == b->rect.width &&
	       a->rect.height == b->rect.height;
}

void pattern_scene_repaint(const struct pattern_scene *scene, const struct canvas *canvas,
        uint64_t before, uint64_t sequence)
{
	struct pattern_mover old[PATTERN_MOVERS_MAX];
	struct pattern_mover new[PATTERN_MOVERS_MAX];
	size_t old_count = scene->place_movers(&canvas->info, before, old);
	size_t new_count = scene->place_movers(&canvas->info, sequence, new);

	for (size_t i = 0; i < old_count; i++) {
		if (i >= new_count || !mover_stays(scene, &old[i], &new[i])) {
			struct canvas left = canvas_clipped(canvas, old[i].rect);

			scene->paint_still(&left);
		}
	}
	for (size_t i = 0; i < new_count; i++) {
		if (i >= old_count || !mover_stays(scene, &old[i], &new[i])) {
			canvas_fill(canvas, new[i].rect, new[i].color);
		}
	}
}

struct pattern *pattern_scene_create(
        const struct pattern_ops *ops, const struct pattern_scene *scene)
{
	struct scene_pattern *made = calloc(1, sizeof(*made));

	if (!made) {
		return NULL;
	}
	made->base.ops = ops;
	made->scene = scene;
	return &made->base;
}

void pattern_scene_destroy(struct pattern *pattern)
{
	struct scene_pattern *drawn = (struct scene_pattern *)pattern;

	pattern_buffer_finish(&drawn->buffer);
	free(drawn);
}

const void *pattern_scene_draw(
        struct pattern *pattern, const struct frame_info *info, uint64_t epoch, uint64_t sequence)
{
	struct scene_pattern *drawn = (struct scene_pattern *)pattern;
	size_t bytes = frame_info_bytes(info);
	struct canvas canvas;

	(void)epoch; /* a picture for people looks the same in every session */
	if (!pattern_buffer_reserve(&drawn->buffer, bytes)) {
		return NULL;
	}
	canvas = canvas_over(info, drawn->buffer.bytes);
	if (frame_info_equal(info, &drawn->info)) {
		pattern_scene_repaint(drawn->scene, &canvas, drawn->sequence, sequence);
	} else {
		memset(drawn->buffer.bytes, 0, bytes);
		pattern_scene_paint(drawn->scene, &canvas, sequence);
	}
	drawn->info = *info;
	drawn->sequence = sequence;
	return drawn->buffer.bytes;
}
