/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interface requests of ioctl: the guest has one interface, the loopback,
 * and reports it as Linux would.
 */
#include <linux/in.h>
#include <linux/sockios.h>

#include "net/socket.h"

#define LOOPBACK_INDEX	1
#define LOOPBACK_MTU	65536
#define ARPHRD_LOOPBACK 772
#define NAME_SIZE	16
#define LOOPBACK_FLAGS	0x49 /* IFF_UP, IFF_LOOPBACK, IFF_RUNNING */

/* struct ifreq and struct ifconf: <linux/if.h> needs a C library. */
struct request {
	char name[NAME_SIZE];
	union {
		struct sockaddr_in addr;
		int16_t flags;
		int32_t value; /* index, MTU, metric */
		uint8_t bytes[24];
	} u;
};

struct interface_list {
	int32_t len;
	int32_t pad;
	uint64_t buf;
};

_Static_assert(sizeof(struct request) == 40, "ifreq size");

static void put_addr(struct request *r, const uint8_t ip[4])
{
	memset(&r->u, 0, sizeof(r->u));
	r->u.addr.sin_family = AF_INET;
	memcpy(&r->u.addr.sin_addr, ip, 4);
}

static long list_interfaces(uint64_t arg)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };
	struct request r = { .name = "lo" };
	struct interface_list l;

	if (copy_from_user(&l, arg, sizeof(l)) < 0)
		return -EFAULT;
	put_addr(&r, ip);
	if (l.buf && l.len < (int)sizeof(r)) {
		l.len = 0;
	} else {
		if (l.buf && copy_to_user(l.buf, &r, sizeof(r)) < 0)
			return -EFAULT;
		l.len = sizeof(r);
	}
	return copy_to_user(arg, &l, sizeof(l));
}

static long fill(uint32_t cmd, struct request *r)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };
	static const uint8_t mask[4] = { 255, 0, 0, 0 };
	static const uint8_t none[4] = { 0 };

	switch (cmd) {
	case SIOCGIFFLAGS:
		r->u.flags = LOOPBACK_FLAGS;
		return 0;
	case SIOCGIFINDEX:
		r->u.value = LOOPBACK_INDEX;
		return 0;
	case SIOCGIFMTU:
		r->u.value = LOOPBACK_MTU;
		return 0;
	case SIOCGIFMETRIC:
		r->u.value = 0;
		return 0;
	case SIOCGIFADDR:
		put_addr(r, ip);
		return 0;
	case SIOCGIFNETMASK:
		put_addr(r, mask);
		return 0;
	case SIOCGIFBRDADDR:
	case SIOCGIFDSTADDR:
		put_addr(r, none);
		return 0;
	case SIOCGIFHWADDR:
		put_addr(r, none);
		r->u.addr.sin_family = ARPHRD_LOOPBACK;
		return 0;
	default:
		return -ENOTTY;
	}
}

long ifconf_ioctl(uint32_t cmd, uint64_t arg)
{
	struct request r;
	long err;

	if (cmd == SIOCGIFCONF)
		return list_interfaces(arg);
	if (cmd != SIOCGIFNAME && (cmd < SIOCGIFFLAGS || cmd > SIOCGIFINDEX))
		return -ENOTTY;
	if (copy_from_user(&r, arg, sizeof(r)) < 0)
		return -EFAULT;
	if (cmd == SIOCGIFNAME) {
		if (r.u.value != LOOPBACK_INDEX)
			return -ENODEV;
		memcpy(r.name, "lo", 3);
		return copy_to_user(arg, &r, sizeof(r));
	}
	r.name[NAME_SIZE - 1] = 0;
	if (strcmp(r.name, "lo") != 0)
		return -ENODEV;
	err = fill(cmd, &r);
	return err ? err : copy_to_user(arg, &r, sizeof(r));
}
