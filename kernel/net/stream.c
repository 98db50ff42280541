/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte streams between sockets: the blocking, partial and ending that TCP
 * and unix streams share.
 */
#include "net/stream.h"

#include <linux/eventpoll.h>

#include "core/alloc.h"

void stream_init(struct stream *st, struct socket *s)
{
	*st = (struct stream){ .sock = s };
	bytebuf_init(&st->rx, STREAM_BUF_MAX);
	list_init(&st->marks);
}

void stream_pair(struct stream *a, struct stream *b)
{
	a->peer = b;
	b->peer = a;
	a->connected = true;
	b->connected = true;
}

void stream_attach_host(struct stream *st, struct hstream *hs)
{
	st->host = hs;
	st->connected = true;
	hstream_attach(hs, st);
}

static bool is_unix(const struct stream *st)
{
	return st->sock->family == AF_UNIX;
}

/* ---- sending ------------------------------------------------------------ */

/* The connection is over for this end, and its program is told why. */
static void reset(struct stream *st, int error)
{
	st->sock->error = error;
	st->rx_shut = true;
	st->tx_shut = true;
	st->peer = NULL;
	socket_wake(st->sock);
}

/*
 * The other end has closed: a unix socket knows at once; TCP learns it by
 * the answer to what it sends, so the first send seems to work.
 */
static long send_to_nobody(struct stream *st, struct iov_iter *from)
{
	long n = (long)from->left;

	if (is_unix(st) || st->sock->error)
		return -EPIPE;
	reset(st, EPIPE);
	from->left = 0;
	return n;
}

/*
 * TCP data for an end that has shut down both ways: it answers with a reset.
 */
static long send_to_deaf(struct stream *st, struct iov_iter *from)
{
	long n = (long)from->left;

	reset(st->peer, ECONNRESET);
	reset(st, EPIPE);
	from->left = 0;
	return n;
}

static long send_once(struct stream *st, struct iov_iter *from)
{
	long n;

	if (st->host)
		return hstream_send(st->host, from);
	if (!st->peer)
		return send_to_nobody(st, from);
	if (st->peer->rx_shut && st->peer->tx_shut)
		return send_to_deaf(st, from);
	n = bytebuf_put(&st->peer->rx, from, from->left);
	if (n > 0)
		socket_wake(st->peer->sock);
	if (from->left)
		st->wants_room = true;
	return n;
}

/* Hands files to the other end, in front of the next byte. */
static int send_files(struct stream *st, struct sock_msg *m)
{
	struct stream *peer = st->peer;
	struct scm_mark *mark;

	if (!m->files || !peer)
		return 0;
	mark = kzalloc(sizeof(*mark));
	if (!mark)
		return -ENOMEM;
	mark->at = peer->rx_first + peer->rx.len;
	mark->files = m->files;
	m->files = NULL;
	list_add_tail(&peer->marks, &mark->node);
	return 0;
}

long stream_send(struct stream *st, struct sock_msg *m)
{
	uint64_t deadline = socket_deadline(st->sock->opts.snd_timeout_ns);
	long done = 0, n;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	for (;;) {
		/* A unix socket's error is for its readers. */
		err = is_unix(st) ? 0 : socket_take_error(st->sock);
		if (err && err != -EPIPE)
			return done ? done : err;
		if (err || st->tx_shut)
			return done ? done : socket_broken_pipe(m->flags);
		if (!m->iter->left)
			return done;
		if (m->files && st->peer && bytebuf_space(&st->peer->rx)) {
			err = send_files(st, m);
			if (err)
				return err;
		}
		n = send_once(st, m->iter);
		if (n == -EPIPE)
			return done ? done : socket_broken_pipe(m->flags);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (!m->iter->left)
			return done;
		err = socket_wait(st->sock, m->flags, deadline);
		if (err)
			return done ? done : err;
	}
}

/* ---- receiving ---------------------------------------------------------- */

uint32_t stream_readable(const struct stream *st)
{
	return st->host ? hstream_readable(st->host) : st->rx.len;
}

static bool at_eof(const struct stream *st)
{
	if (st->rx_shut)
		return true;
	if (st->host)
		return hstream_at_eof(st->host);
	return st->rx_eof && !st->rx.len;
}

/* Takes the files that lie at the front; limits how far one may read. */
static uint64_t take_files(struct stream *st, struct sock_msg *m, uint64_t want)
{
	struct scm_mark *mark;

	if (list_empty(&st->marks))
		return want;
	mark = container_of(st->marks.next, struct scm_mark, node);
	if (mark->at > st->rx_first)
		return min_u64(want, mark->at - st->rx_first);
	if (m->flags & MSG_PEEK)
		return want;
	if (m->files)
		return 0;
	list_del(&mark->node);
	m->files = mark->files;
	kfree(mark);
	return take_files(st, m, want);
}

/* An edge-triggered epoll of the peer must see no edge but this. */
static void made_room(struct stream *st)
{
	struct stream *peer = st->peer;

	if (!peer || !peer->wants_room ||
	    bytebuf_space(&st->rx) < STREAM_BUF_MAX / 4)
		return;
	peer->wants_room = false;
	socket_wake(peer->sock);
}

static long recv_once(struct stream *st, struct sock_msg *m)
{
	bool peek = m->flags & MSG_PEEK;
	uint64_t len;
	long n;

	if (st->host)
		return hstream_recv(st->host, m->iter, peek);
	if (!st->rx.len)
		return 0;
	len = take_files(st, m, m->iter->left);
	n = bytebuf_peek(&st->rx, m->iter, 0, len);
	if (n <= 0 || peek)
		return n;
	bytebuf_drop(&st->rx, (uint32_t)n);
	st->rx_first += (uint64_t)n;
	made_room(st);
	if (!st->rx.len && st->rx.size > PAGE_SIZE)
		bytebuf_fini(&st->rx);
	return n;
}

static bool said_goodbye(const struct stream *st)
{
	if (is_unix(st))
		return false;
	return st->host ? hstream_said_goodbye(st->host) : st->rx_eof;
}

long stream_recv(struct stream *st, struct sock_msg *m)
{
	uint64_t deadline = socket_deadline(st->sock->opts.rcv_timeout_ns);
	bool all = (m->flags & MSG_WAITALL) && !(m->flags & MSG_PEEK);
	long done = 0, n;
	int err;

	if (m->flags & (MSG_OOB | MSG_ERRQUEUE))
		return m->flags & MSG_OOB ? -EINVAL : -EAGAIN;
	for (;;) {
		n = recv_once(st, m);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (!m->iter->left || (done && (!all || m->files)))
			return done;
		/* An end that was properly said comes before any error. */
		err = done || said_goodbye(st) ? 0 :
						 socket_take_error(st->sock);
		if (err)
			return err;
		if (at_eof(st))
			return done;
		err = socket_wait(st->sock, m->flags, deadline);
		if (err)
			return done ? done : err;
	}
}

/* ---- state -------------------------------------------------------------- */

static bool writable(struct stream *st)
{
	if (st->tx_shut)
		return true;
	if (st->host)
		return hstream_writable(st->host);
	if (!st->peer || bytebuf_space(&st->peer->rx) >= STREAM_BUF_MAX / 4)
		return true;
	st->wants_room = true;
	return false;
}

/* Nothing will follow what has arrived, read or not. */
static bool is_ending(const struct stream *st)
{
	if (st->rx_shut)
		return true;
	return st->host ? hstream_is_ending(st->host) : st->rx_eof;
}

uint32_t stream_poll(struct stream *st)
{
	bool eof = is_ending(st);
	uint32_t ev = 0;

	if (!st->connected)
		return EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
	if (stream_readable(st) || eof)
		ev |= EPOLLIN | EPOLLRDNORM;
	if (eof)
		ev |= EPOLLRDHUP;
	if (writable(st))
		ev |= EPOLLOUT | EPOLLWRNORM;
	if (eof && (st->tx_shut || (!st->peer && !st->host)))
		ev |= is_unix(st) || st->tx_shut ? EPOLLHUP : 0;
	return ev;
}

bool stream_is_over(const struct stream *st)
{
	if (!st->tx_shut)
		return false;
	if (st->host)
		return hstream_is_ending(st->host);
	return st->rx_eof || !st->peer;
}

void stream_shutdown(struct stream *st, int how)
{
	if (how != SHUT_WR) {
		st->rx_shut = true;
		if (st->host)
			hstream_shutdown_read(st->host);
		if (st->peer && is_unix(st)) {
			st->peer->tx_shut = true;
			socket_wake(st->peer->sock);
		}
	}
	if (how != SHUT_RD && !st->tx_shut) {
		st->tx_shut = true;
		if (st->host) {
			hstream_shutdown_write(st->host);
		} else if (st->peer) {
			st->peer->rx_eof = true;
			socket_wake(st->peer->sock);
		}
	}
	socket_wake(st->sock);
}

static void drop_marks(struct stream *st)
{
	struct list *n;

	while ((n = list_pop_head(&st->marks))) {
		struct scm_mark *mark = container_of(n, struct scm_mark, node);

		scm_free(mark->files);
		kfree(mark);
	}
}

void stream_close(struct stream *st)
{
	struct stream *peer = st->peer;

	if (st->host)
		hstream_close(st->host);
	if (peer) {
		bool was_over = !is_unix(st) && stream_is_over(peer);
		bool had_fin = !is_unix(st) && peer->rx_eof;

		bool unread = st->rx.len;

		peer->peer = NULL;
		if (is_unix(st) || !unread)
			peer->rx_eof = true;
		/* Data that nobody read: the other end learns of it. */
		if (unread && is_unix(st))
			peer->sock->error = ECONNRESET;
		else if (unread && !was_over)
			reset(peer, had_fin ? EPIPE : ECONNRESET);
		socket_wake(peer->sock);
	}
	st->peer = NULL;
	st->host = NULL;
	drop_marks(st);
	bytebuf_fini(&st->rx);
}
