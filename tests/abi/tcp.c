/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP over the loopback of the instance: connecting, refusing, shutting
 * down, non-blocking use, names of both ends, bulk data.
 *
 * test: flavours musl glibc glibc-pie
 * test: hardware
 */
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"
#include "tests/abi/net.h"

static uint16_t closed_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t port;

	bind4(fd);
	port = port_of(fd);
	close(fd);
	return port;
}

static void life(void)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c, s;
	char buf[16] = "";

	ret("accept before listen", accept(l, NULL, NULL));
	ret("bind", bind4(l));
	yes("a port was chosen", port_of(l) != 0);
	ret("bind again", bind4(l));
	ret("listen", listen(l, 5));
	ret("listen again", listen(l, 10));
	c = socket(AF_INET, SOCK_STREAM, 0);
	ret("send before connect", send(c, "x", 1, MSG_NOSIGNAL));
	ret("recv before connect", recv(c, buf, 1, 0));
	ret("getpeername before connect", getpeername(c, SA(&a), &len));
	ret("connect", connect4(c, port_of(l)));
	ret("connect again", connect4(c, port_of(l)));
	okay("accept", s = accept(l, SA(&a), &len));
	say_addr("from", &a, len, port_of(c));
	len = sizeof(a);
	getpeername(c, SA(&a), &len);
	say_addr("peer", &a, len, port_of(l));
	len = sizeof(a);
	getsockname(s, SA(&a), &len);
	say_addr("accepted name", &a, len, port_of(l));
	ret("send", send(c, "hello", 5, 0));
	ret("peek", recv(s, buf, 3, MSG_PEEK));
	ret("recv", recv(s, buf, 16, 0));
	say("bytes", "%s", buf);
	ret("nothing left", recv(s, buf, 16, MSG_DONTWAIT));
	ret("connect a listener", connect4(l, port_of(c)));
	ret("send to a listener", send(l, "x", 1, MSG_NOSIGNAL));
	ret("recv from a listener", recv(l, buf, 1, 0));
	close(c);
	ret("end of file", recv(s, buf, 16, 0));
	close(s);
	close(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	ret("shutdown before connect", shutdown(c, SHUT_WR));
	close(c);
	ret("refused",
	    connect4(c = socket(AF_INET, SOCK_STREAM, 0), closed_port()));
	close(c);
}

static volatile int broken;

static void on_pipe(int sig)
{
	(void)sig;
	broken++;
}

static void closing(void)
{
	char buf[16] = "";
	int p[2];

	tcp_pair(p);
	ret("shut down writing", shutdown(p[0], SHUT_WR));
	ret("peer sees the end", recv(p[1], buf, 16, 0));
	ret("peer still sends", send(p[1], "late", 4, 0));
	ret("and it arrives", recv(p[0], buf, 16, 0));
	signal(SIGPIPE, on_pipe);
	ret("send after shutdown", send(p[0], "x", 1, 0));
	val("SIGPIPE", broken);
	ret("MSG_NOSIGNAL", send(p[0], "x", 1, MSG_NOSIGNAL));
	val("SIGPIPE", broken);
	ret("bad how", shutdown(p[0], 77));
	ret("shut down both", shutdown(p[1], SHUT_RDWR));
	ret("end on both", recv(p[0], buf, 16, 0));
	close(p[0]);
	close(p[1]);
	tcp_pair(p);
	ret("data, then close", send(p[1], "last", 4, 0));
	close(p[1]);
	ret("data arrives", recv(p[0], buf, 16, 0));
	ret("then the end", recv(p[0], buf, 16, 0));
	close(p[0]);
	tcp_pair(p);
	ret("shut down reading", shutdown(p[0], SHUT_RD));
	ret("reads the end", recv(p[0], buf, 16, 0));
	close(p[0]);
	close(p[1]);
}

static void nonblocking(void)
{
	static char big[1 << 16];
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int s, e = 77, r, n = 0;
	socklen_t len = sizeof(e);
	struct pollfd pfd = { .events = POLLOUT };
	bool stopped = false;

	ret("close-on-exec", fcntl(c, F_GETFD));
	bind4(l);
	listen(l, 5);
	ret("accept, nobody", accept(l, NULL, NULL));
	r = connect4(c, port_of(l));
	yes("connect in progress or done",
	    r == 0 || (r == -1 && errno == EINPROGRESS));
	pfd.fd = c;
	ret("poll for writing", poll(&pfd, 1, 10000));
	ret("SO_ERROR", getsockopt(c, SOL_SOCKET, SO_ERROR, &e, &len));
	err("error", e);
	pfd = (struct pollfd){ .fd = l, .events = POLLIN };
	ret("poll the listener", poll(&pfd, 1, 10000));
	okay("accept4", s = accept4(l, NULL, NULL, SOCK_NONBLOCK));
	say("its flags", "%#x", fcntl(s, F_GETFL));
	ret("nothing to read", recv(s, big, 1, 0));
	for (int i = 0; i < 1000 && !stopped; i++)
		stopped = send(c, big, sizeof(big), 0) < 0;
	yes("send stops", stopped);
	err("with", errno);
	pfd = (struct pollfd){ .fd = s, .events = POLLIN };
	poll(&pfd, 1, 10000);
	ret("FIONREAD", ioctl(s, FIONREAD, &n));
	yes("bytes wait", n > 0);
	close(s);
	close(c);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	r = connect4(c, closed_port());
	e = errno;
	pfd = (struct pollfd){ .fd = c, .events = POLLOUT };
	if (r == -1 && e == EINPROGRESS && poll(&pfd, 1, 10000) == 1)
		getsockopt(c, SOL_SOCKET, SO_ERROR, &e, &len);
	err("refused", e);
	close(c);
	close(l);
}

#define BULK 2000000

static void *sender(void *arg)
{
	static unsigned char buf[30011];
	int fd = *(int *)arg;

	for (size_t at = 0; at < BULK;) {
		size_t n = BULK - at < sizeof(buf) ? BULK - at : sizeof(buf);
		ssize_t r;

		for (size_t i = 0; i < n; i++)
			buf[i] = (unsigned char)((at + i) * 17 >> 2);
		r = write(fd, buf, n);
		if (r <= 0) {
			say("sender", "%s", err_name(errno));
			break;
		}
		at += (size_t)r;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

static void bulk(void)
{
	static unsigned char buf[10007];
	pthread_t t;
	size_t at = 0, wrong = 0;
	ssize_t n;
	int p[2];

	tcp_pair(p);
	pthread_create(&t, NULL, sender, &p[0]);
	while ((n = read(p[1], buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] !=
				 (unsigned char)((at + (size_t)i) * 17 >> 2);
		at += (size_t)n;
	}
	pthread_join(t, NULL);
	val("bytes", (long)at);
	val("wrong", (long)wrong);
	tcp_pair(p);
	ret("MSG_WAITALL, part", send(p[0], "12345", 5, 0));
	shutdown(p[0], SHUT_WR);
	ret("MSG_WAITALL", recv(p[1], buf, 100, MSG_WAITALL));
	close(p[0]);
	close(p[1]);
}

static void messages(void)
{
	char a[4] = "", b[8] = "";
	struct iovec in[2] = { { a, 3 }, { b, 7 } };
	struct iovec outv[2] = { { "abcd", 4 }, { "efgh", 4 } };
	struct msghdr m = { .msg_iov = outv, .msg_iovlen = 2 };
	int p[2];

	tcp_pair(p);
	ret("sendmsg", sendmsg(p[0], &m, 0));
	m.msg_iov = in;
	ret("recvmsg", recvmsg(p[1], &m, 0));
	say("parts", "%s %s", a, b);
	val("flags", m.msg_flags);
	ret("writev", writev(p[1], outv, 2));
	ret("readv", readv(p[0], in, 2));
	ret("seek", lseek(p[0], 0, SEEK_CUR));
	ret("recvfrom", send(p[0], "x", 1, 0));
	ret("recvfrom", recvfrom(p[1], a, 3, 0, NULL, NULL));
	close(p[0]);
	close(p[1]);
}

static void *clients(void *arg)
{
	uint16_t port = *(uint16_t *)arg;

	for (int i = 0; i < 50; i++) {
		int c = socket(AF_INET, SOCK_STREAM, 0);
		unsigned char byte = (unsigned char)i;

		if (connect4(c, port) < 0 || write(c, &byte, 1) != 1 ||
		    read(c, &byte, 1) != 1 || byte != (i ^ 0x55))
			say("client", "%s", err_name(errno));
		close(c);
	}
	return NULL;
}

static void server(void)
{
	int l = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t t[4];
	uint16_t port;
	long sum = 0;

	bind4(l);
	listen(l, 8);
	port = port_of(l);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, clients, &port);
	for (int i = 0; i < 200; i++) {
		int s = accept(l, NULL, NULL);
		unsigned char byte = 0;

		if (read(s, &byte, 1) == 1)
			sum += byte;
		byte ^= 0x55;
		if (write(s, &byte, 1) != 1)
			say("server", "%s", err_name(errno));
		close(s);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	val("200 connections", sum);
	close(l);
}

int main(void)
{
	abi_start();
	life();
	closing();
	nonblocking();
	bulk();
	messages();
	server();
	return 0;
}
