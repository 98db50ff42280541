/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's network interfaces, which exist to be listed: the loopback
 * and, where connections to the outside are allowed, one more.
 */
#ifndef KERNEL_NET_INTERFACE_H
#define KERNEL_NET_INTERFACE_H

#include "core/kernel.h"

#define INTERFACES_MAX 2

struct interface {
	const char *name;
	int32_t index;
	uint32_t mtu;
	uint32_t flags; /* IFF_* */
	uint16_t hardware; /* ARPHRD_* */
	uint8_t mac[6];
	uint8_t ip4[4];
	uint8_t broadcast[4]; /* zero: none */
	uint8_t prefix4; /* bits */
	uint8_t prefix6; /* bits */
	uint8_t ip6[16];
	uint8_t scope; /* RT_SCOPE_* of its addresses */
};

/* Without a way to the IPv6 network nobody is to think there is one. */
static inline bool interface_has_inet6(const struct interface *i)
{
	return i->index == 1 || (kernel_boot->egress & MF_EGRESS_INET6);
}

/* Number i of those there are now, NULL behind the last. */
const struct interface *interface_at(unsigned i);

#endif
