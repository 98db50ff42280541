/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet addresses and their forms at the edges: sockaddr of the
 * program, struct mf_endpoint of the rings.
 */
#include "net/addr.h"

#include <linux/in.h>
#include <linux/in6.h>

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t v6_loopback[16] = { [15] = 1 };
static const uint8_t zeros[16];

static uint16_t swap16(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

bool net_addr_is_v4(const struct net_addr *a)
{
	return !memcmp(a->ip, v4_prefix, sizeof(v4_prefix));
}

bool net_addr_is_any(const struct net_addr *a)
{
	if (net_addr_is_v4(a))
		return !memcmp(a->ip + 12, zeros, 4);
	return !memcmp(a->ip, zeros, 16);
}

bool net_addr_is_loopback(const struct net_addr *a)
{
	if (net_addr_is_v4(a))
		return a->ip[12] == 127;
	return !memcmp(a->ip, v6_loopback, 16);
}

bool net_addr_same_ip(const struct net_addr *a, const struct net_addr *b)
{
	return !memcmp(a->ip, b->ip, 16);
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return a->port == b->port && net_addr_same_ip(a, b);
}

static void set_v4(struct net_addr *a, const void *ip)
{
	memcpy(a->ip, v4_prefix, 12);
	memcpy(a->ip + 12, ip, 4);
}

void net_addr_set_any(struct net_addr *a, bool v4)
{
	memset(a->ip, 0, 16);
	if (v4)
		set_v4(a, zeros);
}

void net_addr_set_loopback(struct net_addr *a, bool v4)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };

	memcpy(a->ip, v6_loopback, 16);
	if (v4)
		set_v4(a, ip);
}

int net_addr_from_name(struct net_addr *a, uint16_t family,
		       const struct sock_name *n)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*a = (struct net_addr){ 0 };
	if (n->len < sizeof(uint16_t))
		return -EINVAL;
	if (family == AF_INET) {
		if (n->len < sizeof(in))
			return -EINVAL;
		memcpy(&in, n->bytes, sizeof(in));
		if (in.sin_family != AF_INET &&
		    (in.sin_family != AF_UNSPEC || in.sin_addr.s_addr))
			return -EAFNOSUPPORT;
		a->port = swap16(in.sin_port);
		set_v4(a, &in.sin_addr);
		return 0;
	}
	/* The scope id came later: 24 bytes are enough. */
	if (n->len < sizeof(in6) - sizeof(in6.sin6_scope_id))
		return -EINVAL;
	memcpy(&in6, n->bytes, sizeof(in6));
	if (in6.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	a->port = swap16(in6.sin6_port);
	a->scope = n->len >= sizeof(in6) ? in6.sin6_scope_id : 0;
	memcpy(a->ip, &in6.sin6_addr, 16);
	return 0;
}

void net_addr_to_name(const struct net_addr *a, uint16_t family,
		      struct sock_name *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (family == AF_INET) {
		in.sin_port = swap16(a->port);
		memcpy(&in.sin_addr, a->ip + 12, 4);
		memcpy(ret->bytes, &in, sizeof(in));
		ret->len = sizeof(in);
		return;
	}
	in6.sin6_port = swap16(a->port);
	in6.sin6_scope_id = a->scope;
	memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(ret->bytes, &in6, sizeof(in6));
	ret->len = sizeof(in6);
}

void net_addr_from_endpoint(struct net_addr *a, const struct mf_endpoint *e)
{
	*a = (struct net_addr){ .port = e->port, .scope = e->scope };
	if (e->family == AF_INET)
		set_v4(a, e->addr);
	else
		memcpy(a->ip, e->addr, 16);
}

void net_addr_to_endpoint(const struct net_addr *a, struct mf_endpoint *e)
{
	*e = (struct mf_endpoint){ .family = AF_INET6, .port = a->port };
	if (net_addr_is_v4(a)) {
		e->family = AF_INET;
		memcpy(e->addr, a->ip + 12, 4);
	} else {
		e->scope = a->scope;
		memcpy(e->addr, a->ip, 16);
	}
}

const char *net_addr_text(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
	const uint8_t *p = a->ip;
	int n = 1;

	if (net_addr_is_v4(a)) {
		fmt_snprintf(buf, NET_ADDR_TEXT, "%u.%u.%u.%u:%u", p[12], p[13],
			     p[14], p[15], a->port);
		return buf;
	}
	buf[0] = '[';
	for (int i = 0; i < 16; i += 2)
		n += fmt_snprintf(buf + n, (size_t)(NET_ADDR_TEXT - n),
				  i ? ":%x" : "%x", p[i] << 8 | p[i + 1]);
	fmt_snprintf(buf + n, (size_t)(NET_ADDR_TEXT - n), "]:%u", a->port);
	return buf;
}
