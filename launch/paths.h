/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the parts of an installation are, found from where this program is:
 * either a build directory (bin/mayfly, bin/mayfly-monitor, kernel, builders,
 * compare) or a prefix (bin/mayfly, libexec/mayfly/mayfly-monitor,
 * lib/mayfly/kernel, libexec/mayfly/builders, libexec/mayfly/compare). The
 * other programs lie beside the monitor.
 */
#ifndef LAUNCH_PATHS_H
#define LAUNCH_PATHS_H

#include "host/err.h"

#define PATHS_MAX 1024 /* bytes of one path */

struct paths {
	char monitor[PATHS_MAX];
	char kernel[PATHS_MAX];
	char rewriter[PATHS_MAX];
};

int paths_find(struct paths *ret, struct err *e);

/* The directory of the programs that mayfly calls by itself. */
int paths_libexec(char ret[PATHS_MAX]);

/* The command mayfly itself. */
int paths_program(char ret[PATHS_MAX], struct err *e);

/* The builders that came with mayfly; -ENOENT if they are not there. */
int paths_builders(char ret[PATHS_MAX]);

/* main.py of the comparison, which mayfly bench compare runs. */
int paths_compare(char ret[PATHS_MAX], struct err *e);

/*
 * Where mayflyd keeps its state unless it is told: $MAYFLY_STATE, else mayfly
 * in $XDG_STATE_HOME, else in ~/.local/state.
 */
int paths_state(char ret[PATHS_MAX], struct err *e);

#endif
