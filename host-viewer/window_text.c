/* SPDX-License-Identifier: MIT */
#include "window_text.h"

#include "log.h"

#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <string.h>

#define FONT_POINTS 14 /* any: each label sets its own */
#define BOX_ALPHA   176
#define BOX_MARGIN  8 /* points around the letters and around the box */

static TTF_Font *font_open_match(FcConfig *config, FcPattern *pattern)
{
	FcResult result;
	FcPattern *match;
	FcChar8 *file = NULL;
	TTF_Font *font = NULL;
	int index = 0;

	FcConfigSubstitute(config, pattern, FcMatchPattern);
	FcDefaultSubstitute(pattern);
	match = FcFontMatch(config, pattern, &result);
	if (!match) {
		return NULL;
	}
	if (FcPatternGetString(match, FC_FILE, 0, &file) == FcResultMatch) {
		FcPatternGetInteger(match, FC_INDEX, 0, &index);
		font = TTF_OpenFontIndex((const char *)file, FONT_POINTS, index);
	}
	FcPatternDestroy(match);
	return font;
}

static TTF_Font *font_open(void)
{
	FcConfig *config = FcInitLoadConfigAndFonts();
	FcPattern *pattern =
	        FcNameParse((const FcChar8 *)"DejaVu Sans Mono,monospace:scalable=true");
	TTF_Font *font = NULL;

	if (config && pattern) {
		font = font_open_match(config, pattern);
	}
	if (pattern) {
		FcPatternDestroy(pattern);
	}
	if (config) {
		FcConfigDestroy(config);
	}
	return font;
}

bool window_font_init(struct window_font *font, SDL_Renderer *renderer)
{
	*font = (struct window_font) { .renderer = renderer, .scale_percent = 100 };
	if (TTF_Init() == 0) {
		font->font = font_open();
		if (!font->font) {
			TTF_Quit();
		}
	}
	if (!font->font) {
		log_warning("no font was found: the window's words are in its title alone; "
		            "install fonts-dejavu-core");
	}
	return font->font != NULL;
}

void window_font_finish(struct window_font *font)
{
	if (font->font) {
		TTF_CloseFont(font->font);
		TTF_Quit();
		font->font = NULL;
	}
}

void window_label_init(struct window_label *label, int points)
{
	*label = (struct window_label) { .points = points };
}

static void label_forget(struct window_label *label)
{
	if (label->texture) {
		SDL_DestroyTexture(label->texture);
		label->texture = NULL;
	}
}

void window_label_finish(struct window_label *label)
{
	label_forget(label);
}

bool window_label_set(struct window_label *label, const char *text)
{
	if (strncmp(label->text, text, sizeof(label->text) - 1) == 0) {
		return false;
	}
	snprintf(label->text, sizeof(label->text), "%s", text);
	label_forget(label);
	return true;
}

static int scaled(const struct window_font *font, int points)
{
	return points * font->scale_percent / 100;
}

static void label_render(
        struct window_label *label, struct window_font *font, enum label_place place)
{
	const SDL_Color white = { 255, 255, 255, 255 };
	SDL_Surface *surface;

	label_forget(label);
	label->rendered_wrap = label->wrap;
	label->rendered_percent = font->scale_percent;
	TTF_SetFontSize(font->font, scaled(font, label->points));
	TTF_SetFontWrappedAlign(font->font,
	        place == LABEL_MIDDLE ? TTF_WRAPPED_ALIGN_CENTER : TTF_WRAPPED_ALIGN_LEFT);
	surface =
	        TTF_RenderUTF8_Blended_Wrapped(font->font, label->text, white, (Uint32)label->wrap);
	if (!surface) {
		return;
	}
	label->texture = SDL_CreateTextureFromSurface(font->renderer, surface);
	label->size = (struct layout_size) { surface->w, surface->h };
	SDL_FreeSurface(surface);
}

static SDL_Rect label_box(const struct window_label *label, enum label_place place,
        struct layout_size area, int margin)
{
	SDL_Rect box = { margin, margin, label->size.width + 2 * margin,
		label->size.height + 2 * margin };

	if (place == LABEL_MIDDLE) {
		box.x = (area.width - box.w) / 2;
		box.y = (area.height - box.h) / 2;
	} else if (place == LABEL_BOTTOM_LEFT) {
		box.y = area.height - box.h - margin;
	}
	return box;
}

/* Moves a box in the middle below those that it would lie over; false when there is no room. */
static bool box_find_room(SDL_Rect *box, enum label_place place, struct layout_size area,
        int margin, const struct label_boxes *taken)
{
	for (int i = 0; i < taken->count; i++) {
		const SDL_Rect *other = &taken->boxes[i];

		if (!SDL_HasIntersection(box, other)) {
			continue;
		}
		if (place != LABEL_MIDDLE || other->y > box->y) {
			return false;
		}
		box->y = other->y + other->h + margin;
		if (box->y + box->h > area.height) {
			return false;
		}
	}
	for (int i = 0; i < taken->count; i++) {
		if (SDL_HasIntersection(box, &taken->boxes[i])) {
			return false;
		}
	}
	return taken->count < LABELS_MAX;
}

static bool label_prepare(
        struct window_label *label, struct window_font *font, enum label_place place)
{
	if (!font->font || !label->text[0]) {
		return false;
	}
	if (!label->texture || label->rendered_wrap != label->wrap ||
	        label->rendered_percent != font->scale_percent) {
		label_render(label, font, place);
	}
	return label->texture != NULL;
}

void window_label_draw(struct window_label *label, struct window_font *font, enum label_place place,
        struct layout_size area, struct label_boxes *taken)
{
	int margin = scaled(font, BOX_MARGIN);
	SDL_Rect letters;
	SDL_Rect box;

	if (!label_prepare(label, font, place)) {
		return;
	}
	box = label_box(label, place, area, margin);
	if (!box_find_room(&box, place, area, margin, taken)) {
		return;
	}
	taken->boxes[taken->count++] = box;
	letters = (SDL_Rect) { box.x + margin, box.y + margin, label->size.width,
		label->size.height };
	SDL_SetRenderDrawBlendMode(font->renderer, SDL_BLENDMODE_BLEND);
	SDL_SetRenderDrawColor(font->renderer, 0, 0, 0, BOX_ALPHA);
	SDL_RenderFillRect(font->renderer, &box);
	SDL_RenderCopy(font->renderer, label->texture, NULL, &letters);
}
