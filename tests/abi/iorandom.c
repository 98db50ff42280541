/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of calls on pipes, socket pairs, event counters, TCP connections
 * and epolls over them, drawn from a fixed sequence of pseudo-random numbers:
 * data, shutdowns and closes in orders that nobody thinks of.
 *
 * test: flavours musl
 * test: timeout 60
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/abi/abi.h"

#define SLOTS  16
#define EPOLLS 3
#define STEPS  8000

enum kind { NONE, PIPE_R, PIPE_W, STREAM, DGRAM, TCP, COUNTER };

static uint64_t seed = 19700101;
static struct {
	enum kind kind;
	int fd;
} slots[SLOTS];
static int epolls[EPOLLS];
static int listener;
static unsigned step;

static unsigned draw(unsigned limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % limit;
}

static void report(const char *what, int slot, long r)
{
	printf("%u %s %d.%d: ", step, what, slot,
	       slot < 0 ? 0 : (int)slots[slot].kind);
	if (r < 0)
		printf("%s\n", err_name(errno));
	else
		printf("%ld\n", r);
}

static int free_slot(void)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].kind == NONE)
			return i;
	return -1;
}

static void put(enum kind kind, int fd)
{
	int i = free_slot();

	if (i < 0) {
		close(fd);
		return;
	}
	slots[i].kind = kind;
	slots[i].fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void connect_pair(int fds[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int one = 1;

	getsockname(listener, (struct sockaddr *)&a, &len);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fds[0], (struct sockaddr *)&a, len) < 0)
		abort();
	fds[1] = accept(listener, NULL, NULL);
	/* Otherwise Linux holds back what it has not had an answer for. */
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void do_new(void)
{
	int fds[2];

	if (free_slot() < 0)
		return;
	switch (draw(5)) {
	case 0:
		report("pipe", -1, pipe(fds));
		put(PIPE_R, fds[0]);
		put(PIPE_W, fds[1]);
		break;
	case 1:
		report("pair", -1, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
		put(STREAM, fds[0]);
		put(STREAM, fds[1]);
		break;
	case 2:
		report("dgram", -1, socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
		put(DGRAM, fds[0]);
		put(DGRAM, fds[1]);
		break;
	case 3:
		connect_pair(fds);
		report("tcp", -1, 0);
		put(TCP, fds[0]);
		put(TCP, fds[1]);
		break;
	default:
		put(COUNTER, eventfd(draw(3), draw(2) ? EFD_SEMAPHORE : 0));
		report("eventfd", -1, 0);
		break;
	}
}

static void do_write(int i)
{
	static char data[3000];
	uint64_t one = draw(4);

	if (slots[i].kind == COUNTER)
		report("add", i, write(slots[i].fd, &one, sizeof(one)));
	else
		report("write", i, write(slots[i].fd, data, 1 + draw(2000)));
}

static void do_read(int i)
{
	static char data[4096];

	report("read", i, read(slots[i].fd, data, draw(2) ? 4096 : draw(300)));
}

static bool is_socket(int i)
{
	return slots[i].kind == STREAM || slots[i].kind == DGRAM ||
	       slots[i].kind == TCP;
}

static void do_shutdown(int i)
{
	int how = (int)draw(3);

	/* What a datagram pair does then is nobody's habit. */
	if (slots[i].kind != DGRAM && draw(3) == 0)
		report("shutdown", i, shutdown(slots[i].fd, how));
}

static void do_peek(int i)
{
	char data[64];

	if (is_socket(i))
		report("peek", i,
		       recv(slots[i].fd, data, sizeof(data), MSG_PEEK));
}

static void do_count(int i)
{
	int n = -1;

	if (slots[i].kind == COUNTER)
		return;
	report("FIONREAD", i, ioctl(slots[i].fd, FIONREAD, &n));
	printf("  %d\n", n);
}

static void do_poll(int i)
{
	struct pollfd p = { .fd = slots[i].fd,
			    .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI };

	report("poll", i, poll(&p, 1, 0));
	printf("  %#x\n", p.revents);
}

static void do_error(int i)
{
	int err = -1;
	socklen_t len = sizeof(err);

	if (!is_socket(i))
		return;
	report("error", i,
	       getsockopt(slots[i].fd, SOL_SOCKET, SO_ERROR, &err, &len));
	printf("  %s\n", err_name(err));
}

static void do_close(int i)
{
	if (draw(3))
		return;
	report("close", i, close(slots[i].fd));
	slots[i].kind = NONE;
}

static void do_ctl(int i)
{
	static const int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD,
				   EPOLL_CTL_DEL };
	static const uint32_t wants[] = {
		EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLRDHUP, 0,
	};
	static const uint32_t modes[] = { 0, 0, EPOLLONESHOT };
	struct epoll_event ev = { .events = wants[draw(5)] | modes[draw(3)],
				  .data.u32 = (uint32_t)i };

	report("ctl", i,
	       epoll_ctl(epolls[draw(EPOLLS)], ops[draw(4)], slots[i].fd, &ev));
}

static int by_slot(const void *a, const void *b)
{
	const struct epoll_event *x = a, *y = b;

	return (int)x->data.u32 - (int)y->data.u32;
}

static void do_wait(void)
{
	struct epoll_event ev[SLOTS];
	int n = epoll_wait(epolls[draw(EPOLLS)], ev, SLOTS, 0);

	report("wait", -1, n);
	if (n > 0)
		qsort(ev, (size_t)n, sizeof(ev[0]), by_slot);
	for (int i = 0; i < n; i++)
		printf("  %u %#x\n", ev[i].data.u32, ev[i].events);
}

static void one_step(void)
{
	static void (*const calls[])(int) = {
		do_write, do_write, do_read,  do_read, do_shutdown, do_peek,
		do_count, do_poll,  do_error, do_ctl,  do_ctl,	    do_close,
	};
	unsigned what = draw(16);
	int i = (int)draw(SLOTS);

	if (what < 2)
		do_new();
	else if (what < 4)
		do_wait();
	else if (slots[i].kind != NONE)
		calls[what - 4](i);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	signal(SIGPIPE, SIG_IGN);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ret("bind", bind(listener, (struct sockaddr *)&a, sizeof(a)));
	ret("listen", listen(listener, 8));
	for (int i = 0; i < EPOLLS; i++)
		epolls[i] = epoll_create1(0);
	for (step = 0; step < STEPS; step++)
		one_step();
	return 0;
}
