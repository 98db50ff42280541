/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP sockets. Datagrams go to sockets of the program, from a socket on a
 * published port to whoever wrote to it, else, where it is allowed, to the
 * outside. A queue that is full drops, as the network would.
 */
#include <linux/eventpoll.h>
#include <linux/in.h>

#include "core/alloc.h"
#include "net/dgram.h"
#include "net/inet.h"

#define UDP_LEN_MAX 65507u

struct udp_socket {
	struct socket s;
	struct inet_bind bind;
	struct dgram_queue rx;
	struct port *port;
	struct list flows; /* struct udp_flow.node */
	bool rx_shut, tx_shut;
};

static struct udp_socket *to_udp(struct socket *s)
{
	return container_of(s, struct udp_socket, s);
}

static int after_bind(struct udp_socket *u, int err)
{
	if (err || u->port)
		return err;
	u->port = port_for(IPPROTO_UDP, u->bind.addr.port);
	if (u->port)
		port_attach_udp(u->port, &u->s);
	return 0;
}

static int udp_bind(struct socket *s, const struct sock_name *n)
{
	struct udp_socket *u = to_udp(s);
	struct net_addr addr;
	int err = net_addr_from_name(&addr, s->family, n);

	if (err)
		return err;
	return after_bind(u, inet_bind(&u->bind, s, &addr));
}

static int udp_connect(struct socket *s, const struct sock_name *n,
		       bool nonblock)
{
	struct udp_socket *u = to_udp(s);
	struct net_addr to;
	int err;

	(void)nonblock;
	if (n->len >= 2 && sock_name_family(n) == AF_UNSPEC) {
		u->bind.connected = false;
		return 0;
	}
	err = net_addr_from_name(&to, s->family, n);
	if (err)
		return err;
	if (!inet_route_local(&to) && !u->port)
		err = inet_check_outbound(&to);
	if (err)
		return err;
	err = after_bind(u, inet_autobind(&u->bind, s));
	if (err)
		return err;
	u->bind.peer = to;
	u->bind.connected = true;
	return 0;
}

/* The address others see us at. */
static void source_addr(const struct udp_socket *u, bool v4,
			struct net_addr *ret)
{
	*ret = u->bind.addr;
	if (net_addr_is_any(ret))
		net_addr_set_loopback(ret, v4);
}

/* The same, as a peer outside sees us. */
static void show_own(struct udp_socket *u, struct net_addr *ret)
{
	struct net_addr to = u->bind.peer;

	if (net_addr_is_any(&u->bind.addr) && !u->port &&
	    !inet_route_local(&to))
		inet_set_own(ret, net_addr_is_v4(&to));
}

static void receive(struct udp_socket *u, struct dgram *d,
		    const struct net_addr *from)
{
	struct net_addr shown = *from;

	if (u->s.family == AF_INET && !net_addr_is_v4(&shown))
		net_addr_set_loopback(&shown, true);
	net_addr_to_name(&shown, u->s.family, &d->from);
	dgram_put(&u->rx, d);
	socket_wake(&u->s);
}

void udp_receive_host(struct socket *s, const struct net_addr *from,
		      const void *data, uint32_t len)
{
	struct udp_socket *u = to_udp(s);
	struct dgram *d;

	if (u->rx_shut || !dgram_has_room(&u->rx, (uint32_t)s->opts.rcvbuf))
		return;
	if (u->bind.connected && !net_addr_equal(&u->bind.peer, from))
		return;
	d = dgram_new(len);
	if (!d)
		return;
	memcpy(d->data, data, len);
	receive(u, d, from);
}

void udp_error_host(struct socket *s, int error)
{
	struct udp_socket *u = to_udp(s);

	/* Who sends without being connected hears of it only on request. */
	if (u->bind.connected || s->opts.recverr)
		s->error = error;
	socket_wake(s);
}

static long send_local(struct udp_socket *u, const struct net_addr *to,
		       struct iov_iter *data)
{
	uint32_t len = (uint32_t)data->left;
	struct net_addr from;
	struct udp_socket *v;
	struct socket *s;
	struct dgram *d;

	source_addr(u, net_addr_is_v4(to), &from);
	s = inet_lookup(IPPROTO_UDP, to, &from);
	if (!s) {
		/* The answer "port unreachable" reaches a connected socket. */
		if (u->bind.connected || u->s.opts.recverr)
			u->s.error = ECONNREFUSED;
		return len;
	}
	v = to_udp(s);
	if (v->rx_shut || !dgram_has_room(&v->rx, (uint32_t)s->opts.rcvbuf))
		return len;
	d = dgram_new(len);
	if (!d)
		return -ENOBUFS;
	iov_copy_in(data, d->data, len);
	receive(v, d, &from);
	return len;
}

static long send_host(struct udp_socket *u, const struct net_addr *to,
		      struct sock_msg *m)
{
	uint64_t deadline = socket_deadline(u->s.opts.snd_timeout_ns);
	struct udp_flow *f = NULL;
	long n;
	int err;

	for (;;) {
		/* Another thread may have closed it while we slept. */
		err = u->port && port_sends(u->port) ?
			      0 :
			      udp_flow_get(&u->flows, &u->s, to, &f);
		if (err)
			return err;
		n = f ? udp_flow_send(f, m->iter) :
			port_sendto(u->port, to, m->iter);
		if (n != -EAGAIN)
			return n;
		err = socket_wait(&u->s, m->flags, deadline);
		if (err)
			return err;
	}
}

/* Where a message goes: its own address, or the connected one. */
static int destination(struct udp_socket *u, const struct sock_msg *m,
		       struct net_addr *ret)
{
	uint16_t family = u->s.family;

	if (!m->name || !m->name->len) {
		*ret = u->bind.peer;
		return u->bind.connected ? 0 : -EDESTADDRREQ;
	}
	/* An IPv6 socket also takes IPv4 addresses here. */
	if (family == AF_INET6 && m->name->len >= 2 &&
	    sock_name_family(m->name) == AF_INET && !u->s.opts.v6only)
		family = AF_INET;
	return net_addr_from_name(ret, family, m->name);
}

static long udp_send(struct socket *s, struct sock_msg *m)
{
	struct udp_socket *u = to_udp(s);
	struct net_addr to;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->iter->left > s->msg_max)
		return -EMSGSIZE;
	err = socket_take_error(s);
	if (!err)
		err = destination(u, m, &to);
	if (err)
		return err;
	if (u->tx_shut)
		return socket_broken_pipe(m->flags);
	if (!to.port)
		return -EINVAL;
	err = after_bind(u, inet_autobind(&u->bind, s));
	if (err)
		return err;
	/*
	 * A peer of the host may well live on a loopback address: what wrote
	 * to the published port is answered there, unless a socket of the
	 * program has that address.
	 */
	if (inet_route_local(&to) &&
	    (!u->port || inet_lookup(IPPROTO_UDP, &to, &u->bind.addr)))
		return send_local(u, &to, m->iter);
	err = u->port ? 0 : inet_check_outbound(&to);
	return err ? err : send_host(u, &to, m);
}

static long udp_recv(struct socket *s, struct sock_msg *m)
{
	return dgram_recv(s, &to_udp(s)->rx, m);
}

static int udp_shutdown(struct socket *s, int how)
{
	struct udp_socket *u = to_udp(s);

	if (!u->bind.connected)
		return -ENOTCONN;
	if (how != SHUT_WR) {
		u->rx_shut = true;
		u->rx.eof = true;
	}
	if (how != SHUT_RD)
		u->tx_shut = true;
	socket_wake(s);
	return 0;
}

static int udp_name(struct socket *s, bool peer, struct sock_name *ret)
{
	struct udp_socket *u = to_udp(s);
	struct net_addr local = { 0 };

	if (peer) {
		if (!u->bind.connected)
			return -ENOTCONN;
		net_addr_to_name(&u->bind.peer, s->family, ret);
		return 0;
	}
	net_addr_set_any(&local, s->family == AF_INET);
	if (u->bind.bound)
		local = u->bind.addr;
	if (u->bind.connected) {
		source_addr(u, net_addr_is_v4(&u->bind.peer), &local);
		show_own(u, &local);
	}
	net_addr_to_name(&local, s->family, ret);
	return 0;
}

static uint32_t udp_poll(struct socket *s)
{
	struct udp_socket *u = to_udp(s);
	uint32_t ev = EPOLLOUT | EPOLLWRNORM;

	if (!list_empty(&u->rx.list) || u->rx_shut)
		ev |= EPOLLIN | EPOLLRDNORM;
	if (u->rx_shut)
		ev |= EPOLLRDHUP;
	if (u->rx_shut && u->tx_shut)
		ev |= EPOLLHUP;
	return ev;
}

static uint32_t udp_readable(struct socket *s)
{
	return dgram_readable(&to_udp(s)->rx);
}

static void udp_release(struct socket *s)
{
	struct udp_socket *u = to_udp(s);

	if (u->port)
		port_attach_udp(u->port, NULL);
	udp_flows_close(&u->flows);
	inet_unbind(&u->bind);
	dgram_queue_clear(&u->rx);
	kfree(u);
}

static const struct socket_ops udp_ops = {
	.bind = udp_bind,
	.connect = udp_connect,
	.send = udp_send,
	.recv = udp_recv,
	.shutdown = udp_shutdown,
	.name = udp_name,
	.poll = udp_poll,
	.readable = udp_readable,
	.release = udp_release,
};

int udp_new(uint16_t family, struct socket **ret)
{
	struct udp_socket *u = kzalloc(sizeof(*u));

	if (!u)
		return -ENOMEM;
	socket_init(&u->s, &udp_ops, family, SOCK_DGRAM, IPPROTO_UDP);
	u->s.msg_max = UDP_LEN_MAX;
	list_init(&u->bind.node);
	list_init(&u->flows);
	dgram_queue_init(&u->rx);
	*ret = &u->s;
	return 0;
}
