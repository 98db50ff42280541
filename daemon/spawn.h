/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayflyd's end of the spawner (spawner/protocol.h): instances are asked for,
 * and what becomes of them is told by callbacks, from the event loop. An id
 * ends with `failed` or `exited`; after `lost` no callback comes any more, and
 * what ran is dead or ends by itself, as its control socket will close.
 */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include <sys/types.h>

#include "host/err.h"
#include "host/loop.h"
#include "spawner/protocol.h"

struct spawn;

/* Of the callbacks only `lost` may free the struct spawn. */
struct spawn_ops {
	/* Once, first. `missing` says why there are no cgroups, or is empty. */
	void (*ready)(void *arg, const struct spawner_ready *r,
		      const char *missing);
	void (*spawned)(void *arg, uint64_t id,
			const struct spawner_spawned *s);
	void (*failed)(void *arg, uint64_t id, const struct err *why);
	void (*exited)(void *arg, uint64_t id, const struct spawner_exited *x);
	/* Limits of spawn_limit could not be set. May be NULL. */
	void (*unlimited)(void *arg, uint64_t id, const struct err *why);
	/* The spawner is gone, or speaks nonsense. */
	void (*lost)(void *arg, const struct err *why);
};

struct spawn_config {
	const char *libexec; /* where mayfly-spawner and mayfly-monitor are */
	const char *cgroups; /* auto, v1, v2 or none; NULL: auto */
	const char *uids; /* FIRST:COUNT; NULL: the spawner's own */
	const struct spawn_ops *ops; /* kept */
	void *arg;
};

/* Starts it; before this process gives up root, if it has it. */
int spawn_start(struct spawn **ret, struct loop *loop,
		const struct spawn_config *c, struct err *e);
/*
 * Closes the socket, at which the spawner kills everything, and waits until it
 * has done so. NULL is fine.
 */
void spawn_free(struct spawn *s);

/*
 * Asks for an instance: `id` is not 0 and of no other that lives. The
 * descriptors are those of enum spawner_fd, and are the callee's from now on,
 * also on failure. -EAGAIN if too many requests wait already, -EPIPE after
 * `lost`.
 */
int spawn_request(struct spawn *s, uint64_t id,
		  const struct spawner_limits *limits,
		  int fds[SPAWNER_FD_COUNT], struct err *e);
/* Kills it; `exited` follows, unless it has come already. 0 or -errno. */
int spawn_kill(struct spawn *s, uint64_t id);

/*
 * Other limits for an instance that lives, such as a shell that becomes one of
 * a function. They hold a moment later, unless `unlimited` comes.
 */
int spawn_limit(struct spawn *s, uint64_t id,
		const struct spawner_limits *limits);

/* Of the spawner; for tests and those who look. */
pid_t spawn_pid(const struct spawn *s);

#endif
