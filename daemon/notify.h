/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the service manager how far we are, by the socket that $NOTIFY_SOCKET
 * names, as of sd_notify(3). Without one nothing happens.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* "READY=1", "STOPPING=1"; several lines are fine. */
void notify_manager(const char *state);

#endif
