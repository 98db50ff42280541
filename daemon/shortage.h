/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices that memory is short before Linux ends processes for it: Linux says
 * when processes begin to wait for memory (host/pressure.h), and it is believed
 * if little is left, since an instance at its own wall waits as well.
 */
#ifndef DAEMON_SHORTAGE_H
#define DAEMON_SHORTAGE_H

#include "host/err.h"
#include "host/loop.h"

struct shortage {
	struct loop_watch watch;
	int fd; /* -1: Linux does not tell */
	uint64_t low_bytes;
	/* So much should become free. */
	void (*relieve)(void *arg, uint64_t bytes);
	void *arg;
};

/*
 * `low_bytes`, `relieve` and `arg` are set by the caller. An error is that the
 * host does not tell, of which nothing follows; fini is fine then.
 */
int shortage_init(struct shortage *s, struct loop *l, struct err *e);
void shortage_fini(struct shortage *s);

#endif
