/* SPDX-License-Identifier: MIT */
#include "window_keys.h"

static enum window_wish wish_of_key(const SDL_KeyboardEvent *key)
{
	if (key->repeat || key->keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI)) {
		return WISH_NONE;
	}
	switch (key->keysym.sym) {
	case SDLK_q:
		return WISH_QUIT;
	case SDLK_ESCAPE:
		return WISH_BACK;
	case SDLK_f:
		return WISH_FULLSCREEN;
	case SDLK_o:
		return WISH_OVERLAY;
	case SDLK_s:
		return WISH_SNAPSHOT;
	default:
		return WISH_NONE;
	}
}

static enum window_wish wish_of_window(const SDL_WindowEvent *event)
{
	switch (event->event) {
	case SDL_WINDOWEVENT_CLOSE:
		return WISH_QUIT;
	case SDL_WINDOWEVENT_SHOWN:
	case SDL_WINDOWEVENT_EXPOSED:
	case SDL_WINDOWEVENT_RESTORED:
	case SDL_WINDOWEVENT_SIZE_CHANGED:
	case SDL_WINDOWEVENT_DISPLAY_CHANGED:
		return WISH_REPAINT;
	default:
		return WISH_NONE;
	}
}

enum window_wish window_wish_of(const SDL_Event *event)
{
	switch (event->type) {
	case SDL_QUIT:
		return WISH_QUIT;
	case SDL_KEYDOWN:
		return wish_of_key(&event->key);
	case SDL_MOUSEBUTTONDOWN:
		if (event->button.button == SDL_BUTTON_LEFT && event->button.clicks == 2) {
			return WISH_FULLSCREEN;
		}
		return WISH_NONE;
	case SDL_WINDOWEVENT:
		return wish_of_window(&event->window);
	default:
		return WISH_NONE;
	}
}
