/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations on the host. Sockets are non-blocking; the console is not
 * (it is inherited, and O_NONBLOCK would be seen by everyone who shares it),
 * so it is asked with poll before every read, and before every write of at
 * most PIPE_BUF bytes.
 */
#include "monitor/ring_ops.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/peers.h"

#define ACCEPT_TRIES   64
#define LOCAL_PORT_MIN 32768u
#define LOCAL_PORTS    28232u

union socket_addr {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int64_t host_error(void)
{
	return errno == EAGAIN || errno == EINTR ? RING_OP_PENDING : -errno;
}

static bool console_ready(const struct handle *h, short events)
{
	struct pollfd p = { .fd = h->fd, .events = events };

	return h->is_file || poll(&p, 1, 0) > 0;
}

static int64_t do_console_read(struct handle *h, const struct pending *p)
{
	ssize_t n;

	if (!console_ready(h, POLLIN))
		return RING_OP_PENDING;
	n = read(h->fd, p->buf, p->len);
	return n < 0 ? host_error() : n;
}

static int64_t do_console_write(struct handle *h, struct pending *p)
{
	size_t part;
	ssize_t n;

	while (p->done < p->len) {
		if (!console_ready(h, POLLOUT))
			return RING_OP_PENDING;
		part = p->len - p->done;
		if (part > PIPE_BUF && !h->is_file)
			part = PIPE_BUF;
		n = write(h->fd, p->buf + p->done, part);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return host_error();
		p->done += (uint32_t)n;
	}
	return p->len;
}

static int64_t do_recv(struct rings *r, struct handle *h,
		       const struct pending *p)
{
	ssize_t n = recv(h->fd, p->buf, p->len, MSG_DONTWAIT);

	if (n < 0)
		return host_error();
	r->bytes_in += (uint64_t)n;
	/* A short read emptied the socket: what comes next is an edge. */
	if (n > 0 && (size_t)n < p->len && !h->saw_hangup)
		h->can_read = false;
	return n;
}

static int64_t do_send(struct rings *r, struct handle *h, struct pending *p)
{
	ssize_t n;

	while (p->done < p->len) {
		n = send(h->fd, p->buf + p->done, p->len - p->done,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return host_error();
		r->bytes_out += (uint64_t)n;
		p->done += (uint32_t)n;
	}
	return p->len;
}

/*
 * A flow keeps datagrams apart, so a short one says nothing of the next. The
 * far end of a pair of local sockets can hang up, which is no empty datagram.
 */
static int64_t do_flow_recv(struct rings *r, struct handle *h,
			    const struct pending *p)
{
	struct pollfd end = { .fd = h->fd, .events = POLLRDHUP };
	ssize_t n = recv(h->fd, p->buf, p->len, MSG_DONTWAIT);

	if (n < 0)
		return host_error();
	if (n == 0 && poll(&end, 1, 0) > 0)
		return -ECONNRESET;
	r->bytes_in += (uint64_t)n;
	return n;
}

static int64_t do_flow_send(struct rings *r, struct handle *h,
			    const struct pending *p)
{
	ssize_t n = send(h->fd, p->buf, p->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return host_error();
	r->bytes_out += (uint64_t)n;
	return n;
}

/*
 * The parent may hand in a local socket as a TCP port, which nobody else on
 * the host can connect to. Its peers have no address; the guest is told one
 * of its loopback, with another port each time.
 */
static struct mf_endpoint local_peer(void)
{
	static uint16_t port;

	port = port == UINT16_MAX ? 0 : port + 1;
	return (struct mf_endpoint){ .family = AF_INET,
				     .port = LOCAL_PORT_MIN +
					     port % LOCAL_PORTS,
				     .addr = { 127, 0, 0, 1 } };
}

static struct mf_endpoint endpoint_of(const union socket_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct mf_endpoint e = { .family = a->any.sa_family };

	if (a->any.sa_family == AF_INET) {
		e.port = ntohs(a->in.sin_port);
		memcpy(e.addr, &a->in.sin_addr, 4);
	} else if (a->any.sa_family == AF_INET6) {
		e.port = ntohs(a->in6.sin6_port);
		if (!memcmp(&a->in6.sin6_addr, mapped, sizeof(mapped))) {
			e.family = AF_INET;
			memcpy(e.addr, &a->in6.sin6_addr.s6_addr[12], 4);
		} else {
			e.scope = a->in6.sin6_scope_id;
			memcpy(e.addr, &a->in6.sin6_addr, 16);
		}
	} else if (a->any.sa_family == AF_UNIX) {
		e = local_peer();
	}
	return e;
}

/* The address of e for a socket of the given family; its size, 0 if none. */
static socklen_t addr_of(const struct mf_endpoint *e, bool inet6,
			 union socket_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (e->family == AF_INET && !inet6) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(e->port);
		memcpy(&a->in.sin_addr, e->addr, 4);
		return sizeof(a->in);
	}
	if (!inet6 || (e->family != AF_INET && e->family != AF_INET6))
		return 0;
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(e->port);
	if (e->family == AF_INET) {
		memset(&a->in6.sin6_addr.s6_addr[10], 0xff, 2);
		memcpy(&a->in6.sin6_addr.s6_addr[12], e->addr, 4);
	} else {
		a->in6.sin6_scope_id = e->scope;
		memcpy(&a->in6.sin6_addr, e->addr, 16);
	}
	return sizeof(a->in6);
}

static int64_t do_recvfrom(struct rings *r, struct handle *h,
			   const struct pending *p)
{
	union socket_addr from = { 0 };
	socklen_t len = sizeof(from);
	struct mf_endpoint e;
	ssize_t n;

	n = recvfrom(h->fd, p->buf, p->len, MSG_DONTWAIT, &from.any, &len);
	if (n < 0)
		return host_error();
	e = endpoint_of(&from);
	memcpy(p->ret_peer, &e, sizeof(e));
	if (h->peers)
		peers_note(h->peers, &e);
	r->bytes_in += (uint64_t)n;
	return n;
}

static int64_t do_sendto(struct rings *r, struct handle *h,
			 const struct pending *p)
{
	union socket_addr to;
	socklen_t len = addr_of(&p->peer, h->inet6, &to);
	ssize_t n;

	if (!len)
		return -EAFNOSUPPORT;
	if (!h->peers || !peers_known(h->peers, &p->peer))
		return -ENETUNREACH;
	n = sendto(h->fd, p->buf, p->len, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any,
		   len);
	if (n < 0)
		return host_error();
	r->bytes_out += (uint64_t)n;
	return n;
}

/*
 * Clients of most protocols speak first, and at once: what they said spares
 * the guest a round of its own. An end or an error is left for the RECV.
 */
static int64_t first_data(struct rings *r, struct handle *stream,
			  const struct pending *p)
{
	ssize_t n = 0;

	if (p->len)
		n = recv(stream->fd, p->buf, p->len, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		stream->can_read = false;
	if (n <= 0)
		return 0;
	r->bytes_in += (uint64_t)n;
	if ((size_t)n < p->len)
		stream->can_read = false;
	return n;
}

static int64_t do_accept(struct rings *r, struct handle *h,
			 const struct pending *p)
{
	union socket_addr from = { 0 };
	socklen_t len = sizeof(from);
	struct handle *stream;
	struct mf_endpoint e;
	int fd = -1;

	if (handles_full(&r->handles))
		return -EMFILE;
	/* A connection that died in the queue is not the listener's error. */
	for (int i = 0; fd < 0 && i < ACCEPT_TRIES; i++) {
		fd = accept4(h->fd, &from.any, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 &&
		    (errno == EAGAIN || errno == EMFILE || errno == ENFILE ||
		     errno == ENOBUFS || errno == ENOMEM || errno == EINVAL))
			break;
	}
	if (fd < 0)
		return host_error();
	stream = handles_new(&r->handles, HANDLE_STREAM, fd);
	e = endpoint_of(&from);
	memcpy(p->ret_peer, &e, sizeof(e));
	return first_data(r, stream, p) << MF_ACCEPT_LEN_SHIFT |
	       handles_number(&r->handles, stream);
}

static int64_t do_read_side(struct rings *r, struct handle *h)
{
	switch ((enum handle_kind)h->kind) {
	case HANDLE_CONSOLE:
		return do_console_read(h, &h->rd);
	case HANDLE_STREAM:
		return do_recv(r, h, &h->rd);
	case HANDLE_DATAGRAM:
		return do_recvfrom(r, h, &h->rd);
	case HANDLE_FLOW:
		return do_flow_recv(r, h, &h->rd);
	case HANDLE_LISTENER:
		return do_accept(r, h, &h->rd);
	case HANDLE_CONNECTING:
	case HANDLE_FREE:
		break;
	}
	return -EBADF;
}

static int64_t do_write_side(struct rings *r, struct handle *h)
{
	switch ((enum handle_kind)h->kind) {
	case HANDLE_CONSOLE:
		return do_console_write(h, &h->wr);
	case HANDLE_STREAM:
		return do_send(r, h, &h->wr);
	case HANDLE_DATAGRAM:
		return do_sendto(r, h, &h->wr);
	case HANDLE_FLOW:
		return do_flow_send(r, h, &h->wr);
	case HANDLE_LISTENER:
	case HANDLE_CONNECTING:
	case HANDLE_FREE:
		break;
	}
	return -EBADF;
}

/*
 * The host wakes one of the instances that watch a listener: one that does
 * not want a connection must not be among them.
 */
static void leave_shared(struct rings *r, struct handle *h)
{
	if (!h->shared)
		return;
	handles_unwatch(&r->handles, h);
	h->can_read = true;
}

static void finish(struct rings *r, struct pending *p, int64_t res)
{
	p->op = MF_OP_NOP;
	rings_complete(r, p->user_data, res);
}

void ring_op_try_read(struct rings *r, struct handle *h)
{
	int64_t res = RING_OP_PENDING;

	if (h->can_read)
		res = do_read_side(r, h);
	if (res == RING_OP_PENDING) {
		int err = handles_watch(&r->handles, h, EPOLLIN);

		h->can_read = false;
		if (!err)
			return;
		res = err;
	}
	leave_shared(r, h);
	finish(r, &h->rd, res);
}

/* What had to wait for the pending write. */
static void after_write(struct rings *r, struct handle *h)
{
	uint64_t user_data = h->close_user_data;

	if (h->shut_wr) {
		h->shut_wr = false;
		shutdown(h->fd, SHUT_WR);
	}
	if (h->closing) {
		handles_drop(&r->handles, h);
		rings_complete(r, user_data, 0);
	}
}

void ring_op_try_write(struct rings *r, struct handle *h)
{
	int64_t res = RING_OP_PENDING;

	if (h->can_write)
		res = do_write_side(r, h);
	if (res == RING_OP_PENDING) {
		int err = handles_watch(&r->handles, h, EPOLLOUT);

		h->can_write = false;
		if (!err)
			return;
		res = err;
	}
	finish(r, &h->wr, res);
	after_write(r, h);
}

int64_t ring_op_listen(struct handle *h, uint32_t backlog)
{
	const int one = 1;

	/* Its connections inherit this; they must not hold the port. */
	setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listen(h->fd, backlog > SOMAXCONN ? SOMAXCONN : (int)backlog) < 0)
		return -errno;
	h->listening = true;
	h->can_read = true;
	return 0;
}

int64_t ring_op_shutdown(struct rings *r, struct handle *h, uint32_t how)
{
	if (how > SHUT_RDWR)
		return -EINVAL;
	if (how != SHUT_RD && h->wr.op != MF_OP_NOP) {
		h->shut_wr = true;
		how = how == SHUT_WR ? UINT32_MAX : SHUT_RD;
	}
	if (how != UINT32_MAX && shutdown(h->fd, (int)how) < 0)
		return -errno;
	if (how == SHUT_RD || how == SHUT_RDWR) {
		/* A pending read ends now, and without an edge. */
		h->can_read = true;
		h->saw_hangup = true;
		if (h->rd.op != MF_OP_NOP)
			ring_op_try_read(r, h);
	}
	return 0;
}

int64_t ring_op_setopt(struct handle *h, uint32_t opt, uint64_t value)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	int on = value != 0, err;

	switch ((enum mf_sockopt)opt) {
	case MF_SO_NODELAY:
		err = setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on,
				 sizeof(on));
		if (err < 0 && errno == EOPNOTSUPP)
			err = 0; /* a local socket never delays */
		break;
	case MF_SO_KEEPALIVE:
		err = setsockopt(h->fd, SOL_SOCKET, SO_KEEPALIVE, &on,
				 sizeof(on));
		break;
	case MF_SO_LINGER_RST:
		reset.l_onoff = on;
		err = setsockopt(h->fd, SOL_SOCKET, SO_LINGER, &reset,
				 sizeof(reset));
		break;
	default:
		return -ENOPROTOOPT;
	}
	return err < 0 ? -errno : 0;
}

void ring_op_close(struct rings *r, struct handle *h, uint64_t user_data)
{
	if (h->rd.op != MF_OP_NOP)
		finish(r, &h->rd, -ECANCELED);
	if (h->kind != HANDLE_STREAM && h->kind != HANDLE_FLOW) {
		/* The port stays bound, but nobody listens any more. */
		if (h->listening && !h->shared)
			shutdown(h->fd, SHUT_RD);
		leave_shared(r, h);
		h->listening = false;
		rings_complete(r, user_data, 0);
		return;
	}
	h->closing = true;
	h->close_user_data = user_data;
	if (h->wr.op == MF_OP_NOP)
		after_write(r, h);
}
