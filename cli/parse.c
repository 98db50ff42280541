/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: an address of the host, if one is given, a port of it, a
 * port of the guest and a protocol.
 */
#include "cli/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int parse_port_number(uint16_t *ret, const char *text, const char *whole,
			     struct err *e)
{
	uint64_t n;

	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
		return err_set(e, EINVAL,
			       "cannot publish %s: write it like "
			       "8080:80, 127.0.0.1:8080:80 or 5353:53/udp",
			       whole);
	if (!parse_number(&n, text, 1, 65535))
		return err_set(e, EINVAL,
			       "cannot publish %s: port %s is out "
			       "of range, ports are 1 to 65535",
			       whole, text);
	*ret = (uint16_t)n;
	return 0;
}

static int parse_proto(uint8_t *ret, char *text, const char *whole,
		       struct err *e)
{
	char *slash = strrchr(text, '/');

	*ret = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash++ = '\0';
	if (strcmp(slash, "udp") == 0)
		*ret = IPPROTO_UDP;
	else if (strcmp(slash, "tcp") != 0)
		return err_set(e, EINVAL,
			       "cannot publish %s: the protocol is "
			       "tcp or udp, not %s",
			       whole, slash);
	return 0;
}

/* Without an address: all of the host's IPv4 addresses. */
static bool set_addr(struct port_map *m, char *ip)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(m->host_port) };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(m->host_port) };
	size_t len = ip ? strlen(ip) : 0;

	if (len > 2 && ip[0] == '[' && ip[len - 1] == ']') {
		ip[len - 1] = '\0';
		if (inet_pton(AF_INET6, ip + 1, &in6.sin6_addr) != 1)
			return false;
		memcpy(&m->addr, &in6, sizeof(in6));
		m->addr_len = sizeof(in6);
		return true;
	}
	if (ip && inet_pton(AF_INET, ip, &in.sin_addr) != 1)
		return false;
	memcpy(&m->addr, &in, sizeof(in));
	m->addr_len = sizeof(in);
	return true;
}

int parse_port(struct port_map *ret, const char *text, struct err *e)
{
	struct port_map m = { .addr_len = 0 };
	char copy[96], *guest, *host, *ip = NULL;
	int r;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return err_set(e, EINVAL, "cannot publish %s: it is too long",
			       text);
	r = parse_proto(&m.proto, copy, text, e);
	if (r < 0)
		return r;
	host = copy;
	guest = strrchr(copy, ':');
	if (guest)
		*guest++ = '\0';
	else
		guest = copy + strlen(copy);
	if (strrchr(copy, ':')) {
		host = strrchr(copy, ':');
		*host++ = '\0';
		ip = copy;
	}
	r = parse_port_number(&m.host_port, host, text, e);
	if (r == 0)
		r = parse_port_number(&m.guest_port, guest, text, e);
	if (r < 0)
		return r;
	if (!set_addr(&m, ip))
		return err_set(e, EINVAL,
			       "cannot publish %s: %s is not an "
			       "address; an IPv6 address stands in brackets",
			       text, ip);
	*ret = m;
	return 0;
}
