/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of interfaces. Nothing is sent through them: sockets go to the
 * program itself or over the rings, whatever interface they name.
 */
#include "net/interface.h"

#include <linux/rtnetlink.h>

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772
/* UP, LOOPBACK, RUNNING, LOWER_UP; UP, BROADCAST, RUNNING, MULTICAST, ... */
#define LOOPBACK_FLAGS 0x10049u
#define ETHERNET_FLAGS 0x11043u

static const struct interface interfaces[INTERFACES_MAX] = {
	{ .name = "lo",
	  .index = 1,
	  .mtu = 65536,
	  .flags = LOOPBACK_FLAGS,
	  .hardware = ARPHRD_LOOPBACK,
	  .ip4 = { 127, 0, 0, 1 },
	  .prefix4 = 8,
	  .ip6 = { [15] = 1 },
	  .prefix6 = 128,
	  .scope = RT_SCOPE_HOST },
	{ .name = "eth0",
	  .index = 2,
	  .mtu = 65520,
	  .flags = ETHERNET_FLAGS,
	  .hardware = ARPHRD_ETHER,
	  .mac = { 2, 0, 169, 254, 1, 2 }, /* locally administered */
	  .ip4 = { MF_NET_GUEST >> 24, MF_NET_GUEST >> 16 & 0xff,
		   MF_NET_GUEST >> 8 & 0xff, MF_NET_GUEST & 0xff },
	  .broadcast = { MF_NET_GUEST >> 24, MF_NET_GUEST >> 16 & 0xff,
			 MF_NET_GUEST >> 8 & 0xff, 255 },
	  .prefix4 = MF_NET_PREFIX,
	  .ip6 = { 0xfe, 0x80, [14] = MF_NET_GUEST6_TAIL >> 8,
		   [15] = MF_NET_GUEST6_TAIL & 0xff },
	  .prefix6 = 64,
	  .scope = RT_SCOPE_LINK },
};

const struct interface *interface_at(unsigned i)
{
	unsigned count = kernel_boot->egress & MF_EGRESS_ON ? 2 : 1;

	return i < count ? &interfaces[i] : NULL;
}
