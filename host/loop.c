/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers are in a binary heap, whose first slot is 1. One that is set while
 * timers fire waits for the next round, whatever its moment. What is taken
 * back inside a round is looked for among the events of that round.
 */
#include "host/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "host/cleanup.h"

#define EVENTS_MAX 128
#define HEAP_FIRST 64

struct loop {
	int epoll_fd;
	bool running, stopped; /* loop_run */
	uint64_t now_ns;
	struct epoll_event events[EVENTS_MAX];
	int event_count; /* of the round at hand */
	struct loop_timer **heap; /* [1] is the next */
	size_t heap_count, heap_room;
	uint64_t firing_ns; /* timers up to then fire; 0: none does */
	struct loop_task *tasks, **tasks_end;
};

int loop_new(struct loop **ret, struct err *e)
{
	AUTO_FREE struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	l->heap = calloc(HEAP_FIRST, sizeof(struct loop_timer *));
	if (!l->heap)
		return err_set(e, ENOMEM, "out of memory");
	l->heap_room = HEAP_FIRST;
	l->tasks_end = &l->tasks;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		free(l->heap);
		return err_sys(e, errno, "cannot make an epoll");
	}
	loop_clock_ns(l);
	*ret = take_ptr(l);
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epoll_fd);
	free(l->heap);
	free(l);
}

/* ---- descriptors --------------------------------------------------------- */

int loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	w->fd = fd;
	w->loop = l;
	return 0;
}

int loop_rewatch(struct loop_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return -errno;
	return 0;
}

/* What happened to it in this round is for nobody any more. */
static void forget(struct loop_watch *w)
{
	struct loop *l = w->loop;

	w->loop = NULL;
	w->fd = -1;
	for (int i = 0; i < l->event_count; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

void loop_unwatch(struct loop_watch *w)
{
	if (!w->loop)
		return;
	epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	forget(w);
}

/* Linux takes it out of the epoll when the last reference goes. */
void loop_close(struct loop_watch *w)
{
	close(w->fd);
	forget(w);
}

/* ---- timers -------------------------------------------------------------- */

static void put(struct loop *l, size_t slot, struct loop_timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void sift_up(struct loop *l, size_t slot)
{
	struct loop_timer *t = l->heap[slot];

	while (slot > 1 && l->heap[slot / 2]->at_ns > t->at_ns) {
		put(l, slot, l->heap[slot / 2]);
		slot /= 2;
	}
	put(l, slot, t);
}

static void sift_down(struct loop *l, size_t slot)
{
	struct loop_timer *t = l->heap[slot];
	size_t child;

	while ((child = slot * 2) <= l->heap_count) {
		if (child < l->heap_count &&
		    l->heap[child + 1]->at_ns < l->heap[child]->at_ns)
			child++;
		if (l->heap[child]->at_ns >= t->at_ns)
			break;
		put(l, slot, l->heap[child]);
		slot = child;
	}
	put(l, slot, t);
}

static int grow(struct loop *l)
{
	struct loop_timer **more;

	if (l->heap_count + 1 < l->heap_room)
		return 0;
	more = reallocarray(l->heap, l->heap_room * 2, sizeof(*more));
	if (!more)
		return -ENOMEM;
	l->heap = more;
	l->heap_room *= 2;
	return 0;
}

int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns)
{
	int r;

	/* Not before descriptors had their turn. */
	if (at_ns <= l->firing_ns)
		at_ns = l->firing_ns + 1;
	if (!t->slot) {
		r = grow(l);
		if (r < 0)
			return r;
		put(l, ++l->heap_count, t);
	}
	t->at_ns = at_ns;
	sift_up(l, t->slot);
	sift_down(l, t->slot);
	return 0;
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last;
	size_t slot = t->slot;

	if (!slot)
		return;
	last = l->heap[l->heap_count--];
	t->slot = 0;
	if (last == t)
		return;
	put(l, slot, last);
	sift_up(l, slot);
	sift_down(l, last->slot);
}

/* Those that were set before: one that sets itself to what is over by then,
 * again and again, must not be all that happens. */
static void fire_timers(struct loop *l)
{
	struct loop_timer *t;

	l->firing_ns = l->now_ns;
	while (l->heap_count && l->heap[1]->at_ns <= l->firing_ns) {
		t = l->heap[1];
		loop_timer_cancel(l, t);
		t->fire(t);
	}
	l->firing_ns = 0;
}

/* ---- tasks --------------------------------------------------------------- */

void loop_defer(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*l->tasks_end = t;
	l->tasks_end = &t->next;
}

void loop_undefer(struct loop *l, struct loop_task *t)
{
	struct loop_task **at = &l->tasks;

	if (!t->queued)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (l->tasks_end == &t->next)
		l->tasks_end = at;
	t->queued = false;
}

static void run_tasks(struct loop *l)
{
	struct loop_task *t;

	while ((t = l->tasks)) {
		loop_undefer(l, t);
		t->run(t);
	}
}

/* ---- the loop ------------------------------------------------------------ */

uint64_t loop_now_ns(const struct loop *l)
{
	return l->now_ns;
}

uint64_t loop_clock_ns(struct loop *l)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	l->now_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	return l->now_ns;
}

/* Milliseconds, up, until the next timer; at most `timeout_ms` if that is
 * not -1. */
static int wait_ms(struct loop *l, int timeout_ms)
{
	uint64_t left = 0;

	if (!l->heap_count)
		return timeout_ms;
	if (l->heap[1]->at_ns > l->now_ns)
		left = (l->heap[1]->at_ns - l->now_ns + 999999) / 1000000;
	if (timeout_ms >= 0 && left > (uint64_t)timeout_ms)
		return timeout_ms;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int loop_once(struct loop *l, int timeout_ms)
{
	struct loop_watch *w;
	int n;

	run_tasks(l);
	if (l->running && l->stopped)
		return 0;
	loop_clock_ns(l);
	n = epoll_wait(l->epoll_fd, l->events, EVENTS_MAX,
		       wait_ms(l, timeout_ms));
	if (n < 0 && errno != EINTR)
		return -errno;
	loop_clock_ns(l);
	l->event_count = n < 0 ? 0 : n;
	for (int i = 0; i < l->event_count; i++) {
		w = l->events[i].data.ptr;
		if (w)
			w->ready(w, l->events[i].events);
	}
	l->event_count = 0;
	fire_timers(l);
	run_tasks(l);
	return 0;
}

int loop_run(struct loop *l)
{
	int r = 0;

	l->running = true;
	while (r == 0 && !l->stopped)
		r = loop_once(l, -1);
	l->running = false;
	return r;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
