/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program of the host to its end, in a process group of its own, and
 * hands over what it writes, line by line. A signal that is to end mayfly
 * (host/sigguard.h holds it back) ends the whole group first, and whatever
 * the program leaves behind ends with it.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <signal.h>
#include <stdbool.h>

#include "host/err.h"

struct child {
	const char *const *argv; /* argv[0] is a path */
	const char *const *env; /* "NAME=value" in addition, ends with NULL */
	const sigset_t *mask; /* its signal mask */
	bool quiet_errors; /* what it writes to stderr is dropped */
	void (*line)(void *arg, const char *line); /* without the newline */
	void (*tick)(void *arg); /* about once a second; may be NULL */
	void *arg;
};

/*
 * *ret_status is as from waitpid(2). -EINTR if a signal came; no process is
 * left in any case.
 */
int child_run(const struct child *c, int *ret_status, struct err *e);

#endif
