/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SO_REUSEADDR: connections of an earlier process that still linger must not
 * keep the next from its port; two that listen exclude each other anyway.
 */
#include "host/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/cleanup.h"

#define LISTEN_BACKLOG 1024

static int bind_to(const struct addrinfo *a)
{
	const int one = 1;
	AUTO_CLOSE int fd = -1;

	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 ||
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
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST |
						    AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	AUTO_FREE char *host = NULL;
	struct addrinfo *list = NULL;
	size_t len;
	char *name;
	int fd;

	host = colon ? strndup(text, (size_t)(colon - text)) :
		       strdup("127.0.0.1");
	if (!host)
		return err_set(e, ENOMEM, "out of memory");
	name = host;
	len = strlen(host);
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		name++;
	}
	if (!*name || !*port || getaddrinfo(name, port, &hints, &list) != 0)
		return err_set(e, EINVAL,
			       "%s %s is not [ADDRESS:]PORT; write it like "
			       "127.0.0.1:8080 or [::]:80",
			       option, text);
	fd = bind_to(list);
	freeaddrinfo(list);
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
