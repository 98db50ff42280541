/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of datagrams, bounded by the receiver's buffer size: what does
 * not fit is dropped, as on a network.
 */
#include "net/dgram.h"

#include "core/alloc.h"

void dgram_queue_init(struct dgram_queue *q)
{
	*q = (struct dgram_queue){ .bytes = 0 };
	list_init(&q->list);
}

void dgram_queue_clear(struct dgram_queue *q)
{
	struct list *n;

	while ((n = list_pop_head(&q->list)))
		dgram_free(container_of(n, struct dgram, node));
	q->bytes = 0;
}

struct dgram *dgram_new(uint32_t len)
{
	struct dgram *d = kzalloc(sizeof(*d) + len);

	if (d)
		d->len = len;
	return d;
}

void dgram_free(struct dgram *d)
{
	scm_free(d->files);
	kfree(d);
}

static uint32_t cost(const struct dgram *d)
{
	return d->len + (uint32_t)sizeof(*d);
}

bool dgram_has_room(const struct dgram_queue *q, uint32_t limit)
{
	return q->bytes < limit;
}

void dgram_put(struct dgram_queue *q, struct dgram *d)
{
	q->bytes += cost(d);
	list_add_tail(&q->list, &d->node);
}

uint32_t dgram_readable(const struct dgram_queue *q)
{
	if (list_empty(&q->list))
		return 0;
	return container_of(q->list.next, struct dgram, node)->len;
}

/* Gives d to the program; frees it unless it only looks. */
static long deliver(struct dgram_queue *q, struct dgram *d, struct sock_msg *m)
{
	size_t n = iov_copy_out(m->iter, d->data, d->len);
	uint32_t len = d->len;

	if (m->name)
		*m->name = d->from;
	if (n < len)
		m->ret_flags |= MSG_TRUNC;
	if (!(m->flags & MSG_PEEK)) {
		m->files = d->files;
		d->files = NULL;
		q->bytes -= cost(d);
		list_del(&d->node);
		dgram_free(d);
	}
	return m->flags & MSG_TRUNC ? (long)len : (long)n;
}

long dgram_recv(struct socket *s, struct dgram_queue *q, struct sock_msg *m)
{
	uint64_t deadline = socket_deadline(s->opts.rcv_timeout_ns);
	int err;

	if (m->flags & (MSG_OOB | MSG_ERRQUEUE))
		return m->flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
	while (list_empty(&q->list)) {
		err = socket_take_error(s);
		if (err)
			return err;
		if (q->eof) {
			if (m->name)
				m->name->len = 0;
			return 0;
		}
		err = socket_wait(s, m->flags, deadline);
		if (err)
			return err;
	}
	return deliver(q, container_of(q->list.next, struct dgram, node), m);
}
