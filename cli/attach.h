/* SPDX-License-Identifier: Apache-2.0 */
/* Tracing an instance that runs already, through its door. */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include "cli/instances.h"
#include "cli/trace_session.h"

/*
 * Until the instance ends or Ctrl-C. `conn` is of instances_connect() and is
 * taken. Returns the exit status.
 */
int attach_trace(const char *name, int conn, const struct trace_options *o);

#endif
