/* SPDX-License-Identifier: MIT */
/*
 * One line for a person: the thing, its value, what is wrong with it and the cure.
 *
 * Filled by whoever finds the fault, shown once by whoever can name the consequence (main, most
 * often), which knows the option it came from.
 */
#ifndef ORIEL_COMPLAINT_H
#define ORIEL_COMPLAINT_H

#include <stdarg.h>

struct complaint {
	char text[400];
};

/* Sets the text, cut where it does not fit; control characters of outside values become '?'. */
void complain(struct complaint *complaint, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void complain_list(struct complaint *complaint, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

/* Control characters become '?', so that a line stays a line and a terminal stays as it is. */
void complaint_clean(char *text);

#endif
