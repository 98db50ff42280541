/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly run --clones: many copies of one snapshot. They share the published
 * ports, from whose queues they take connections in turns, and get the
 * signals of the command; each has a monitor, a name and an end of its own.
 */
#ifndef CLI_CLONES_H
#define CLI_CLONES_H

#include <stdint.h>

#include "cli/run_options.h"

/*
 * Runs o->clones copies of the snapshot o->path until all have ended. Says
 * what is to be said; returns the exit status: that of the first that ended
 * with another than 0, if there is one.
 */
int clones_run(struct run_options *o, uint64_t begin_us);

#endif
