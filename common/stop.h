/* SPDX-License-Identifier: MIT */
/*
 * SIGINT and SIGTERM end a program cleanly: the loops ask stop_requested() at every turn, and
 * every wait is limited, so that files are complete and the peer is told.
 */
#ifndef ORIEL_STOP_H
#define ORIEL_STOP_H

#include <stdbool.h>

/*
 * Installs the handlers, without SA_RESTART so that sleeps end at once. Ignores SIGPIPE and
 * SIGXFSZ: what they tell is an errno of the write too, and is handled there.
 */
void stop_on_signals(void);

bool stop_requested(void);

#endif
