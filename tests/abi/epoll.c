/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll: level and edge triggered, one shot, nesting, what changes while a
 * thread waits, errors.
 *
 * test: flavours musl glibc glibc-pie
 * test: hardware
 */
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/abi/abi.h"

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)fd };

	return epoll_ctl(ep, op, fd, &ev);
}

/* How many events, and the first one's bits. */
static void wait_say(const char *name, int ep, int timeout)
{
	struct epoll_event ev[8];
	int n = epoll_wait(ep, ev, 8, timeout);

	if (n > 0)
		say(name, "%d, %#x", n, ev[0].events);
	else
		ret(name, n);
}

static void put(int fd)
{
	if (write(fd, "x", 1) != 1)
		say("put", "%s", err_name(errno));
}

static void take(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		say("take", "%s", err_name(errno));
}

static void errors(void)
{
	struct epoll_event ev;
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], file;

	if (pipe(p) < 0)
		return;
	enter_dir();
	file = open("file", O_CREAT | O_RDWR, 0644);
	ret("epoll_create1 bad flags", epoll_create1(12345));
	ret("epoll_create of 0", syscall(SYS_epoll_create, 0));
	ret("close-on-exec", fcntl(ep, F_GETFD));
	ret("add", ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
	ret("add again", ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
	ret("modify", ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN));
	ret("modify unknown", ctl(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT));
	ret("delete", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	ret("delete again", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	ret("add itself", ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN));
	ret("add a closed descriptor", ctl(ep, EPOLL_CTL_ADD, 4711, EPOLLIN));
	ret("add to a closed one", ctl(4711, EPOLL_CTL_ADD, p[0], EPOLLIN));
	ret("add to a pipe", ctl(p[1], EPOLL_CTL_ADD, p[0], EPOLLIN));
	ret("add a regular file", ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN));
	ret("bad operation", ctl(ep, 77, p[0], EPOLLIN));
	ret("bad pointer", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], bad_pointer()));
	ret("wait for 0 events", epoll_wait(ep, &ev, plain(0), 0));
	ret("wait on a pipe", epoll_wait(p[0], &ev, 1, 0));
	ret("wait, nothing", epoll_wait(ep, &ev, 1, 0));
	ret("wait, 10 ms", epoll_wait(ep, &ev, 1, 10));
	ret("read it", read(ep, &ev, sizeof(ev)));
	close(p[0]);
	close(p[1]);
	close(ep);
}

static void level_and_edge(void)
{
	int ep = epoll_create1(0), p[2];

	if (pipe(p) < 0)
		return;
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN);
	ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLIN);
	wait_say("nothing", ep, 0);
	put(p[1]);
	wait_say("level", ep, 0);
	wait_say("level again", ep, 0);
	take(p[0]);
	wait_say("taken", ep, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET);
	put(p[1]);
	wait_say("edge", ep, 0);
	wait_say("edge again", ep, 0);
	put(p[1]);
	wait_say("more data", ep, 0);
	wait_say("once", ep, 0);
	take(p[0]);
	wait_say("half taken", ep, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET);
	wait_say("modified", ep, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT);
	wait_say("one shot", ep, 0);
	put(p[1]);
	wait_say("one shot again", ep, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT);
	wait_say("armed again", ep, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], 0);
	wait_say("no events wanted", ep, 0);
	close(p[1]);
	wait_say("hang-up comes unasked", ep, 0);
	close(p[0]);
	wait_say("closed", ep, 0);
	close(ep);
}

static void writers(void)
{
	static char buf[70000];
	int ep = epoll_create1(0), p[2];

	if (pipe2(p, O_NONBLOCK) < 0)
		return;
	ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT);
	wait_say("writable", ep, 0);
	ret("fill", write(p[1], buf, sizeof(buf)));
	wait_say("full", ep, 0);
	ret("drain", read(p[0], buf, sizeof(buf)));
	wait_say("writable again", ep, 0);
	close(p[0]);
	wait_say("no reader", ep, 0);
	close(p[1]);
	close(ep);
}

static void duplicates(void)
{
	int ep = epoll_create1(0), p[2], copy;

	if (pipe(p) < 0)
		return;
	copy = dup(p[0]);
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN);
	ret("add the duplicate too", ctl(ep, EPOLL_CTL_ADD, copy, EPOLLIN));
	put(p[1]);
	wait_say("both", ep, 0);
	close(copy);
	wait_say("one closed, file open", ep, 0);
	close(p[0]);
	wait_say("both closed", ep, 0);
	close(p[1]);
	close(ep);
}

static void nested(void)
{
	int outer = epoll_create1(0), inner = epoll_create1(0);
	int e = eventfd(0, 0);
	uint64_t v = 1;

	ret("inner into outer", ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN));
	ret("event into inner", ctl(inner, EPOLL_CTL_ADD, e, EPOLLIN));
	ret("a loop", ctl(inner, EPOLL_CTL_ADD, outer, EPOLLIN));
	wait_say("outer, nothing", outer, 0);
	ret("write", write(e, &v, 8));
	wait_say("outer", outer, 0);
	wait_say("inner", inner, 0);
	ret("read", read(e, &v, 8));
	wait_say("outer, taken", outer, 0);
	close(inner);
	close(outer);
	close(e);
}

static void sockets(void)
{
	int ep = epoll_create1(0), sv[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	ctl(ep, EPOLL_CTL_ADD, sv[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	wait_say("writable", ep, 0);
	put(sv[1]);
	wait_say("and readable", ep, 0);
	shutdown(sv[1], SHUT_WR);
	wait_say("half closed", ep, 0);
	close(sv[1]);
	wait_say("closed", ep, 0);
	close(sv[0]);
	close(ep);
}

static int wake_ep, wake_pipe[2];

static void *wakes(void *arg)
{
	usleep(20000);
	if (arg)
		ctl(wake_ep, EPOLL_CTL_ADD, wake_pipe[0], EPOLLIN);
	else
		put(wake_pipe[1]);
	return NULL;
}

static void while_waiting(void)
{
	pthread_t t;

	wake_ep = epoll_create1(0);
	if (pipe(wake_pipe) < 0)
		return;
	ctl(wake_ep, EPOLL_CTL_ADD, wake_pipe[0], EPOLLIN);
	pthread_create(&t, NULL, wakes, NULL);
	wait_say("data comes while waiting", wake_ep, 10000);
	pthread_join(t, NULL);
	ctl(wake_ep, EPOLL_CTL_DEL, wake_pipe[0], 0);
	pthread_create(&t, NULL, wakes, wake_pipe);
	wait_say("descriptor added while waiting", wake_ep, -1);
	pthread_join(t, NULL);
}

static void fairness(void)
{
	struct epoll_event ev[4];
	int ep = epoll_create1(0), fds[10], seen[4096] = { 0 }, all = 0;

	for (int i = 0; i < 10; i++) {
		fds[i] = eventfd(1, 0);
		ctl(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN);
	}
	for (int round = 0; round < 10; round++) {
		int n = epoll_wait(ep, ev, 4, 0);

		for (int i = 0; i < n; i++)
			seen[ev[i].data.u64 & 4095]++;
	}
	for (int i = 0; i < 10; i++)
		all += seen[fds[i]] >= 2;
	val("ten ready, four at a time: all are served", all);
}

int main(void)
{
	abi_start();
	errors();
	level_and_edge();
	writers();
	duplicates();
	nested();
	sockets();
	while_waiting();
	fairness();
	return 0;
}
