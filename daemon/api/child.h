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
#include "lib/list.h"

#define API_CHILD_OUTPUT 8192u /* bytes that are kept, the last */

struct api_child {
	/* It has ended, all is read; the owner's again. */
	void (*done)(struct api_child *c, int wait_status);
	void *owner; /* the caller's */
	struct list node; /* of those, once it was left */
	char *leftovers; /* see api_child_leave */
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

/* c->done is set by the caller, who has malloc'd all of it, as zero. */
int api_child_start(struct api_child *c, struct loop *l,
		    const struct api_child_job *job, struct err *e);
/*
 * Ends and frees it; NULL is fine. What is in a system call that cannot be
 * cut short, as a write to a slow disk, may take its time: it is kept in
 * `list` until it is gone, and then the file `leftovers` is removed, which is
 * nobody else's, and those whose name is that, a dot, and more.
 */
void api_child_leave(struct api_child *c, struct list *list,
		     const char *leftovers);
/* Waits for those in the list. */
void api_children_end(struct list *list);

#endif
