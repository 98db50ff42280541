/* SPDX-License-Identifier: Apache-2.0 */
/* What the spawner keeps of root, and what it takes for its instances. */
#ifndef SPAWNER_PRIVILEGES_H
#define SPAWNER_PRIVILEGES_H

#include <stdbool.h>

#include "host/err.h"

/* Before anything is read: descriptors 0 to 2 are open, signals that are
 * mayflyd's to act on wait, processes that a monitor leaves become ours. */
int privileges_init(struct err *e);
/* Gives up every capability but those that starting and ending needs. */
int privileges_drop(struct err *e);

#endif
