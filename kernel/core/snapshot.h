/* SPDX-License-Identifier: Apache-2.0 */
/* The point where a snapshot is taken, and the way on in a copy of it. */
#ifndef KERNEL_CORE_SNAPSHOT_H
#define KERNEL_CORE_SNAPSHOT_H

#include "core/kernel.h"

/* Whether one is to be taken still. */
bool snapshot_wanted(void);
/* Whether that may be where the program waits for work. */
bool snapshot_wanted_at_wait(void);

/*
 * Every thread waits, one of them for work. True: this may be a copy now, or
 * something has come in, and the caller looks again. False: not yet.
 */
bool snapshot_point(void);

/*
 * The program says that this is the point, wherever its other threads are. On
 * return this is a copy, or no snapshot was wanted.
 */
void snapshot_mark(void);

#endif
