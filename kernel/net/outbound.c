/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the outside, which the monitor makes for us where they are
 * allowed. A TCP connection is asked for and comes when it comes. Datagrams
 * to one peer are a flow of their own; the host answers at once whether it
 * is allowed, so that the first datagram can fail as the routing of Linux
 * would. A flow keeps one RECV under way.
 */
#include <linux/in.h>

#include "core/alloc.h"
#include "dev/ring.h"
#include "net/inet.h"

#define DATAGRAM_ORDER 4 /* 64 KiB, the largest datagram */
#define SENDS_MAX      64
#define FLOWS_MAX      32 /* of one socket: the one used least makes room */
#define SPARE_MAX      4 /* buffers kept: a resolver uses one a question */

/* ---- TCP ---------------------------------------------------------------- */

struct outbound {
	struct ring_op op;
	struct socket *s; /* NULL: cancelled */
	outbound_fn done;
	uint64_t number;
	struct mf_endpoint end; /* the monitor reads and writes it */
};

static uint64_t next_number;

static void close_handle(int64_t handle)
{
	struct mf_sqe sqe = { .op = MF_OP_CLOSE,
			      .flags = MF_SQE_QUIET,
			      .handle = (uint32_t)handle };

	ring_submit(&sqe, NULL);
}

static void outbound_done(struct ring_op *op, int64_t res)
{
	struct outbound *o = container_of(op, struct outbound, op);

	if (o->s)
		o->done(o->s, res, o->end.port);
	else if (res >= 0)
		close_handle(res);
	kfree(o);
}

struct outbound *outbound_connect(struct socket *s, const struct net_addr *to,
				  outbound_fn done)
{
	struct outbound *o = kzalloc(sizeof(*o));
	struct mf_sqe sqe = { .op = MF_OP_CONNECT, .arg = IPPROTO_TCP };

	if (!o)
		return NULL;
	o->op.done = outbound_done;
	o->s = s;
	o->done = done;
	o->number = next_number++;
	net_addr_to_endpoint(to, &o->end);
	sqe.offset = o->number;
	sqe.addr2 = kva_gpa(&o->end);
	ring_submit(&sqe, &o->op);
	return o;
}

void outbound_cancel(struct outbound *o)
{
	struct mf_sqe sqe = { .op = MF_OP_CANCEL,
			      .flags = MF_SQE_QUIET,
			      .offset = o->number };

	o->s = NULL;
	ring_submit(&sqe, NULL);
}

/* ---- UDP ---------------------------------------------------------------- */

struct flow_send {
	struct ring_op op;
	struct udp_flow *flow;
	uint8_t data[];
};

/* What the monitor knows; outlives the socket. */
struct flow_io {
	struct udp_flow f;
	struct ring_op recv_op, close_op;
	uint32_t handle;
	unsigned sends; /* under way */
	bool dead; /* nothing comes any more */
	uint8_t *buf;
};

static uint8_t *spare[SPARE_MAX];
static unsigned spare_count;

static uint8_t *buffer_take(void)
{
	return spare_count ? spare[--spare_count] : page_alloc(DATAGRAM_ORDER);
}

static void buffer_give(uint8_t *buf)
{
	if (spare_count < SPARE_MAX)
		spare[spare_count++] = buf;
	else
		page_free(buf, DATAGRAM_ORDER);
}

static void flow_ask(struct flow_io *io)
{
	struct mf_sqe sqe = { .op = MF_OP_RECV,
			      .handle = io->handle,
			      .addr = kva_gpa(io->buf),
			      .len = PAGE_SIZE << DATAGRAM_ORDER };

	ring_submit(&sqe, &io->recv_op);
}

/* An ICMP message came back, or the host has no way there. */
static void flow_error(struct flow_io *io, int error)
{
	if (io->f.s)
		udp_error_host(io->f.s, error);
}

static void flow_received(struct ring_op *op, int64_t res)
{
	struct flow_io *io = container_of(op, struct flow_io, recv_op);

	if (!io->f.s || res == -ECANCELED)
		return;
	if (res >= 0)
		udp_receive_host(io->f.s, &io->f.peer, io->buf, (uint32_t)res);
	else if (res == -ECONNRESET)
		io->dead = true;
	else
		flow_error(io, (int)-res);
	if (!io->dead)
		flow_ask(io);
}

/* The last thing the monitor says about a flow. */
static void flow_closed(struct ring_op *op, int64_t res)
{
	struct flow_io *io = container_of(op, struct flow_io, close_op);

	(void)res;
	buffer_give(io->buf);
	kfree(io);
}

static void flow_close(struct udp_flow *f)
{
	struct flow_io *io = f->io;
	struct mf_sqe sqe = { .op = MF_OP_CLOSE,
			      .flags = MF_SQE_QUIET,
			      .handle = io->handle };

	list_del(&f->node);
	f->s = NULL;
	ring_submit(&sqe, &io->close_op);
}

void udp_flows_close(struct list *flows)
{
	while (!list_empty(flows))
		flow_close(container_of(flows->next, struct udp_flow, node));
}

/* Asks the monitor and waits for its answer: a handle or -errno. */
static int64_t flow_connect(const struct net_addr *to)
{
	struct mf_endpoint *end = kzalloc(sizeof(*end));
	struct mf_sqe sqe = { .op = MF_OP_CONNECT, .arg = IPPROTO_UDP };
	int64_t res;

	if (!end)
		return -ENOMEM;
	net_addr_to_endpoint(to, end);
	sqe.offset = next_number++;
	sqe.addr2 = kva_gpa(end);
	res = ring_call(&sqe);
	kfree(end);
	return res;
}

static int flow_new(struct list *flows, struct socket *s,
		    const struct net_addr *to, struct udp_flow **ret)
{
	struct flow_io *io = kzalloc(sizeof(*io));
	int64_t handle = -ENOMEM;

	if (io)
		io->buf = buffer_take();
	if (io && io->buf)
		handle = flow_connect(to);
	if (handle < 0) {
		if (io && io->buf)
			buffer_give(io->buf);
		kfree(io);
		return (int)handle;
	}
	io->handle = (uint32_t)handle;
	io->recv_op.done = flow_received;
	io->close_op.done = flow_closed;
	io->f.s = s;
	io->f.peer = *to;
	io->f.io = io;
	list_add_head(flows, &io->f.node);
	flow_ask(io);
	*ret = &io->f;
	return 0;
}

int udp_flow_get(struct list *flows, struct socket *s,
		 const struct net_addr *to, struct udp_flow **ret)
{
	unsigned count = 0;
	struct list *pos;

	list_for_each(pos, flows) {
		struct udp_flow *f = container_of(pos, struct udp_flow, node);

		count++;
		if (!net_addr_equal(&f->peer, to))
			continue;
		if (f->io->dead) {
			flow_close(f);
			return flow_new(flows, s, to, ret);
		}
		list_del(&f->node);
		list_add_head(flows, &f->node);
		*ret = f;
		return 0;
	}
	if (count >= FLOWS_MAX)
		flow_close(container_of(flows->prev, struct udp_flow, node));
	return flow_new(flows, s, to, ret);
}

static void flow_sent(struct ring_op *op, int64_t res)
{
	struct flow_send *fs = container_of(op, struct flow_send, op);
	struct flow_io *io = fs->flow->io;

	io->sends--;
	/* -EBUSY: the host was not ready; a datagram may be lost. */
	if (res < 0 && res != -EBUSY)
		flow_error(io, (int)-res);
	else if (io->f.s && io->sends == SENDS_MAX - 1)
		socket_wake(io->f.s);
	kfree(fs);
}

long udp_flow_send(struct udp_flow *f, struct iov_iter *from)
{
	struct flow_io *io = f->io;
	struct mf_sqe sqe = { .op = MF_OP_SEND, .handle = io->handle };
	uint64_t len = from->left;
	struct flow_send *fs;

	if (io->sends >= SENDS_MAX)
		return -EAGAIN;
	fs = kzalloc(sizeof(*fs) + len);
	if (!fs)
		return -ENOBUFS;
	fs->op.done = flow_sent;
	fs->flow = f;
	iov_copy_in(from, fs->data, len);
	io->sends++;
	if (io->sends < SENDS_MAX)
		sqe.flags = MF_SQE_QUIET;
	sqe.addr = kva_gpa(fs->data);
	sqe.len = (uint32_t)len;
	ring_submit(&sqe, &fs->op);
	return (long)len;
}
