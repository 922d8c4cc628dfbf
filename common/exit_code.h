/* SPDX-License-Identifier: MIT */
/*
 * What a program of this project says with its exit code. Documented in README.md.
 */
#ifndef ORIEL_EXIT_CODE_H
#define ORIEL_EXIT_CODE_H

enum exit_code {
	EXIT_GOOD = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_REGION = 3,        /* region or device missing or unusable */
	EXIT_NO_PEER = 4,       /* nobody came within --wait */
	EXIT_INTEGRITY = 5,     /* a bad frame, or counts that do not reconcile */
	EXIT_OTHER_VERSION = 6, /* the other side speaks another protocol version */
};

#endif
