/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NETLINK_ROUTE, as far as listing interfaces and addresses needs it (that is
 * what getifaddrs and its kin do): dumps of links and addresses. Other requests
 * get the error of a family that does not know them.
 */
#include <linux/eventpoll.h>
#include <linux/rtnetlink.h>

#include "core/alloc.h"
#include "net/dgram.h"
#include "net/interface.h"

#define REPLY_MAX 1024u
#define PORT_ID	  1u /* the process's own number */

struct netlink_socket {
	struct socket s;
	struct dgram_queue rx;
	bool bound;
};

struct reply {
	struct dgram *d;
	struct nlmsghdr *msg; /* the one being made */
	uint32_t seq;
};

static struct netlink_socket *to_netlink(struct socket *s)
{
	return container_of(s, struct netlink_socket, s);
}

static void put_name(struct sock_name *n, uint32_t port_id)
{
	uint16_t family = AF_NETLINK;

	*n = (struct sock_name){ .len = 12 };
	memcpy(n->bytes, &family, sizeof(family));
	memcpy(n->bytes + 4, &port_id, sizeof(port_id));
}

/* ---- replies ------------------------------------------------------------ */

static void *reply_add(struct reply *r, uint32_t len)
{
	void *at = r->d->data + r->d->len;

	kassert(r->d->len + NLMSG_ALIGN(len) <= REPLY_MAX);
	r->d->len += NLMSG_ALIGN(len);
	return at;
}

static void reply_begin(struct reply *r, uint16_t type)
{
	r->msg = reply_add(r, NLMSG_HDRLEN);
	r->msg->nlmsg_type = type;
	r->msg->nlmsg_flags = NLM_F_MULTI;
	r->msg->nlmsg_seq = r->seq;
	r->msg->nlmsg_pid = PORT_ID;
}

static void reply_end(struct reply *r)
{
	uint8_t *end = r->d->data + r->d->len;

	r->msg->nlmsg_len = (uint32_t)(end - (uint8_t *)r->msg);
}

static void reply_attr(struct reply *r, uint16_t type, const void *data,
		       uint32_t len)
{
	struct rtattr *a = reply_add(r, RTA_LENGTH(len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
}

static void reply_name(struct reply *r, uint16_t type,
		       const struct interface *i)
{
	reply_attr(r, type, i->name, (uint32_t)strlen(i->name) + 1);
}

static void reply_link(struct reply *r, const struct interface *i)
{
	static const uint8_t none[6];
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	bool ether = i->broadcast[0];
	struct ifinfomsg *info;

	reply_begin(r, RTM_NEWLINK);
	info = reply_add(r, sizeof(*info));
	info->ifi_type = i->hardware;
	info->ifi_index = i->index;
	info->ifi_flags = i->flags;
	reply_name(r, IFLA_IFNAME, i);
	reply_attr(r, IFLA_MTU, &i->mtu, sizeof(i->mtu));
	reply_attr(r, IFLA_ADDRESS, i->mac, sizeof(i->mac));
	reply_attr(r, IFLA_BROADCAST, ether ? all : none, sizeof(none));
	reply_end(r);
}

static struct ifaddrmsg *reply_addr_begin(struct reply *r,
					  const struct interface *i)
{
	struct ifaddrmsg *info;

	reply_begin(r, RTM_NEWADDR);
	info = reply_add(r, sizeof(*info));
	info->ifa_flags = IFA_F_PERMANENT;
	info->ifa_scope = i->scope;
	info->ifa_index = (uint32_t)i->index;
	return info;
}

static void reply_addr4(struct reply *r, const struct interface *i)
{
	struct ifaddrmsg *info = reply_addr_begin(r, i);

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = i->prefix4;
	reply_attr(r, IFA_ADDRESS, i->ip4, sizeof(i->ip4));
	reply_attr(r, IFA_LOCAL, i->ip4, sizeof(i->ip4));
	if (i->broadcast[0])
		reply_attr(r, IFA_BROADCAST, i->broadcast,
			   sizeof(i->broadcast));
	reply_name(r, IFA_LABEL, i);
	reply_end(r);
}

static void reply_addr6(struct reply *r, const struct interface *i)
{
	struct ifaddrmsg *info = reply_addr_begin(r, i);

	info->ifa_family = AF_INET6;
	info->ifa_prefixlen = i->prefix6;
	reply_attr(r, IFA_ADDRESS, i->ip6, sizeof(i->ip6));
	reply_end(r);
}

static void reply_addrs(struct reply *r, uint8_t family)
{
	const struct interface *i;

	for (unsigned n = 0; family != AF_INET6 && (i = interface_at(n)); n++)
		reply_addr4(r, i);
	for (unsigned n = 0; family != AF_INET && (i = interface_at(n)); n++)
		if (interface_has_inet6(i))
			reply_addr6(r, i);
}

/* A message that ends a dump, or refuses a request. */
static void reply_status(struct reply *r, const struct nlmsghdr *req, int err)
{
	struct nlmsgerr *e;
	int *status;

	if (!err) {
		reply_begin(r, NLMSG_DONE);
		status = reply_add(r, sizeof(*status));
		*status = 0;
	} else {
		reply_begin(r, NLMSG_ERROR);
		r->msg->nlmsg_flags = 0;
		e = reply_add(r, sizeof(*e));
		e->error = err;
		e->msg = *req;
	}
	reply_end(r);
}

static void answer(struct reply *r, const struct nlmsghdr *req, uint8_t family)
{
	const struct interface *i;

	switch (req->nlmsg_type) {
	case RTM_GETLINK:
		for (unsigned n = 0; (i = interface_at(n)); n++)
			reply_link(r, i);
		break;
	case RTM_GETADDR:
		reply_addrs(r, family);
		break;
	case RTM_GETROUTE:
	case RTM_GETNEIGH:
	case RTM_GETRULE:
		break; /* a dump of nothing */
	default:
		reply_status(r, req, -EOPNOTSUPP);
		return;
	}
	reply_status(r, req, 0);
}

/* ---- the socket --------------------------------------------------------- */

static long netlink_send(struct socket *s, struct sock_msg *m)
{
	struct netlink_socket *n = to_netlink(s);
	uint64_t len = m->iter->left;
	struct {
		struct nlmsghdr hdr;
		uint8_t family; /* struct rtgenmsg */
	} req = { .family = 0 };
	struct reply r;

	if (iov_copy_in(m->iter, &req, sizeof(req)) < sizeof(req.hdr))
		return -EINVAL;
	if (!dgram_has_room(&n->rx, (uint32_t)s->opts.rcvbuf))
		return -ENOBUFS;
	r = (struct reply){ .d = dgram_new(REPLY_MAX),
			    .seq = req.hdr.nlmsg_seq };
	if (!r.d)
		return -ENOBUFS;
	r.d->len = 0;
	answer(&r, &req.hdr, req.family);
	put_name(&r.d->from, 0);
	dgram_put(&n->rx, r.d);
	socket_wake(s);
	return (long)len;
}

static long netlink_recv(struct socket *s, struct sock_msg *m)
{
	return dgram_recv(s, &to_netlink(s)->rx, m);
}

static int netlink_bind(struct socket *s, const struct sock_name *n)
{
	if (n->len < 12 || sock_name_family(n) != AF_NETLINK)
		return -EINVAL;
	to_netlink(s)->bound = true;
	return 0;
}

/* Requests go to the kernel; there is nobody else to connect to. */
static int netlink_connect(struct socket *s, const struct sock_name *n,
			   bool nonblock)
{
	(void)nonblock;
	return netlink_bind(s, n);
}

static int netlink_shutdown(struct socket *s, int how)
{
	(void)s;
	(void)how;
	return -EOPNOTSUPP;
}

static int netlink_name(struct socket *s, bool peer, struct sock_name *ret)
{
	put_name(ret, !peer && to_netlink(s)->bound ? PORT_ID : 0);
	return 0;
}

static uint32_t netlink_poll(struct socket *s)
{
	uint32_t ev = EPOLLOUT | EPOLLWRNORM;

	if (!list_empty(&to_netlink(s)->rx.list))
		ev |= EPOLLIN | EPOLLRDNORM;
	return ev;
}

static uint32_t netlink_readable(struct socket *s)
{
	return dgram_readable(&to_netlink(s)->rx);
}

static void netlink_release(struct socket *s)
{
	struct netlink_socket *n = to_netlink(s);

	dgram_queue_clear(&n->rx);
	kfree(n);
}

static const struct socket_ops netlink_ops = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.send = netlink_send,
	.recv = netlink_recv,
	.shutdown = netlink_shutdown,
	.name = netlink_name,
	.poll = netlink_poll,
	.readable = netlink_readable,
	.release = netlink_release,
};

int netlink_new(uint16_t type, uint16_t protocol, struct socket **ret)
{
	struct netlink_socket *n;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	n = kzalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	socket_init(&n->s, &netlink_ops, AF_NETLINK, type, protocol);
	dgram_queue_init(&n->rx);
	*ret = &n->s;
	return 0;
}
