/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: the order of timers, what is taken back inside a round, and
 * tasks.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/loop.h"
#include "lib/list.h"
#include "tests/unit/check.h"

#define TIMERS 200

static struct loop *loop;
static unsigned fired;

struct alarm {
	struct loop_timer timer;
	uint64_t at;
};

static uint64_t last_at;

static void on_alarm(struct loop_timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	check(a->at >= last_at);
	last_at = a->at;
	fired++;
}

static void test_timers_fire_in_order(void)
{
	static struct alarm alarms[TIMERS];
	uint64_t now = loop_clock_ns(loop);
	unsigned cancelled = 0;

	srand(1);
	fired = 0;
	last_at = 0;
	for (unsigned i = 0; i < TIMERS; i++) {
		alarms[i].timer.fire = on_alarm;
		alarms[i].at = now - (uint64_t)(rand() % 1000);
		check_int(loop_timer_set(loop, &alarms[i].timer, now), 0);
		check_int(loop_timer_set(loop, &alarms[i].timer, alarms[i].at),
			  0);
	}
	for (unsigned i = 0; i < TIMERS; i += 7) {
		loop_timer_cancel(loop, &alarms[i].timer);
		loop_timer_cancel(loop, &alarms[i].timer);
		cancelled++;
	}
	check_int(loop_once(loop, 0), 0);
	check_int(fired, TIMERS - cancelled);
}

static unsigned stuck_fired;

/* The moment has passed for ever; without end, but for this. */
static void on_stuck(struct loop_timer *t)
{
	if (++stuck_fired < 1000)
		loop_timer_set(loop, t, 1);
}

static void on_byte(struct loop_watch *w, uint32_t events)
{
	check(events & EPOLLIN);
	loop_unwatch(w);
	fired++;
}

/* A timer that is set to the past when it fires comes once a round. */
static void test_timer_in_the_past(void)
{
	struct loop_timer stuck = { .fire = on_stuck }, other = stuck;
	struct loop_watch watch = { .ready = on_byte };
	int pair[2];

	stuck_fired = fired = 0;
	check_int(loop_timer_set(loop, &stuck, 1), 0);
	check_int(loop_once(loop, -1), 0);
	check_int(stuck_fired, 1);
	check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_int(write(pair[0], "x", 1), 1);
	check_int(loop_watch(loop, &watch, pair[1], EPOLLIN), 0);
	check_int(loop_once(loop, -1), 0);
	check_int(fired, 1);
	check_int(stuck_fired, 2);
	/* One that was set before the round is not held up. */
	check_int(loop_timer_set(loop, &other, 1), 0);
	check_int(loop_once(loop, -1), 0);
	check_int(stuck_fired, 4);
	loop_timer_cancel(loop, &stuck);
	loop_timer_cancel(loop, &other);
	close(pair[0]);
	close(pair[1]);
}

struct end {
	struct loop_watch watch;
	struct end *other;
	int fd;
};

/* Takes both back: the event of the other that waits must not come. */
static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct end *end = container_of(w, struct end, watch);

	check(events & EPOLLIN);
	loop_unwatch(&end->other->watch);
	loop_unwatch(w);
	fired++;
}

static void test_unwatched_is_not_called(void)
{
	struct end a = { .watch.ready = on_ready }, b = a;
	int pair[2];

	check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	a.other = &b;
	b.other = &a;
	check_int(write(pair[0], "x", 1), 1);
	check_int(write(pair[1], "x", 1), 1);
	check_int(loop_watch(loop, &a.watch, pair[0], EPOLLIN), 0);
	check_int(loop_watch(loop, &b.watch, pair[1], EPOLLIN), 0);
	fired = 0;
	check_int(loop_once(loop, 0), 0);
	check_int(loop_once(loop, 0), 0);
	check_int(fired, 1);
	close(pair[0]);
	close(pair[1]);
}

static struct loop_task second;

static void on_first(struct loop_task *t)
{
	(void)t;
	fired += 10;
	loop_undefer(loop, &second);
}

static void on_second(struct loop_task *t)
{
	(void)t;
	fired++;
}

static void test_tasks(void)
{
	struct loop_task first = { .run = on_first };

	second.run = on_second;
	fired = 0;
	loop_defer(loop, &second);
	loop_defer(loop, &second);
	check_int(loop_once(loop, 0), 0);
	check_int(fired, 1);
	loop_defer(loop, &first);
	loop_defer(loop, &second);
	check_int(loop_once(loop, 0), 0);
	check_int(fired, 11);
	loop_defer(loop, &second);
	check_int(loop_once(loop, 0), 0);
	check_int(fired, 12);
}

int main(void)
{
	struct err e;

	check_int(loop_new(&loop, &e), 0);
	RUN(test_timers_fire_in_order);
	RUN(test_timer_in_the_past);
	RUN(test_unwatched_is_not_called);
	RUN(test_tasks);
	loop_free(loop);
	return check_done();
}
