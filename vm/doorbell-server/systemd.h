/* SPDX-License-Identifier: MIT */
/*
 * What a service manager hands down and wants to hear: the sd_listen_fds and sd_notify protocols,
 * which are two environment variables and a datagram; too little to depend on libsystemd for.
 */
#ifndef ORIEL_DOORBELL_SYSTEMD_H
#define ORIEL_DOORBELL_SYSTEMD_H

#define SYSTEMD_FIRST_FD 3

/*
 * How many sockets were handed down to this very process, from SYSTEMD_FIRST_FD on; 0 for none.
 * They are closed on exec from now on, and the variables are gone.
 */
int systemd_listen_fds(void);

/* "READY=1": tells the service manager, if there is one. Never waits. */
void systemd_notify(const char *state);

#endif
