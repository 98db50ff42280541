/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP sockets. There is no TCP here: a connection is a stream to another
 * socket of the program or to the host: accepted on a published port, or
 * made by the host where that is allowed. A connection inside the guest is
 * established at once; a non-blocking connect still answers EINPROGRESS
 * first, as Linux does even on the loopback.
 */
#include <linux/eventpoll.h>
#include <linux/in.h>

#include "core/alloc.h"
#include "net/inet.h"
#include "net/stream.h"

#define BACKLOG_MAX 4096u

struct tcp_socket {
	struct socket s;
	struct inet_bind bind;
	struct net_addr local, peer; /* of a connection */
	struct stream st;
	bool connecting; /* EINPROGRESS was answered */
	struct outbound *out; /* the host is connecting; or NULL */

	/* a listener */
	struct list accepted; /* struct tcp_socket.accept_node */
	unsigned accepted_count, backlog;
	bool looked; /* the program found `accepted` empty */
	struct list listen_node; /* of the published port */
	struct port *port;

	struct list accept_node; /* waiting in a listener */
};

static struct tcp_socket *to_tcp(struct socket *s)
{
	return container_of(s, struct tcp_socket, s);
}

static const struct socket_ops tcp_ops;

static struct tcp_socket *tcp_alloc(uint16_t family)
{
	struct tcp_socket *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	socket_init(&t->s, &tcp_ops, family, SOCK_STREAM, IPPROTO_TCP);
	stream_init(&t->st, &t->s);
	list_init(&t->bind.node);
	list_init(&t->accepted);
	list_init(&t->listen_node);
	list_init(&t->accept_node);
	return t;
}

int tcp_new(uint16_t family, struct socket **ret)
{
	struct tcp_socket *t = tcp_alloc(family);

	if (!t)
		return -ENOMEM;
	*ret = &t->s;
	return 0;
}

static int tcp_bind(struct socket *s, const struct sock_name *n)
{
	struct tcp_socket *t = to_tcp(s);
	struct net_addr addr;
	int err = net_addr_from_name(&addr, s->family, n);

	if (err)
		return err;
	if (t->st.connected)
		return -EINVAL;
	return inet_bind(&t->bind, s, &addr);
}

/* ---- listening ---------------------------------------------------------- */

static int tcp_listen(struct socket *s, int backlog)
{
	struct tcp_socket *t = to_tcp(s);
	int err;

	if (t->st.connected || t->connecting || t->out)
		return -EINVAL;
	err = inet_autobind(&t->bind, s);
	if (err)
		return err;
	err = inet_may_listen(&t->bind);
	if (err)
		return err;
	t->backlog = (uint32_t)backlog > BACKLOG_MAX ? BACKLOG_MAX :
						       (uint32_t)backlog;
	t->port = port_for(IPPROTO_TCP, t->bind.addr.port);
	s->listening = true;
	if (t->port)
		err = port_listen(t->port, &t->listen_node, (int)t->backlog);
	if (err)
		s->listening = false;
	return err;
}

/* As Linux, which compares with >, so that a backlog of 0 means one. */
static bool has_room(const struct tcp_socket *t)
{
	return t->accepted_count <= t->backlog;
}

bool tcp_listener_has_room(struct list *listener)
{
	return has_room(container_of(listener, struct tcp_socket, listen_node));
}

bool tcp_listener_waits(struct list *listener)
{
	struct tcp_socket *t =
		container_of(listener, struct tcp_socket, listen_node);

	return !t->accepted_count &&
	       (t->looked || !list_empty(&t->s.waitq.waiters));
}

/* There is none for the program. */
static void look_for_more(struct tcp_socket *l)
{
	l->looked = true;
	if (l->port)
		port_more(l->port);
}

static void enqueue(struct tcp_socket *listener, struct tcp_socket *t)
{
	listener->looked = false;
	t->s.opts = listener->s.opts;
	list_add_tail(&listener->accepted, &t->accept_node);
	listener->accepted_count++;
	waitq_wake_one(&listener->s.waitq);
}

/* What a socket of the listener's family can say of an address. */
static void fit_family(struct net_addr *a, uint16_t family)
{
	uint16_t port = a->port;

	if (family == AF_INET && !net_addr_is_v4(a)) {
		net_addr_set_loopback(a, true);
		a->port = port;
	}
}

/* What the host has to know of a new connection's options. */
static void pass_opts(struct tcp_socket *t)
{
	struct hstream *hs = t->st.host;

	if (t->s.opts.nodelay)
		hstream_setopt(hs, MF_SO_NODELAY, 1);
	if (t->s.opts.keepalive)
		hstream_setopt(hs, MF_SO_KEEPALIVE, 1);
	if (t->s.opts.linger_on && !t->s.opts.linger_s)
		hstream_setopt(hs, MF_SO_LINGER_RST, 1);
}

void tcp_accept_host(struct list *node, struct hstream *hs)
{
	struct tcp_socket *l =
		container_of(node, struct tcp_socket, listen_node);
	struct tcp_socket *t = tcp_alloc(l->s.family);

	if (!t) {
		hstream_close(hs);
		return;
	}
	t->peer = *hstream_peer(hs);
	fit_family(&t->peer, l->s.family);
	t->local = l->bind.addr;
	if (net_addr_is_any(&t->local))
		net_addr_set_loopback(&t->local, net_addr_is_v4(&t->peer));
	stream_attach_host(&t->st, hs);
	enqueue(l, t);
	pass_opts(t);
}

static int tcp_accept(struct socket *s, struct socket **ret)
{
	struct tcp_socket *l = to_tcp(s);
	struct list *n;

	if (!s->listening)
		return -EINVAL;
	n = list_pop_head(&l->accepted);
	if (!n) {
		look_for_more(l);
		return -EAGAIN;
	}
	l->accepted_count--;
	*ret = &container_of(n, struct tcp_socket, accept_node)->s;
	if (l->port)
		port_more(l->port);
	return 0;
}

/* ---- connecting --------------------------------------------------------- */

/* Makes the other half in the listener's queue; 0 or -errno. */
static int connect_local(struct tcp_socket *t, const struct net_addr *to)
{
	struct socket *ls = inet_lookup(IPPROTO_TCP, to, NULL);
	struct tcp_socket *l, *other;

	if (!ls)
		return -ECONNREFUSED;
	l = to_tcp(ls);
	if (l->accepted_count >= l->backlog + BACKLOG_MAX)
		return -ECONNREFUSED;
	other = tcp_alloc(l->s.family);
	if (!other)
		return -ENOMEM;
	t->peer = *to;
	t->local = t->bind.addr;
	if (net_addr_is_any(&t->local))
		net_addr_set_loopback(&t->local, net_addr_is_v4(to));
	other->local = t->peer;
	other->peer = t->local;
	stream_pair(&t->st, &other->st);
	enqueue(l, other);
	return 0;
}

/* The host has connected, or has not. */
static void outbound_over(struct socket *s, int64_t res, uint16_t port)
{
	struct tcp_socket *t = to_tcp(s);
	struct hstream *hs = NULL;

	t->out = NULL;
	if (res >= 0)
		hs = hstream_new((uint32_t)res, &t->peer, NULL, 0);
	if (hs) {
		t->local = t->bind.addr;
		if (!t->bind.bound || net_addr_is_any(&t->bind.addr))
			inet_set_own(&t->local, net_addr_is_v4(&t->peer));
		if (!t->bind.bound)
			t->local.port = port;
		stream_attach_host(&t->st, hs);
		pass_opts(t);
	} else {
		s->error = res < 0 ? (int)-res : ENOMEM;
	}
	socket_wake(s);
}

/* Waits while the host is connecting: 0, or as socket_wait. */
static int outbound_wait(struct tcp_socket *t, uint32_t flags)
{
	uint64_t deadline = socket_deadline(t->s.opts.snd_timeout_ns);
	int err;

	while (t->out) {
		err = socket_wait(&t->s, flags, deadline);
		if (err)
			return err;
	}
	return 0;
}

static void outbound_abandon(struct tcp_socket *t)
{
	if (!t->out)
		return;
	outbound_cancel(t->out);
	t->out = NULL;
	t->connecting = false;
	t->s.error = ECONNRESET;
	socket_wake(&t->s);
}

/* Not yet connected, or no longer trying: 1 if that is success. */
static int connect_result(struct tcp_socket *t)
{
	t->connecting = false;
	if (t->s.error)
		return socket_take_error(&t->s);
	return t->st.connected ? 1 : -ECONNABORTED;
}

/* Waits for what is under way; 1: connected. */
static int connect_wait(struct tcp_socket *t)
{
	int late = t->connecting ? -EALREADY : -EINPROGRESS;
	int err = outbound_wait(t, 0);

	if (err) {
		t->connecting = true;
		return err == -EAGAIN ? late : err;
	}
	return connect_result(t);
}

/* 0: may be connected; 1: has just been; or -errno. */
static int check_connect(struct tcp_socket *t, bool nonblock)
{
	if (t->s.listening)
		return -EISCONN;
	if (t->out)
		return nonblock ? -EALREADY : connect_wait(t);
	if (!t->connecting)
		return t->st.connected ? -EISCONN : 0;
	/* The second call tells how the first one ended. */
	return connect_result(t);
}

/* Connects to a socket of the program. */
static int connect_inside(struct tcp_socket *t, const struct net_addr *to,
			  bool nonblock)
{
	int err = inet_autobind(&t->bind, &t->s);

	if (!err)
		err = connect_local(t, to);
	if (!nonblock || (err && err != -ECONNREFUSED))
		return err;
	t->connecting = true;
	t->s.error = -err;
	socket_wake(&t->s);
	return -EINPROGRESS;
}

static int connect_outside(struct tcp_socket *t, const struct net_addr *to,
			   bool nonblock)
{
	int err = inet_check_outbound(to);

	if (err)
		return err;
	t->peer = *to;
	t->out = outbound_connect(&t->s, to, outbound_over);
	if (!t->out)
		return -ENOMEM;
	if (nonblock) {
		t->connecting = true;
		return -EINPROGRESS;
	}
	err = connect_wait(t);
	return err < 0 ? err : 0;
}

static int tcp_connect(struct socket *s, const struct sock_name *n,
		       bool nonblock)
{
	struct tcp_socket *t = to_tcp(s);
	struct net_addr to;
	int err;

	if (n->len >= 2 && sock_name_family(n) == AF_UNSPEC) {
		outbound_abandon(t);
		if (!s->listening)
			stream_shutdown(&t->st, SHUT_RDWR);
		return 0;
	}
	err = net_addr_from_name(&to, s->family, n);
	if (err)
		return err;
	err = check_connect(t, nonblock);
	if (err)
		return err < 0 ? err : 0;
	if (net_addr_is_v4(&to) && s->family == AF_INET6 && s->opts.v6only)
		return -ENETUNREACH;
	if (!inet_route_local(&to))
		return connect_outside(t, &to, nonblock);
	if (!net_addr_is_v4(&to) && s->family == AF_INET)
		return -EAFNOSUPPORT;
	return connect_inside(t, &to, nonblock);
}

/* ---- the rest ----------------------------------------------------------- */

static long tcp_send(struct socket *s, struct sock_msg *m)
{
	struct tcp_socket *t = to_tcp(s);
	int err = outbound_wait(t, m->flags);

	if (err)
		return err;
	if (t->st.connected)
		return stream_send(&t->st, m);
	err = socket_take_error(s);
	return err ? err : socket_broken_pipe(m->flags);
}

static long tcp_recv(struct socket *s, struct sock_msg *m)
{
	struct tcp_socket *t = to_tcp(s);
	int err;

	if (m->name)
		m->name->len = 0;
	err = outbound_wait(t, m->flags);
	if (err)
		return err;
	if (t->st.connected)
		return stream_recv(&t->st, m);
	err = socket_take_error(s);
	return err ? err : -ENOTCONN;
}

static int tcp_shutdown(struct socket *s, int how)
{
	struct tcp_socket *t = to_tcp(s);

	if (s->listening && how != SHUT_WR) {
		s->listening = false;
		if (t->port)
			port_unlisten(t->port, &t->listen_node);
		t->port = NULL;
		socket_wake(s);
		return 0;
	}
	if (t->out) {
		outbound_abandon(t);
		return 0;
	}
	if (!t->st.connected)
		return -ENOTCONN;
	if (stream_is_over(&t->st)) {
		socket_wake(s); /* as Linux, for whoever polls */
		return -ENOTCONN;
	}
	stream_shutdown(&t->st, how);
	return 0;
}

static int tcp_name(struct socket *s, bool peer, struct sock_name *ret)
{
	struct tcp_socket *t = to_tcp(s);
	struct net_addr any = { 0 };

	if (peer && (!t->st.connected || stream_is_over(&t->st)))
		return -ENOTCONN;
	net_addr_set_any(&any, s->family == AF_INET);
	if (t->st.connected)
		net_addr_to_name(peer ? &t->peer : &t->local, s->family, ret);
	else
		net_addr_to_name(t->bind.bound ? &t->bind.addr : &any,
				 s->family, ret);
	return 0;
}

static uint32_t tcp_poll(struct socket *s)
{
	struct tcp_socket *t = to_tcp(s);

	if (s->listening && list_empty(&t->accepted)) {
		look_for_more(t);
		return 0;
	}
	if (s->listening)
		return EPOLLIN | EPOLLRDNORM;
	if (t->out)
		return 0;
	/* A refused connection is readable, writable and hung up. */
	if (!t->st.connected && t->connecting)
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM |
		       EPOLLHUP | EPOLLRDHUP;
	return stream_poll(&t->st);
}

static uint32_t tcp_readable(struct socket *s)
{
	return stream_readable(&to_tcp(s)->st);
}

static void tcp_opts_changed(struct socket *s)
{
	struct hstream *hs = to_tcp(s)->st.host;

	if (!hs)
		return;
	hstream_setopt(hs, MF_SO_NODELAY, s->opts.nodelay);
	hstream_setopt(hs, MF_SO_KEEPALIVE, s->opts.keepalive);
	hstream_setopt(hs, MF_SO_LINGER_RST,
		       s->opts.linger_on && !s->opts.linger_s);
}

static void tcp_release(struct socket *s)
{
	struct tcp_socket *t = to_tcp(s);
	struct list *n;

	if (t->out)
		outbound_cancel(t->out);
	if (s->listening && t->port)
		port_unlisten(t->port, &t->listen_node);
	while ((n = list_pop_head(&t->accepted)))
		tcp_release(
			&container_of(n, struct tcp_socket, accept_node)->s);
	inet_unbind(&t->bind);
	stream_close(&t->st);
	kfree(t);
}

static const struct socket_ops tcp_ops = {
	.bind = tcp_bind,
	.listen = tcp_listen,
	.connect = tcp_connect,
	.accept = tcp_accept,
	.send = tcp_send,
	.recv = tcp_recv,
	.shutdown = tcp_shutdown,
	.name = tcp_name,
	.poll = tcp_poll,
	.readable = tcp_readable,
	.opts_changed = tcp_opts_changed,
	.release = tcp_release,
};
