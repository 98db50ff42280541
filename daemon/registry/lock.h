/* SPDX-License-Identifier: Apache-2.0 */
/* One daemon for a state directory: STATE/lock, held by flock. */
#ifndef DAEMON_REGISTRY_LOCK_H
#define DAEMON_REGISTRY_LOCK_H

#include "host/err.h"

/*
 * The descriptor, whose end, however it comes, is the end of the lock; or
 * -EBUSY and who holds it. Makes the directory if it is not there.
 */
int state_lock(const char *state_dir, struct err *e);

#endif
