/* SPDX-License-Identifier: MIT */
#include "complaint.h"

#include <stdio.h>

void complain_list(struct complaint *complaint, const char *format, va_list arguments)
{
	vsnprintf(complaint->text, sizeof(complaint->text), format, arguments);
	complaint_clean(complaint->text);
}

void complain(struct complaint *complaint, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain_list(complaint, format, arguments);
	va_end(arguments);
}

void complaint_clean(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			*text = '?';
		}
	}
}
