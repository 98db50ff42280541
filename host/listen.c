/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SO_REUSEADDR: connections of an earlier process that still linger must not
 * keep the next from its port; two that listen exclude each other anyway.
 */
#include "host/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/address.h"
#include "host/cleanup.h"

#define LISTEN_BACKLOG 1024

static int bind_to(const struct sockaddr_storage *a, socklen_t len)
{
	const int one = 1;
	AUTO_CLOSE int fd = -1;

	fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)a, len) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return take_fd(&fd);
}

static int failed(const char *text, const char *option, int code, struct err *e)
{
	if (code == EADDRINUSE)
		return err_set(e, code,
			       "%s: something else listens on %s already; "
			       "choose another port",
			       option, text);
	if (code == EACCES)
		return err_set(e, code,
			       "%s: %s needs privileges; choose a port from "
			       "1024 on",
			       option, text);
	return err_sys(e, code, "%s: cannot listen on %s", option, text);
}

int listen_tcp(const char *text, const char *option, struct err *e)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;

	if (address_parse(&addr, &len, text) < 0)
		return err_set(e, EINVAL,
			       "%s %s is not [ADDRESS:]PORT; write it like "
			       "127.0.0.1:8080 or [::]:80",
			       option, text);
	fd = bind_to(&addr, len);
	return fd < 0 ? failed(text, option, -fd, e) : fd;
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool address_of(union address *a, int fd)
{
	socklen_t len = sizeof(*a);

	*a = (union address){ 0 };
	return getsockname(fd, &a->any, &len) == 0 &&
	       (a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6);
}

unsigned listen_port(int fd)
{
	union address a;

	if (!address_of(&a, fd))
		return 0;
	return ntohs(a.any.sa_family == AF_INET ? a.in.sin_port :
						  a.in6.sin6_port);
}

void listen_text(char ret[LISTEN_TEXT], int fd)
{
	char host[INET6_ADDRSTRLEN] = "";
	union address a;

	ret[0] = '\0';
	if (!address_of(&a, fd))
		return;
	if (a.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host));
	snprintf(ret, LISTEN_TEXT,
		 a.any.sa_family == AF_INET ? "%s:%u" : "[%s]:%u", host,
		 listen_port(fd));
}
