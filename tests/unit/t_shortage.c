/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle instances make room if Linux says that processes wait for memory, and
 * little of it is left; not if only one of the two holds.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/shortage.h"
#include "tests/unit/check.h"

static unsigned calls;
static uint64_t wanted;

static void relieve(void *arg, uint64_t bytes)
{
	++*(unsigned *)arg;
	wanted = bytes;
}

static struct shortage s = { .relieve = relieve, .arg = &calls };
static struct loop *loop;

static void begin(uint64_t low_bytes)
{
	int ends[2];
	struct err e;

	check_int(loop_new(&loop, &e), 0);
	s.low_bytes = low_bytes;
	calls = 0;
	if (shortage_init(&s, loop, &e) == 0)
		return;
	/* Linux does not tell here: a pipe stands for what would. */
	check_int(s.fd, -1);
	check(e.text[0] != '\0');
	check_int(pipe(ends), 0);
	close(ends[1]);
	s.fd = ends[0];
	check_int(loop_watch(loop, &s.watch, s.fd, EPOLLPRI), 0);
}

static void end(void)
{
	shortage_fini(&s);
	check_int(s.fd, -1);
	shortage_fini(&s);
	loop_free(loop);
}

static void test_short(void)
{
	begin(1ull << 62);
	s.watch.ready(&s.watch, EPOLLPRI);
	check_int(calls, 1);
	check(wanted > 1ull << 61 && wanted < 1ull << 62);
	end();
}

/* An instance at its own wall waits for memory as well. */
static void test_enough(void)
{
	begin(1);
	s.watch.ready(&s.watch, EPOLLPRI);
	check_int(calls, 0);
	end();
}

static void test_gone(void)
{
	begin(1ull << 62);
	s.watch.ready(&s.watch, EPOLLERR);
	check_int(calls, 0);
	check_int(s.fd, -1);
	end();
}

int main(void)
{
	RUN(test_short);
	RUN(test_enough);
	RUN(test_gone);
	return check_done();
}
