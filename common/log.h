/* SPDX-License-Identifier: MIT */
/*
 * Lines for a person on standard error: "guest-capture: text". Four levels; nothing above debug
 * is ever written per frame. Level and program name are set once, before any thread starts; they
 * are process-wide state, as are the flag of stop.h, the table of bus_guard.h and the version that
 * argp is told in command_line.c; nothing else is.
 */
#ifndef ORIEL_LOG_H
#define ORIEL_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Also sees to it that descriptors 0 to 2 are open, so that no file of ours becomes the log. */
void log_init(const char *program, enum log_level most);

/* Whole lines, one write each, so that two programs may share a terminal. Any thread. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
