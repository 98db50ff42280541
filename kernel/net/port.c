/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports the host has published. A TCP port keeps one ACCEPT under way as long
 * as one of its listeners has room; listeners that share it take turns. If
 * other instances take connections of it too, it has one under way only while
 * the program waits, for it would keep connections from those that are idle.
 * A UDP port keeps one RECVFROM under way. What the monitor writes to lies in
 * the direct map, hence the allocations.
 */
#include <linux/in.h>

#include "core/alloc.h"
#include "core/time.h"
#include "dev/ring.h"
#include "net/inet.h"
#include "net/stream.h"

#define DATAGRAM_ORDER 4 /* 64 KiB, the largest datagram */
#define SENDS_MAX      64
#define RETRY_NS       10000000ull

struct port {
	uint32_t handle;
	bool published; /* there is a handle */
	bool shared; /* with other instances */
	uint16_t protocol, number;
	uint32_t backlog;
	struct list listeners;
	struct socket *udp;
	uint8_t *buf; /* of a RECVFROM, or an ACCEPT's first data */
	struct mf_endpoint *from;
	bool asked; /* an ACCEPT or RECVFROM is under way */
	unsigned sends; /* under way */
	struct ring_op op;
	struct ktimer retry; /* after a failed ACCEPT */
	int64_t said; /* the failure the log knows */
};

struct port_send {
	struct ring_op op;
	struct port *port;
	struct mf_endpoint to;
	uint8_t data[];
};

static struct port ports[MF_PORTS_MAX];
static uint32_t port_count;

struct port *port_find(uint16_t protocol, uint16_t number)
{
	for (uint32_t i = 0; i < port_count; i++)
		if (ports[i].protocol == protocol && ports[i].number == number)
			return &ports[i];
	return NULL;
}

static void retry_accept(struct ktimer *t);
static void accept_done(struct ring_op *op, int64_t res);
static void recvfrom_done(struct ring_op *op, int64_t res);

static struct port *port_new(uint16_t protocol, uint16_t number)
{
	struct port *p;

	if (port_count == MF_PORTS_MAX)
		return NULL;
	p = &ports[port_count++];
	p->protocol = protocol;
	p->number = number;
	p->op.done = protocol == IPPROTO_UDP ? recvfrom_done : accept_done;
	p->retry.fire = retry_accept;
	list_init(&p->listeners);
	return p;
}

struct port *port_for(uint16_t protocol, uint16_t number)
{
	struct port *p = port_find(protocol, number);

	if (!p && (kernel_boot->flags & MF_BOOT_SNAPSHOT))
		p = port_new(protocol, number);
	return p;
}

static void close_handle(uint32_t handle)
{
	struct mf_sqe sqe = { .op = MF_OP_CLOSE,
			      .flags = MF_SQE_QUIET,
			      .handle = handle };

	ring_submit(&sqe, NULL);
}

/* ---- TCP ---------------------------------------------------------------- */

/* A listener with room, put last so that the next one has its turn. */
static struct list *next_listener(struct port *p)
{
	struct list *pos;

	list_for_each(pos, &p->listeners) {
		if (!tcp_listener_has_room(pos))
			continue;
		list_del(pos);
		list_add_tail(&p->listeners, pos);
		return pos;
	}
	return NULL;
}

static bool wants_more(const struct port *p)
{
	struct list *pos;

	list_for_each(pos, &p->listeners)
		if (p->shared ? tcp_listener_waits(pos) :
				tcp_listener_has_room(pos))
			return true;
	return false;
}

void port_more(struct port *p)
{
	struct mf_sqe sqe = { .op = MF_OP_ACCEPT, .handle = p->handle };

	if (p->asked || !p->published || !wants_more(p))
		return;
	if (!p->buf)
		p->buf = page_alloc(0);
	if (!p->buf) {
		ktimer_start(&p->retry, time_deadline(RETRY_NS));
		return;
	}
	p->asked = true;
	sqe.addr = kva_gpa(p->buf);
	sqe.len = PAGE_SIZE;
	sqe.addr2 = kva_gpa(p->from);
	ring_submit(&sqe, &p->op);
}

/* A connection and its first data, which is in p->buf. */
static void accepted(struct port *p, uint32_t handle, uint32_t len)
{
	struct list *listener = next_listener(p);
	struct net_addr peer;
	struct hstream *hs;

	if (!listener) {
		close_handle(handle);
		return;
	}
	net_addr_from_endpoint(&peer, p->from);
	hs = hstream_new(handle, &peer, p->buf, len);
	p->buf = NULL;
	if (hs)
		tcp_accept_host(listener, hs);
}

/* The host has no descriptor left, or no memory: that may pass. */
static void accept_failed(struct port *p, int64_t res)
{
	if (p->said != res)
		klog("accepting a connection to port %u failed: error %d of "
		     "the host",
		     p->number, (int)-res);
	p->said = res;
	ktimer_start(&p->retry, time_deadline(RETRY_NS));
}

static void retry_accept(struct ktimer *t)
{
	port_more(container_of(t, struct port, retry));
}

static void accept_done(struct ring_op *op, int64_t res)
{
	struct port *p = container_of(op, struct port, op);

	p->asked = false;
	if (res >= 0)
		accepted(p, MF_ACCEPT_HANDLE(res),
			 (uint32_t)(res >> MF_ACCEPT_LEN_SHIFT));
	else if (res != -ECANCELED)
		accept_failed(p, res);
	if (res >= 0 || res == -ECANCELED)
		port_more(p);
}

/* For the port of a socket that listens; *ret_sqe is to be submitted. */
static void listen_sqe(const struct port *p, struct mf_sqe *ret_sqe)
{
	*ret_sqe = (struct mf_sqe){ .op = MF_OP_LISTEN,
				    .handle = p->handle,
				    .arg = p->backlog };
}

int port_listen(struct port *p, struct list *listener, int backlog)
{
	struct mf_sqe sqe;
	int64_t res;

	if (!p->from)
		p->from = kzalloc(sizeof(*p->from));
	if (!p->from)
		return -ENOMEM;
	p->backlog = (uint32_t)backlog;
	listen_sqe(p, &sqe);
	res = p->published ? ring_call(&sqe) : 0;
	if (res < 0)
		return (int)res;
	if (list_empty(listener))
		list_add_tail(&p->listeners, listener);
	ring_expect();
	port_more(p);
	return 0;
}

void port_unlisten(struct port *p, struct list *listener)
{
	list_del(listener);
	if (list_empty(&p->listeners) && p->published)
		close_handle(p->handle);
}

uint16_t port_listening(void)
{
	for (uint32_t i = 0; i < port_count; i++)
		if (!list_empty(&ports[i].listeners))
			return ports[i].number;
	return 0;
}

/* ---- UDP ---------------------------------------------------------------- */

static void udp_ask(struct port *p)
{
	struct mf_sqe sqe = { .op = MF_OP_RECVFROM, .handle = p->handle };

	if (p->asked || !p->udp || !p->published)
		return;
	p->asked = true;
	sqe.addr = kva_gpa(p->buf);
	sqe.len = PAGE_SIZE << DATAGRAM_ORDER;
	sqe.addr2 = kva_gpa(p->from);
	ring_submit(&sqe, &p->op);
}

static void recvfrom_done(struct ring_op *op, int64_t res)
{
	struct port *p = container_of(op, struct port, op);
	struct net_addr from;

	p->asked = false;
	if (res >= 0 && p->udp) {
		net_addr_from_endpoint(&from, p->from);
		udp_receive_host(p->udp, &from, p->buf, (uint32_t)res);
	}
	udp_ask(p);
}

void port_attach_udp(struct port *p, struct socket *s)
{
	if (!s) {
		p->udp = NULL;
		if (p->published)
			close_handle(p->handle);
		return;
	}
	if (!p->from)
		p->from = kzalloc(sizeof(*p->from));
	if (!p->buf)
		p->buf = page_alloc(DATAGRAM_ORDER);
	if (!p->from || !p->buf) {
		klog("no memory to receive datagrams on port %u", p->number);
		return;
	}
	p->udp = s;
	ring_expect();
	udp_ask(p);
}

bool port_sends(const struct port *p)
{
	return p->published;
}

static void send_done(struct ring_op *op, int64_t res)
{
	struct port_send *ps = container_of(op, struct port_send, op);
	struct port *p = ps->port;

	p->sends--;
	/* -EBUSY: the host was not ready; a datagram may be lost. */
	if (res < 0 && res != -EBUSY && p->udp)
		p->udp->error = (int)-res;
	if (p->udp)
		socket_wake(p->udp);
	kfree(ps);
}

long port_sendto(struct port *p, const struct net_addr *to,
		 struct iov_iter *from)
{
	struct mf_sqe sqe = { .op = MF_OP_SENDTO, .handle = p->handle };
	uint64_t len = from->left;
	struct port_send *ps;

	if (p->sends >= SENDS_MAX)
		return -EAGAIN;
	ps = kzalloc(sizeof(*ps) + len);
	if (!ps)
		return -ENOMEM;
	ps->op.done = send_done;
	ps->port = p;
	net_addr_to_endpoint(to, &ps->to);
	iov_copy_in(from, ps->data, len);
	p->sends++;
	if (p->sends < SENDS_MAX)
		sqe.flags = MF_SQE_QUIET;
	sqe.addr = kva_gpa(ps->data);
	sqe.len = (uint32_t)len;
	sqe.addr2 = kva_gpa(&ps->to);
	ring_submit(&sqe, &ps->op);
	return (long)len;
}

/* Those who listen already, in a copy of a snapshot, are heard from now on. */
static void publish(struct port *p, uint32_t handle, uint8_t flags)
{
	struct mf_sqe sqe;

	p->handle = handle;
	p->published = true;
	p->shared = flags & MF_PORT_SHARED;
	p->asked = false;
	if (!list_empty(&p->listeners)) {
		listen_sqe(p, &sqe);
		ring_submit(&sqe, NULL);
		port_more(p);
	}
	udp_ask(p);
}

void port_init(void)
{
	uint32_t count =
		(uint32_t)min_u64(kernel_boot->port_count, MF_PORTS_MAX);

	for (uint32_t i = 0; i < count; i++) {
		const struct mf_port *mp = &kernel_boot->ports[i];
		struct port *p = port_find(mp->proto, mp->guest_port);

		if (!p)
			p = port_new(mp->proto, mp->guest_port);
		if (p)
			publish(p, MF_HANDLE_PORT0 + i, mp->flags);
		else
			klog("too many ports: %u is not published",
			     mp->guest_port);
	}
}
