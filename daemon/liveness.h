/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks an instance now and then whether it still answers, on a connection of
 * its own beside its requests. For isolation reuse: a pristine instance has
 * no time to go bad.
 */
#ifndef DAEMON_LIVENESS_H
#define DAEMON_LIVENESS_H

#include "host/loop.h"

struct instance;

struct liveness {
	struct instance *instance;
	struct loop_watch watch;
	struct loop_timer timer; /* the next question, or the answer's end */
	int fd; /* -1: no question is open */
	unsigned failures; /* in a row */
	size_t len; /* of what has come */
	char head[1024]; /* the beginning of the answer */
};

/* Nothing, unless the function says what to ask for. */
void liveness_start(struct liveness *l, struct instance *i);
/* Harmless if it was not started (all zero), or stopped. */
void liveness_stop(struct liveness *l);

#endif
