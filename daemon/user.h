/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user that mayflyd is: if root started it, it becomes another one as
 * soon as the spawner runs, and keeps nothing of root but the right to listen
 * on ports below 1024.
 */
#ifndef DAEMON_USER_H
#define DAEMON_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "host/err.h"

#define DAEMON_USER "mayfly" /* whom root's mayflyd becomes by itself */

struct daemon_user {
	char name[64];
	char home[256]; /* for caches of what is started */
	uid_t uid;
	gid_t gid;
	bool change; /* we are root and shall become it */
};

/*
 * `name` NULL: DAEMON_USER if root started us and there is one, else whoever
 * we are. An ordinary user can only be asked to be itself.
 */
int daemon_user_find(struct daemon_user *ret, const char *name, struct err *e);
/* Before it is become: `dir` was just made, or is empty, or is its own. */
int daemon_user_own(const struct daemon_user *u, const char *dir,
		    struct err *e);
/* Does nothing if there is nothing to change. */
int daemon_user_become(const struct daemon_user *u, struct err *e);

#endif
