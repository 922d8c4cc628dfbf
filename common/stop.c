/* SPDX-License-Identifier: MIT */
#include "stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_flag;

static void stop_now(int signal_number)
{
	(void)signal_number;
	stop_flag = 1;
}

void stop_on_signals(void)
{
	const struct sigaction action = { .sa_handler = stop_now };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

bool stop_requested(void)
{
	return stop_flag != 0;
}
