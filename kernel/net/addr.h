/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet addresses. Inside the kernel there is one kind: 16 bytes, IPv4 as
 * ::ffff:a.b.c.d. The families of Linux exist only at the edge.
 */
#ifndef KERNEL_NET_ADDR_H
#define KERNEL_NET_ADDR_H

#include "core/kernel.h"

#define AF_UNSPEC  0
#define AF_UNIX	   1
#define AF_INET	   2
#define AF_INET6   10
#define AF_NETLINK 16

#define SOCKADDR_MAX 128u /* sizeof(struct sockaddr_storage) */

struct net_addr {
	uint8_t ip[16];
	uint32_t scope;
	uint16_t port; /* host byte order */
};

/* A socket address as the program writes it. */
struct sock_name {
	uint32_t len;
	uint8_t bytes[SOCKADDR_MAX];
};

static inline uint16_t sock_name_family(const struct sock_name *n)
{
	return (uint16_t)(n->bytes[0] | n->bytes[1] << 8);
}

bool net_addr_is_v4(const struct net_addr *a);
bool net_addr_is_any(const struct net_addr *a); /* 0.0.0.0 or :: */
bool net_addr_is_loopback(const struct net_addr *a); /* 127/8 or ::1 */
bool net_addr_same_ip(const struct net_addr *a, const struct net_addr *b);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);

void net_addr_set_any(struct net_addr *a, bool v4);
void net_addr_set_loopback(struct net_addr *a, bool v4);

/* For a socket of `family`; 0, -EINVAL (length) or -EAFNOSUPPORT. */
int net_addr_from_name(struct net_addr *a, uint16_t family,
		       const struct sock_name *n);
void net_addr_to_name(const struct net_addr *a, uint16_t family,
		      struct sock_name *ret);

void net_addr_from_endpoint(struct net_addr *a, const struct mf_endpoint *e);
void net_addr_to_endpoint(const struct net_addr *a, struct mf_endpoint *e);

#define NET_ADDR_TEXT 64
/* "192.0.2.1:80" or "[2001:db8::1]:80", for the log. */
const char *net_addr_text(const struct net_addr *a, char buf[NET_ADDR_TEXT]);

#endif
