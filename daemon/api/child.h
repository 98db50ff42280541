/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process of a deploy: watched by a pidfd, what it writes kept, the
 * end of it. It dies with this process, however that ends.
 */
#ifndef DAEMON_API_CHILD_H
#define DAEMON_API_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "host/err.h"
#include "host/loop.h"
#include "host/strlist.h"

#define API_CHILD_OUTPUT 8192u /* bytes that are kept, the last */

struct api_child {
	/* It has ended, all is read; may free the structure. */
	void (*done)(struct api_child *c, int wait_status);
	struct loop *loop;
	struct loop_watch end, output;
	int pidfd, fd; /* private; -1: none */
	pid_t pid;
	size_t len;
	char text[API_CHILD_OUTPUT + 1];
};

struct api_child_job {
	int sync_fd; /* first of all this is put on the disk; -1: nothing */
	char *const *argv; /* then this runs; NULL: that was all */
	char *const *env; /* all variables */
};

/* c->done is set by the caller. */
int api_child_start(struct api_child *c, struct loop *l,
		    const struct api_child_job *job, struct err *e);
/* Kills and waits; done() is not called. Harmless if none runs. */
void api_child_kill(struct api_child *c);
bool api_child_runs(const struct api_child *c);

#endif
