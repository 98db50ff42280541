/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interface requests of ioctl, about the interfaces of net/interface.h.
 */
#include <linux/in.h>
#include <linux/sockios.h>

#include "net/interface.h"
#include "net/socket.h"

#define NAME_SIZE 16

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

static void put_mask(struct request *r, unsigned bits)
{
	uint32_t mask = ~0u << (32 - bits);
	const uint8_t ip[4] = { (uint8_t)(mask >> 24), (uint8_t)(mask >> 16),
				(uint8_t)(mask >> 8), (uint8_t)mask };

	put_addr(r, ip);
}

static long list_interfaces(uint64_t arg)
{
	const struct interface *i;
	struct interface_list l;
	int32_t room, used = 0;

	if (copy_from_user(&l, arg, sizeof(l)) < 0)
		return -EFAULT;
	room = l.buf ? l.len : INT32_MAX;
	for (unsigned n = 0; (i = interface_at(n)); n++) {
		struct request r = { .name = "" };

		if (room - used < (int32_t)sizeof(r))
			break;
		memcpy(r.name, i->name, strlen(i->name));
		put_addr(&r, i->ip4);
		if (l.buf &&
		    copy_to_user(l.buf + (uint32_t)used, &r, sizeof(r)) < 0)
			return -EFAULT;
		used += (int32_t)sizeof(r);
	}
	l.len = used;
	return copy_to_user(arg, &l, sizeof(l));
}

static long fill(uint32_t cmd, const struct interface *i, struct request *r)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		r->u.flags = (int16_t)i->flags;
		return 0;
	case SIOCGIFINDEX:
		r->u.value = i->index;
		return 0;
	case SIOCGIFMTU:
		r->u.value = (int32_t)i->mtu;
		return 0;
	case SIOCGIFMETRIC:
		r->u.value = 0;
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		put_addr(r, i->ip4);
		return 0;
	case SIOCGIFNETMASK:
		put_mask(r, i->prefix4);
		return 0;
	case SIOCGIFBRDADDR:
		put_addr(r, i->broadcast);
		return 0;
	case SIOCGIFHWADDR:
		memset(&r->u, 0, sizeof(r->u));
		r->u.addr.sin_family = i->hardware;
		memcpy(r->u.bytes + 2, i->mac, sizeof(i->mac));
		return 0;
	default:
		return -ENOTTY;
	}
}

/* By its name, or, if that is empty, by its index. */
static const struct interface *find(const struct request *r)
{
	const struct interface *i;

	for (unsigned n = 0; (i = interface_at(n)); n++)
		if (r->name[0] ? strcmp(r->name, i->name) == 0 :
				 r->u.value == i->index)
			return i;
	return NULL;
}

long ifconf_ioctl(uint32_t cmd, uint64_t arg)
{
	const struct interface *i;
	struct request r;
	long err;

	if (cmd == SIOCGIFCONF)
		return list_interfaces(arg);
	if (cmd != SIOCGIFNAME && (cmd < SIOCGIFFLAGS || cmd > SIOCGIFINDEX))
		return -ENOTTY;
	if (copy_from_user(&r, arg, sizeof(r)) < 0)
		return -EFAULT;
	r.name[cmd == SIOCGIFNAME ? 0 : NAME_SIZE - 1] = 0;
	i = find(&r);
	if (!i)
		return -ENODEV;
	if (cmd == SIOCGIFNAME) {
		memcpy(r.name, i->name, strlen(i->name) + 1);
		return copy_to_user(arg, &r, sizeof(r));
	}
	err = fill(cmd, i, &r);
	return err ? err : copy_to_user(arg, &r, sizeof(r));
}
