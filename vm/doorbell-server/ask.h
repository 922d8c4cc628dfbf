/* SPDX-License-Identifier: MIT */
/*
 * The verbs status and ring: the other side of the desk that control.h describes. Called by main.c.
 */
#ifndef ORIEL_DOORBELL_ASK_H
#define ORIEL_DOORBELL_ASK_H

#include "exit_code.h"
#include "server_options.h"

/* Asks the server at options->socket, within five seconds, and prints what it says. */
enum exit_code ask(const struct server_options *options);

#endif
