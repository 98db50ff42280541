/* SPDX-License-Identifier: Apache-2.0 */
/* Socket helpers of the ABI programs: addresses of the loopback, pairs. */
#ifndef TESTS_ABI_NET_H
#define TESTS_ABI_NET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/abi/abi.h"

#define SA(p) ((struct sockaddr *)(p))

static inline struct sockaddr_in loop4(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static inline struct sockaddr_in6 loop6(uint16_t port)
{
	return (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
}

static inline uint16_t port_of(int fd)
{
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, SA(&a), &len) < 0)
		return 0;
	return ntohs(a.sin6_port); /* at the same place in sockaddr_in */
}

/* Binds to any port of 127.0.0.1. */
static inline int bind4(int fd)
{
	struct sockaddr_in a = loop4(0);

	return bind(fd, SA(&a), sizeof(a));
}

static inline int connect4(int fd, uint16_t port)
{
	struct sockaddr_in a = loop4(port);

	return connect(fd, SA(&a), sizeof(a));
}

/* A connected TCP pair over the loopback: [0] connected, [1] accepted. */
static inline void tcp_pair(int fds[2])
{
	int l = socket(AF_INET, SOCK_STREAM, 0);

	bind4(l);
	listen(l, 1);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect4(fds[0], port_of(l)) < 0)
		say("tcp_pair", "%s", err_name(errno));
	fds[1] = accept(l, NULL, NULL);
	close(l);
}

/* "127.0.0.1" or "::1" and whether the port is the expected one. */
static inline void say_addr(const char *name, const struct sockaddr_in6 *a,
			    socklen_t len, uint16_t port)
{
	char text[64] = "?";
	const struct sockaddr_in *a4 = (const void *)a;

	if (a->sin6_family == AF_INET)
		inet_ntop(AF_INET, &a4->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof(text));
	say(name, "%s port %s, %d bytes", text,
	    ntohs(a->sin6_port) == port ? "ok" : "other", (int)len);
}

#endif
