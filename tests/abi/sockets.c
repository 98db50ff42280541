/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets but for TCP's own matters: kinds, options, IPv6 and both families
 * at once, datagrams, socket pairs and passing descriptors.
 *
 * test: hardware
 */
#include <poll.h>
#include <sys/ioctl.h>

#include "tests/abi/abi.h"
#include "tests/abi/net.h"

static void kinds(void)
{
	struct sockaddr_in a = loop4(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0), file;

	ret("unknown family", socket(77, SOCK_STREAM, 0));
	ret("unknown type", socket(AF_INET, 77, 0));
	ret("wrong protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	okay("right protocol", close(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)));
	ret("bind, short address", bind(fd, SA(&a), 4));
	a.sin_family = AF_INET6;
	ret("bind, wrong family", bind(fd, SA(&a), sizeof(a)));
	a = loop4(0);
	a.sin_addr.s_addr = htonl(0x08080808);
	ret("bind, not ours", bind(fd, SA(&a), sizeof(a)));
	ret("bind, bad pointer", bind(fd, bad_pointer(), sizeof(a)));
	ret("bind, closed", bind(4711, SA(&a), sizeof(a)));
	file = open("/proc/self/exe", O_RDONLY);
	ret("bind a file", bind(file, SA(&a), sizeof(a)));
	ret("listen on a file", listen(file, 1));
	ret("recv from a file", recv(file, &a, 1, 0));
	close(file);
	close(fd);
}

static int listen4(uint16_t port, bool reuse)
{
	struct sockaddr_in a = loop4(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, e;

	if (reuse)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, SA(&a), sizeof(a)) == 0 && listen(fd, 1) == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

static void ports(void)
{
	int l = listen4(0, false), again;
	uint16_t port = port_of(l);

	ret("port in use", listen4(port, false));
	ret("in use, SO_REUSEADDR", listen4(port, true));
	close(l);
	okay("free again", again = listen4(port, true));
	close(again);
}

static void get_int(const char *name, int fd, int level, int opt)
{
	int v = -77;
	socklen_t len = sizeof(v);

	if (getsockopt(fd, level, opt, &v, &len) < 0)
		say(name, "%s", err_name(errno));
	else
		say(name, "%d, %d bytes", v, (int)len);
}

static void set_get(const char *name, int fd, int level, int opt)
{
	int one = 1;

	ret(name, setsockopt(fd, level, opt, &one, sizeof(one)));
	get_int(name, fd, level, opt);
}

static void options(void)
{
	struct linger li = { 1, 5 };
	struct timeval tv = { 0, 20000 };
	socklen_t len = sizeof(li);
	int p[2], v = 0;
	char c;

	tcp_pair(p);
	get_int("SO_TYPE", p[0], SOL_SOCKET, SO_TYPE);
	get_int("SO_DOMAIN", p[0], SOL_SOCKET, SO_DOMAIN);
	get_int("SO_PROTOCOL", p[0], SOL_SOCKET, SO_PROTOCOL);
	get_int("SO_ERROR", p[0], SOL_SOCKET, SO_ERROR);
	get_int("SO_ACCEPTCONN", p[0], SOL_SOCKET, SO_ACCEPTCONN);
	get_int("SO_REUSEADDR", p[0], SOL_SOCKET, SO_REUSEADDR);
	set_get("SO_REUSEADDR", p[0], SOL_SOCKET, SO_REUSEADDR);
	set_get("SO_REUSEPORT", p[0], SOL_SOCKET, SO_REUSEPORT);
	set_get("SO_KEEPALIVE", p[0], SOL_SOCKET, SO_KEEPALIVE);
	set_get("SO_BROADCAST", p[0], SOL_SOCKET, SO_BROADCAST);
	get_int("TCP_NODELAY", p[0], IPPROTO_TCP, TCP_NODELAY);
	set_get("TCP_NODELAY", p[0], IPPROTO_TCP, TCP_NODELAY);
	set_get("TCP_KEEPIDLE", p[0], IPPROTO_TCP, TCP_KEEPIDLE);
	set_get("TCP_KEEPINTVL", p[0], IPPROTO_TCP, TCP_KEEPINTVL);
	set_get("TCP_KEEPCNT", p[0], IPPROTO_TCP, TCP_KEEPCNT);
	ret("SO_LINGER",
	    setsockopt(p[0], SOL_SOCKET, SO_LINGER, &li, sizeof(li)));
	li.l_linger = 0;
	getsockopt(p[0], SOL_SOCKET, SO_LINGER, &li, &len);
	say("SO_LINGER", "%d %d, %d bytes", li.l_onoff, li.l_linger, (int)len);
	v = 65536;
	ret("SO_RCVBUF",
	    setsockopt(p[0], SOL_SOCKET, SO_RCVBUF, &v, sizeof(v)));
	ret("SO_SNDBUF",
	    setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	ret("unknown option", setsockopt(p[0], SOL_SOCKET, 9999, &v, 4));
	get_int("unknown option", p[0], SOL_SOCKET, 9999);
	get_int("unknown level", p[0], 9999, 1);
	ret("short value", setsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, &v, 1));
	ret("bad pointer",
	    setsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, bad_pointer(), 4));
	ret("SO_RCVTIMEO",
	    setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ret("recv times out", recv(p[0], &c, 1, 0));
	close(p[0]);
	close(p[1]);
}

static void ipv6(void)
{
	struct sockaddr_in6 a = loop6(0), from;
	socklen_t len = sizeof(from);
	int l = socket(AF_INET6, SOCK_STREAM, 0), c, s;

	ret("bind ::1", bind(l, SA(&a), sizeof(a)));
	listen(l, 1);
	a.sin6_port = htons(port_of(l));
	c = socket(AF_INET6, SOCK_STREAM, 0);
	ret("connect ::1", connect(c, SA(&a), sizeof(a)));
	s = accept(l, SA(&from), &len);
	say_addr("from", &from, len, port_of(c));
	close(s);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	ret("127.0.0.1 does not reach ::1", connect4(c, port_of(l)));
	close(c);
	close(l);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	get_int("IPV6_V6ONLY", l, IPPROTO_IPV6, IPV6_V6ONLY);
	a = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	ret("bind ::", bind(l, SA(&a), sizeof(a)));
	listen(l, 1);
	c = socket(AF_INET, SOCK_STREAM, 0);
	ret("127.0.0.1 reaches ::", connect4(c, port_of(l)));
	len = sizeof(from);
	s = accept(l, SA(&from), &len);
	say_addr("from", &from, len, port_of(c));
	close(s);
	close(c);
	close(l);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	set_get("IPV6_V6ONLY", l, IPPROTO_IPV6, IPV6_V6ONLY);
	bind(l, SA(&a), sizeof(a));
	listen(l, 1);
	c = socket(AF_INET, SOCK_STREAM, 0);
	ret("not when v6 only", connect4(c, port_of(l)));
	close(c);
	close(l);
}

static void datagrams(void)
{
	static char large[70000];
	struct sockaddr_in6 from;
	struct sockaddr_in to;
	socklen_t len = sizeof(from);
	int a = socket(AF_INET, SOCK_DGRAM, 0);
	int b = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[16] = "";

	ret("bind", bind4(a));
	bind4(b);
	to = loop4(port_of(b));
	ret("sendto", sendto(a, "first", 5, 0, SA(&to), sizeof(to)));
	ret("sendto", sendto(a, "second!", 7, 0, SA(&to), sizeof(to)));
	ret("empty one", sendto(a, "", 0, 0, SA(&to), sizeof(to)));
	ret("recvfrom", recvfrom(b, buf, 16, 0, SA(&from), &len));
	say("bytes", "%s", buf);
	say_addr("from", &from, len, port_of(a));
	ret("truncated", recv(b, buf, 3, 0));
	ret("the empty one", recv(b, buf, 16, 0));
	ret("nothing", recv(b, buf, 16, MSG_DONTWAIT));
	ret("send without address", send(a, "x", 1, 0));
	ret("connect", connect4(a, port_of(b)));
	ret("send", send(a, "third", 5, 0));
	ret("MSG_TRUNC", recv(b, buf, 2, MSG_TRUNC));
	ret("from a stranger", sendto(b, "zzz", 3, 0, SA(&to), sizeof(to)));
	ret("is not delivered", recv(a, buf, 16, MSG_DONTWAIT));
	to = loop4(port_of(a));
	ret("from the peer", sendto(b, "reply", 5, 0, SA(&to), sizeof(to)));
	ret("is delivered", recv(a, buf, 16, 0));
	ret("listen", listen(a, 1));
	ret("accept", accept(a, NULL, NULL));
	ret("too long",
	    sendto(b, large, sizeof(large), MSG_DONTWAIT, SA(&to), sizeof(to)));
	close(a);
	close(b);
}

static void pass_descriptor(int sv[2])
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)),
		       .cmsg_level = SOL_SOCKET,
		       .cmsg_type = SCM_RIGHTS } };
	char byte = 'd';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	int p[2], got = -1;

	if (pipe(p) < 0)
		return;
	memcpy(CMSG_DATA(&c.h), &p[1], sizeof(int));
	ret("send a descriptor", sendmsg(sv[0], &m, 0));
	close(p[1]);
	memset(&c, 0, sizeof(c));
	ret("receive it", recvmsg(sv[1], &m, 0));
	memcpy(&got, CMSG_DATA(&c.h), sizeof(int));
	say("control", "%d %d", c.h.cmsg_level, c.h.cmsg_type);
	ret("write to it", write(got, "ok", 2));
	close(got);
	ret("read", read(p[0], &byte, 1));
	close(p[0]);
}

static void pairs(void)
{
	int sv[2];
	char buf[16] = "";

	ret("stream", socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	ret("write", write(sv[0], "abc", 3));
	ret("write", write(sv[0], "def", 3));
	ret("read", read(sv[1], buf, 16));
	say("bytes", "%s", buf);
	ret("other way", write(sv[1], "xy", 2));
	ret("read", read(sv[0], buf, 16));
	pass_descriptor(sv);
	close(sv[1]);
	ret("end", read(sv[0], buf, 16));
	ret("broken", send(sv[0], "x", 1, MSG_NOSIGNAL));
	close(sv[0]);
	ret("datagram", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sv));
	ret("write", write(sv[0], "abc", 3));
	ret("write", write(sv[0], "defg", 4));
	ret("first", read(sv[1], buf, 16));
	ret("second", read(sv[1], buf, 16));
	ret("none", read(sv[1], buf, 16));
	close(sv[0]);
	close(sv[1]);
	ret("seqpacket", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv));
	ret("write", write(sv[0], "one", 3));
	ret("write", write(sv[0], "two", 3));
	ret("read", read(sv[1], buf, 16));
	close(sv[0]);
	ret("read", read(sv[1], buf, 16));
	ret("end", read(sv[1], buf, 16));
	close(sv[1]);
	ret("inet pair", socketpair(AF_INET, SOCK_STREAM, 0, sv));
}

static void nscd(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX,
				  .sun_path = "/var/run/nscd/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ret("connect to nscd", connect(fd, SA(&un), sizeof(un)));
	close(fd);
}

int main(void)
{
	abi_start();
	kinds();
	ports();
	options();
	ipv6();
	datagrams();
	pairs();
	nscd();
	return 0;
}
