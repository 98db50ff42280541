/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name servers: from --dns, else from the host's /etc/resolv.conf, else the
 * one that a C library would take, 127.0.0.1.
 */
#include "launch/name_servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

#define DNS_PORT 53
#define LINE_MAX 256

static bool set_addr(struct name_server *s, const char *ip, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };

	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
		memcpy(&s->addr, &in, sizeof(in));
		s->len = sizeof(in);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1) {
		memcpy(&s->addr, &in6, sizeof(in6));
		s->len = sizeof(in6);
		return true;
	}
	return false;
}

/* Behind the address: nothing, or a colon and a port. */
static bool take_port(char *rest, uint16_t *ret)
{
	char *end;
	unsigned long n;

	if (!*rest)
		return true;
	if (*rest != ':' || rest[1] < '0' || rest[1] > '9')
		return false;
	n = strtoul(rest + 1, &end, 10);
	if (*end || n < 1 || n > 65535)
		return false;
	*rest = '\0';
	*ret = (uint16_t)n;
	return true;
}

static bool parse(struct name_server *s, char *text)
{
	uint16_t port = DNS_PORT;
	char *rest, *ip = text;

	if (*text == '[') {
		ip++;
		rest = strchr(text, ']');
		if (!rest)
			return false;
		*rest++ = '\0';
	} else {
		rest = strchr(text, ':');
		if (!rest)
			rest = text + strlen(text);
	}
	return take_port(rest, &port) && set_addr(s, ip, port);
}

int name_servers_add(struct name_servers *ns, const char *text, struct err *e)
{
	char copy[LINE_MAX];

	if (ns->count == NAME_SERVERS_MAX)
		return err_set(e, EINVAL, "more than %u times --dns",
			       NAME_SERVERS_MAX);
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy) ||
	    !parse(&ns->server[ns->count], copy))
		return err_set(e, EINVAL,
			       "%s is not a name server: write it like "
			       "192.0.2.53, 127.0.0.1:5353 or [2001:db8::1]:53",
			       text);
	ns->count++;
	return 0;
}

static void read_resolv_conf(struct name_servers *ns)
{
	AUTO_FCLOSE FILE *f = fopen("/etc/resolv.conf", "re");
	char line[LINE_MAX], *ip, *rest;

	while (f && ns->count < NAME_SERVERS_MAX &&
	       fgets(line, sizeof(line), f)) {
		if (strncmp(line, "nameserver", 10) != 0)
			continue;
		ip = line + 10 + strspn(line + 10, " \t");
		rest = ip + strcspn(ip, " \t\r\n");
		*rest = '\0';
		if (ip > line + 10 &&
		    set_addr(&ns->server[ns->count], ip, DNS_PORT))
			ns->count++;
	}
}

void name_servers_default(struct name_servers *ns)
{
	if (!ns->count)
		read_resolv_conf(ns);
	if (!ns->count && set_addr(&ns->server[0], "127.0.0.1", DNS_PORT))
		ns->count = 1;
}
