/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of the host. Receiving is ahead of the program: whenever the
 * buffer is empty a RECV is under way, so that data is there when the program
 * asks. Sending is behind it: bytes gather in `tx` and leave in one SEND when
 * the vCPU leaves the guest; an error shows in the next call, as it does with
 * the buffers of any TCP. An hstream outlives its socket until all is sent.
 */
#include <linux/eventpoll.h>

#include "core/alloc.h"
#include "core/time.h"
#include "dev/ring.h"
#include "fs/console.h"
#include "net/stream.h"

#define RX_ORDER_MAX	  4
#define DRAIN_PATIENCE_NS (2 * NS_PER_SEC)

struct hstream {
	struct list node; /* in `all` */
	struct stream *st; /* NULL: not yet accepted, or closed */
	uint32_t handle;
	struct net_addr peer;

	uint8_t *rx;
	unsigned rx_order; /* grows when a RECV fills it */
	uint32_t rx_head, rx_len;
	bool rx_asked, rx_eof, rx_failed;
	int error; /* positive, on its way to a socket */

	struct bytebuf tx;
	uint32_t tx_in_flight;
	bool tx_wanted; /* somebody waits for room */
	bool tx_broken;
	bool shut_wr, shut_wr_sent, closing, close_sent;

	struct ring_op recv_op, send_op, close_op;
	struct ring_deferred later;
};

static struct list all = LIST_INIT(all);

static void hstream_wake(struct hstream *hs)
{
	if (hs->st)
		socket_wake(hs->st->sock);
}

static void hstream_fail(struct hstream *hs, int error)
{
	hs->tx_broken = true;
	hs->rx_failed = !hs->rx_eof;
	hs->rx_eof = true;
	hs->error = error;
	if (hs->st)
		hstream_attach(hs, hs->st);
}

/* ---- receiving ---------------------------------------------------------- */

static void ask(struct hstream *hs)
{
	struct mf_sqe sqe = { .op = MF_OP_RECV, .handle = hs->handle };

	if (hs->rx_asked || hs->rx_len || hs->rx_eof || hs->closing)
		return;
	if (!hs->rx) {
		hs->rx = page_alloc(hs->rx_order);
		if (!hs->rx) {
			hstream_fail(hs, ENOMEM);
			return;
		}
	}
	hs->rx_asked = true;
	sqe.addr = kva_gpa(hs->rx);
	sqe.len = (uint32_t)(PAGE_SIZE << hs->rx_order);
	ring_submit(&sqe, &hs->recv_op);
}

static void recv_done(struct ring_op *op, int64_t res)
{
	struct hstream *hs = container_of(op, struct hstream, recv_op);

	hs->rx_asked = false;
	hs->rx_head = 0;
	if (res > 0)
		hs->rx_len = (uint32_t)res;
	else if (res == 0)
		hs->rx_eof = true;
	else if (res != -ECANCELED)
		hstream_fail(hs, (int)-res);
	hstream_wake(hs);
}

/* The buffer is empty: a larger one if it was full, then the next RECV. */
static void rx_emptied(struct hstream *hs)
{
	bool was_full = hs->rx_head == PAGE_SIZE << hs->rx_order;

	if (was_full && hs->rx_order < RX_ORDER_MAX) {
		page_free(hs->rx, hs->rx_order);
		hs->rx = NULL;
		hs->rx_order += 2;
	}
	ask(hs);
}

long hstream_recv(struct hstream *hs, struct iov_iter *to, bool peek)
{
	uint32_t n =
		(uint32_t)iov_copy_out(to, hs->rx + hs->rx_head, hs->rx_len);

	if (peek || !n)
		return n;
	hs->rx_head += n;
	hs->rx_len -= n;
	if (!hs->rx_len)
		rx_emptied(hs);
	return n;
}

uint32_t hstream_readable(const struct hstream *hs)
{
	return hs->rx_len;
}

/* ---- sending ------------------------------------------------------------ */

static void submit_send(struct hstream *hs)
{
	struct mf_sqe sqe = { .op = MF_OP_SEND, .handle = hs->handle };
	uint8_t *data = bytebuf_front(&hs->tx, &hs->tx_in_flight);

	hs->tx.pinned = true;
	sqe.addr = kva_gpa(data);
	sqe.len = hs->tx_in_flight;
	if (!hs->tx_wanted && hs->tx_in_flight == hs->tx.len)
		sqe.flags = MF_SQE_QUIET;
	ring_submit(&sqe, &hs->send_op);
}

/* The monitor finishes a pending send before either of these. */
static void submit_end(struct hstream *hs)
{
	struct mf_sqe sqe = { .flags = MF_SQE_QUIET, .handle = hs->handle };

	if (hs->shut_wr && !hs->shut_wr_sent && !hs->closing) {
		hs->shut_wr_sent = true;
		sqe.op = MF_OP_SHUTDOWN;
		sqe.arg = SHUT_WR;
		ring_submit(&sqe, NULL);
	}
	if (hs->closing && !hs->close_sent) {
		hs->close_sent = true;
		sqe.op = MF_OP_CLOSE;
		ring_submit(&sqe, &hs->close_op);
	}
}

static void hstream_prepare(struct ring_deferred *d)
{
	struct hstream *hs = container_of(d, struct hstream, later);

	if (hs->tx.len && !hs->tx_in_flight)
		submit_send(hs);
	if (hs->tx.len == hs->tx_in_flight)
		submit_end(hs);
}

static void send_done(struct ring_op *op, int64_t res)
{
	struct hstream *hs = container_of(op, struct hstream, send_op);

	hs->tx.pinned = false;
	bytebuf_drop(&hs->tx, res < 0 ? hs->tx.len : hs->tx_in_flight);
	hs->tx_in_flight = 0;
	if (res < 0)
		hstream_fail(hs, (int)-res);
	if (!hs->tx.len)
		bytebuf_fini(&hs->tx);
	if (hs->tx.len || hs->shut_wr || hs->closing)
		ring_defer(&hs->later);
	if (hs->tx_wanted || res < 0) {
		hs->tx_wanted = false;
		hstream_wake(hs);
	}
}

long hstream_send(struct hstream *hs, struct iov_iter *from)
{
	long n;

	if (hs->tx_broken)
		return -EPIPE;
	console_precede();
	n = bytebuf_put(&hs->tx, from, from->left);
	if (n > 0)
		ring_defer(&hs->later);
	if (from->left)
		hs->tx_wanted = true;
	return n;
}

bool hstream_writable(struct hstream *hs)
{
	if (hs->tx_broken || bytebuf_space(&hs->tx) >= hs->tx.max / 4)
		return true;
	hs->tx_wanted = true;
	return false;
}

void hstream_shutdown_write(struct hstream *hs)
{
	hs->shut_wr = true;
	ring_defer(&hs->later);
}

void hstream_shutdown_read(struct hstream *hs)
{
	struct mf_sqe sqe = { .op = MF_OP_SHUTDOWN,
			      .flags = MF_SQE_QUIET,
			      .handle = hs->handle,
			      .arg = SHUT_RD };

	ring_submit(&sqe, NULL);
}

void hstream_setopt(struct hstream *hs, uint32_t opt, uint64_t value)
{
	struct mf_sqe sqe = { .op = MF_OP_SETOPT,
			      .flags = MF_SQE_QUIET,
			      .handle = hs->handle,
			      .arg = opt,
			      .offset = value };

	ring_submit(&sqe, NULL);
}

/* ---- life --------------------------------------------------------------- */

static void close_done(struct ring_op *op, int64_t res)
{
	struct hstream *hs = container_of(op, struct hstream, close_op);

	(void)res;
	ring_undefer(&hs->later);
	list_del(&hs->node);
	bytebuf_fini(&hs->tx);
	if (hs->rx)
		page_free(hs->rx, hs->rx_order);
	kfree(hs);
}

struct hstream *hstream_new(uint32_t handle, const struct net_addr *peer,
			    uint8_t *page, uint32_t len)
{
	struct mf_sqe close = { .op = MF_OP_CLOSE,
				.flags = MF_SQE_QUIET,
				.handle = handle };
	struct hstream *hs = kzalloc(sizeof(*hs));

	if (!hs) {
		ring_submit(&close, NULL);
		if (page)
			page_free(page, 0);
		return NULL;
	}
	hs->handle = handle;
	hs->peer = *peer;
	hs->rx = page;
	hs->rx_len = len;
	hs->recv_op.done = recv_done;
	hs->send_op.done = send_done;
	hs->close_op.done = close_done;
	hs->later.prepare = hstream_prepare;
	bytebuf_init(&hs->tx, STREAM_BUF_MAX);
	list_add_tail(&all, &hs->node);
	ask(hs);
	return hs;
}

const struct net_addr *hstream_peer(const struct hstream *hs)
{
	return &hs->peer;
}

void hstream_attach(struct hstream *hs, struct stream *st)
{
	hs->st = st;
	if (!hs->error)
		return;
	st->sock->error = hs->error;
	st->tx_shut = true;
	hs->error = 0;
}

bool hstream_at_eof(const struct hstream *hs)
{
	return hs->rx_eof && !hs->rx_len;
}

bool hstream_said_goodbye(const struct hstream *hs)
{
	return hstream_at_eof(hs) && !hs->rx_failed;
}

bool hstream_is_ending(const struct hstream *hs)
{
	return hs->rx_eof;
}

void hstream_close(struct hstream *hs)
{
	hs->st = NULL;
	hs->closing = true;
	ring_defer(&hs->later);
}

/* Bytes not yet taken by the host; makes their completions be noticed. */
static uint64_t unsent_bytes(void)
{
	uint64_t n = 0;
	struct list *pos;

	list_for_each(pos, &all) {
		struct hstream *hs = container_of(pos, struct hstream, node);

		hs->tx_wanted = true;
		n += hs->tx.len;
	}
	return n;
}

void net_drain(void)
{
	uint64_t left = unsent_bytes(), before, deadline;

	while (left) {
		deadline = time_deadline(DRAIN_PATIENCE_NS);
		do {
			ring_wait(deadline);
			ring_reap();
			before = left;
			left = unsent_bytes();
		} while (left && left == before && time_mono_ns() < deadline);
		if (left == before)
			return;
	}
}
