/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the process of an instance: a monitor with four descriptors, in its
 * cgroup, with a user of its own if we are root.
 */
#ifndef SPAWNER_CHILD_H
#define SPAWNER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "spawner/groups.h"

/* Users that instances get; no other process of the host may be one. */
struct uid_range {
	uid_t first;
	uid_t count; /* 0: instances stay what we are */
};

struct child_config {
	int monitor; /* the program, opened; close-on-exec */
	const struct groups *groups;
	struct uid_range uids;
	char oom_score[16]; /* of an instance; empty: as ours */
	/* Whether an instance that is alive has this user. */
	bool (*uid_taken)(void *arg, uid_t uid);
	void *arg;
};

struct child {
	pid_t pid;
	uid_t uid; /* 0: ours */
};

/*
 * Starts the monitor; `fds` are above SPAWNER_FD and close-on-exec, and stay
 * the caller's. It runs the program when this returns 0; else there is
 * nothing. `group` may be NULL.
 */
int child_start(const struct child_config *c, const int *fds,
		const struct group *group, struct child *ret, struct err *e);

#endif
