/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cli/clones*.c share: the clones of one command. cli/clones.c starts
 * them, cli/clones_watch.c looks after them until they have ended,
 * cli/clones_room.c says beforehand whether there is room for them.
 */
#ifndef CLI_CLONE_GROUP_H
#define CLI_CLONE_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/door.h"
#include "cli/supervise.h"
#include "launch/launch.h"
#include "launch/snapshot.h"

struct clone {
	pid_t pid; /* of its monitor; 0: there is none */
	int ctl; /* our end of the control socket, or -1 */
	bool ready; /* it has waited for work */
	struct outcome *out; /* NULL until it says something of its end */
	struct door door;
	char name[MF_INST_NAME_MAX + 1];
};

struct clone_group {
	const struct run_options *options;
	const struct image *img;
	struct launch base; /* ports and /dev/kvm of all */
	struct clone *clones; /* options->clones of them */
	uint32_t started; /* the first so many */
	uint32_t alive, ready; /* of those */
	int epoll_fd; /* control sockets, signals, doors */
	int signal_fd;
	uint64_t deadline_ms; /* of the monotonic clock; UINT64_MAX: none */
	uint64_t signals; /* bit n-1: signal n was passed on */
	uint64_t oom_kills; /* of the host, before the first started */
	bool stopping; /* no more are to be started */
	bool killed; /* all that still ran, by us */
	bool said_ready;
	uint64_t begin_us;
	int status; /* of the first that did not end with 0 */
};

/* Adds what is to be watched from the start. 0 or -errno. */
int clones_watch_init(struct clone_group *g);
/*
 * Watches a clone that has just started, and tells it the signals that came
 * before. 0 or -errno.
 */
int clones_watch_add(struct clone_group *g, struct clone *c);
/* Takes a name, and watches who asks for it. */
int clones_watch_door(struct clone_group *g, struct clone *c, struct err *e);
/* Looks after what has happened; waits for it at most that long (-1: ever). */
int clones_watch(struct clone_group *g, int timeout_ms);
/* All have started: until all have ended. */
int clones_watch_all(struct clone_group *g);

/*
 * Raises our limits as far as may be. An error if descriptors, processes or,
 * unless that is allowed, memory do not suffice: it says how many fit.
 */
int clones_check_room(const struct run_options *o, const struct snapshot *s,
		      struct err *e);

#endif
