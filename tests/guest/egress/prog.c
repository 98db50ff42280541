/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of run.sh's servers. Natively and in a guest that may reach them it
 * prints the same: argv[1] is the address, then the ports of server.py. With
 * "fetch" it is a client of tests/e2e/egress-names.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/abi/abi.h"

static struct sockaddr_in server;

static struct sockaddr *at(const char *port)
{
	server.sin_port = htons((uint16_t)strtol(port, NULL, 10));
	return (struct sockaddr *)&server;
}

static int tcp(int flags)
{
	return socket(AF_INET, SOCK_STREAM | flags, 0);
}

static int dial(const char *port)
{
	int s = tcp(0);

	if (connect(s, at(port), sizeof(server)) < 0)
		say("dial", "%s", err_name(errno));
	return s;
}

static int so_error(int s)
{
	int error = -1;
	socklen_t len = sizeof(error);

	getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static int poll_for(int s, short events, int ms)
{
	struct pollfd p = { .fd = s, .events = events };
	int n = poll(&p, 1, ms);

	return n > 0 ? p.revents : n;
}

static int poll_one(int s, int ms)
{
	return poll_for(s, POLLIN | POLLOUT | POLLRDHUP, ms);
}

/* Everything up to the end, into a buffer that is large enough. */
static ssize_t read_all(int s, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n < size && (r = read(s, buf + n, size - n)) > 0)
		n += (size_t)r;
	return (ssize_t)n;
}

static void blocking(const char *echo)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);
	char buf[64] = { 0 };
	int s = tcp(0);

	okay("connect", connect(s, at(echo), sizeof(server)));
	okay("again", connect(s, at(echo), sizeof(server)));
	okay("getpeername", getpeername(s, (struct sockaddr *)&a, &len));
	yes("peer", !memcmp(&a, &server, sizeof(a)));
	okay("getsockname", getsockname(s, (struct sockaddr *)&a, &len));
	yes("has a port", a.sin_port != 0);
	yes("has an address", a.sin_addr.s_addr != 0);
	val("write", write(s, "hello", 5));
	val("read", read(s, buf, sizeof(buf)));
	say("echo", "%s", buf);
	okay("shutdown", shutdown(s, SHUT_WR));
	memset(buf, 0, sizeof(buf));
	val("rest", read_all(s, buf, sizeof(buf) - 1));
	say("farewell", "%s", buf);
	val("end", read(s, buf, 1));
	close(s);
}

static void nonblocking(const char *echo)
{
	int s = tcp(SOCK_NONBLOCK);
	char c = 0;

	ret("nonblocking", connect(s, at(echo), sizeof(server)));
	val("writable", poll_one(s, 10000) & (POLLOUT | POLLERR | POLLHUP));
	err("so_error", so_error(s));
	ret("second", connect(s, at(echo), sizeof(server)));
	ret("third", connect(s, at(echo), sizeof(server)));
	ret("nothing yet", read(s, &c, 1));
	val("send", send(s, "x", 1, 0));
	val("readable", poll_for(s, POLLIN, 10000));
	val("recv", recv(s, &c, 1, 0));
	close(s);
}

static void refused(const char *closed)
{
	int s = tcp(0);

	ret("refused", connect(s, at(closed), sizeof(server)));
	err("no error is left", so_error(s));
	ret("refused again", connect(s, at(closed), sizeof(server)));
	close(s);
	s = tcp(SOCK_NONBLOCK);
	ret("refused later", connect(s, at(closed), sizeof(server)));
	val("events", poll_one(s, 10000));
	err("so_error", so_error(s));
	ret("then", connect(s, at(closed), sizeof(server)));
	close(s);
	s = tcp(SOCK_NONBLOCK);
	connect(s, at(closed), sizeof(server));
	poll_one(s, 10000);
	ret("told by connect", connect(s, at(closed), sizeof(server)));
	signal(SIGPIPE, SIG_IGN);
	ret("send", send(s, "x", 1, 0));
	close(s);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A listener that answers nobody: a connection attempt without an end. */
static void pending(const char *full)
{
	struct timeval tv = { .tv_usec = 50000 };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 50000 };
	int s = tcp(SOCK_NONBLOCK);
	char c;

	ret("pending", connect(s, at(full), sizeof(server)));
	val("events", poll_one(s, 50));
	ret("again", connect(s, at(full), sizeof(server)));
	ret("send", send(s, "x", 1, 0));
	ret("recv", recv(s, &c, 1, 0));
	ret("shutdown", shutdown(s, SHUT_RDWR));
	ret("listen", listen(s, 1));
	close(s);
	s = tcp(0);
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	ret("timeout", connect(s, at(full), sizeof(server)));
	ret("timeout again", connect(s, at(full), sizeof(server)));
	close(s);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	s = tcp(0);
	ret("interrupted", connect(s, at(full), sizeof(server)));
	close(s);
	for (int i = 0; i < 200; i++) {
		s = tcp(SOCK_NONBLOCK);
		connect(s, at(full), sizeof(server));
		close(s);
	}
	abi_start();
}

static void reset(const char *rst)
{
	char c;
	int s = dial(rst);

	val("last word", read(s, &c, 1));
	ret("reset", read(s, &c, 1));
	close(s);
}

static void many(const char *echo)
{
	static char out[70000], in[70000];
	int s[64], good = 0;

	memset(out, 'm', sizeof(out));
	for (size_t i = 0; i < 64; i++)
		s[i] = dial(echo);
	for (size_t i = 0; i < 64; i++)
		(void)!write(s[i], out, 1000 * (i + 1));
	for (size_t i = 0; i < 64; i++) {
		shutdown(s[i], SHUT_WR);
		good += read_all(s[i], in, sizeof(in)) ==
			(ssize_t)(1000 * (i + 1) + 4);
		close(s[i]);
	}
	val("many", good);
}

static void datagrams(const char *udp, const char *closed)
{
	struct timeval tv = { .tv_sec = 5 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	char buf[2000];

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	val("sendto", sendto(s, "abc", 3, 0, at(udp), sizeof(server)));
	val("recvfrom",
	    recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len));
	yes("from", !memcmp(&from, &server, sizeof(from)));
	val("empty", sendto(s, "", 0, 0, at(udp), sizeof(server)));
	val("empty answer", recv(s, buf, sizeof(buf), 0));
	val("large", sendto(s, buf, 1400, 0, at(udp), sizeof(server)));
	val("cut", recv(s, buf, 700, MSG_TRUNC));
	okay("connect", connect(s, at(udp), sizeof(server)));
	val("send", send(s, "defg", 4, 0));
	val("recv", recv(s, buf, sizeof(buf), 0));
	okay("elsewhere", connect(s, at(closed), sizeof(server)));
	val("to nobody", send(s, "x", 1, 0));
	ret("refused", recv(s, buf, sizeof(buf), 0));
	ret("too large", sendto(s, buf, 70000, 0, at(udp), sizeof(server)));
	close(s);
}

static void denied(const char *port)
{
	int s = tcp(0);

	ret("denied", connect(s, at(port), sizeof(server)));
	close(s);
	s = tcp(SOCK_NONBLOCK);
	ret("denied later", connect(s, at(port), sizeof(server)));
	poll_one(s, 10000);
	err("so_error", so_error(s));
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ret("datagram", sendto(s, "x", 1, 0, at(port), sizeof(server)));
	close(s);
}

static int resolve(const char *name)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;

	if (getaddrinfo(name, "1", &hints, &list) != 0)
		return -1;
	memcpy(&server, list->ai_addr, sizeof(server));
	freeaddrinfo(list);
	return 0;
}

/* The first thing that a server says, or why there is none. */
static int fetch(const char *name, const char *port)
{
	char buf[100] = "";
	int s = tcp(0);

	if (resolve(name) < 0) {
		say("fetch", "no such name");
		return 0;
	}
	if (connect(s, at(port), sizeof(server)) < 0) {
		err("fetch", errno);
		return 0;
	}
	read_all(s, buf, sizeof(buf) - 1);
	say("fetch", "%s", buf);
	close(s);
	return 0;
}

static int interfaces(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	struct ifreq r = { .ifr_name = "eth0" };
	struct ifaddrs *all, *a;
	char text[64];
	int s = tcp(0);

	getifaddrs(&all);
	for (a = all; a; a = a->ifa_next) {
		const struct sockaddr_in *in = (const void *)a->ifa_addr;

		if (!in || in->sin_family != AF_INET)
			continue;
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		say(a->ifa_name, "%s", text);
	}
	freeifaddrs(all);
	if (ioctl(s, SIOCGIFINDEX, &r) < 0)
		err("eth0", errno);
	else
		val("eth0", r.ifr_ifindex);
	inet_pton(AF_INET, "169.254.1.2", &own.sin_addr);
	ret("own", bind(s, (struct sockaddr *)&own, sizeof(own)));
	close(s);
	return 0;
}

int main(int argc, char **argv)
{
	abi_start();
	if (argc == 2 && !strcmp(argv[1], "interfaces"))
		return interfaces();
	if (argc == 4 && !strcmp(argv[1], "fetch"))
		return fetch(argv[2], argv[3]);
	if (argc < 3 || resolve(argv[1]) < 0) {
		say("address", "%s cannot be resolved", argv[1]);
		return 1;
	}
	if (argc == 3) {
		denied(argv[2]);
		return 0;
	}
	if (argc < 7)
		return 2;
	blocking(argv[2]);
	nonblocking(argv[2]);
	refused(argv[6]);
	pending(argv[4]);
	reset(argv[3]);
	many(argv[2]);
	datagrams(argv[5], argv[6]);
	return 0;
}
