/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loopback interface, through netlink and through the old requests. Other
 * interfaces differ from machine to machine and are left out.
 *
 * test: flavours musl glibc
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi.h"

static void list_addresses(void)
{
	struct ifaddrs *all = NULL;
	char text[64];

	ret("getifaddrs", getifaddrs(&all));
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		const struct sockaddr_in *in = (const void *)a->ifa_addr;

		if (strcmp(a->ifa_name, "lo") || !a->ifa_addr ||
		    a->ifa_addr->sa_family != AF_INET)
			continue;
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		printf("lo: %s %d %d\n", text, !!(a->ifa_flags & IFF_UP),
		       !!(a->ifa_flags & IFF_LOOPBACK));
		in = (const void *)a->ifa_netmask;
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		printf("mask: %s\n", text);
	}
	freeifaddrs(all);
}

static void requests(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = { .ifr_name = "lo" };

	ret("SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &r));
	printf("flags: %#x\n", r.ifr_flags & (IFF_UP | IFF_LOOPBACK));
	ret("SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &r));
	printf("index: %d\n", r.ifr_ifindex);
	ret("SIOCGIFMTU", ioctl(fd, SIOCGIFMTU, &r));
	printf("mtu: %d\n", r.ifr_mtu);
	memcpy(r.ifr_name, "none0", 6);
	ret("no such interface", ioctl(fd, SIOCGIFFLAGS, &r));
	printf("name of 1: %s\n", if_indextoname(1, r.ifr_name));
	printf("index of lo: %u\n", if_nametoindex("lo"));
	close(fd);
}

int main(void)
{
	list_addresses();
	requests();
	return 0;
}
