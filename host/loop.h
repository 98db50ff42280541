/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop of one thread: descriptors by epoll, timers, and work to be
 * done before the next sleep. What it is told of is embedded in the caller's
 * structures, which find themselves by container_of (lib/list.h); the caller
 * takes it back before the structure goes. Everything may be called from a
 * callback, also for other watches and timers: what was taken back is not
 * called any more.
 */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/err.h"

struct loop;

/* A descriptor; `events` as of epoll(7), EPOLLET among them if wanted. */
struct loop_watch {
	void (*ready)(struct loop_watch *w, uint32_t events);
	int fd; /* private; -1 or 0 with no loop: not watched */
	struct loop *loop; /* private; NULL: not watched */
};

struct loop_timer {
	void (*fire)(struct loop_timer *t);
	uint64_t at_ns; /* private */
	size_t slot; /* private; 0: not set */
};

/* Done once, after the events at hand, before the loop sleeps. */
struct loop_task {
	void (*run)(struct loop_task *t);
	struct loop_task *next; /* private */
	bool queued; /* private */
};

int loop_new(struct loop **ret, struct err *e);
void loop_free(struct loop *l); /* NULL is fine */

/* w->ready is set by the caller. 0 or -errno. */
int loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events);
int loop_rewatch(struct loop_watch *w, uint32_t events);
/* Before the descriptor is closed; harmless if it is not watched. */
void loop_unwatch(struct loop_watch *w);
/* Closes it, too; it is watched, and nobody else has the same open file. */
void loop_close(struct loop_watch *w);

/*
 * Sets, or moves, a timer to a moment of loop_now_ns; t->fire is set by the
 * caller. A moment that has passed is the next round's if a timer sets it.
 * 0, or -ENOMEM when there was no room for one more.
 */
int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns);
void loop_timer_cancel(struct loop *l, struct loop_timer *t);

/* t->run is set by the caller. Harmless if it is queued. */
void loop_defer(struct loop *l, struct loop_task *t);
void loop_undefer(struct loop *l, struct loop_task *t);

/* Monotonic, of when the events at hand came. */
uint64_t loop_now_ns(const struct loop *l);
/* Reads the clock again. */
uint64_t loop_clock_ns(struct loop *l);

/* Until loop_stop. 0 or -errno of epoll. */
int loop_run(struct loop *l);
/* One round: waits at most `timeout_ms` (-1: as long as it takes). */
int loop_once(struct loop *l, int timeout_ms);
void loop_stop(struct loop *l);

#endif
