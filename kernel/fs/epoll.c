/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epoll. An item hangs a waiter on the wait queue of its file; a wake puts
 * the item on the ready list, and epoll_wait asks only items on that list.
 * An item that is level-triggered and still ready goes back to its end. No
 * item can vanish while the ready list is walked: nothing sleeps there.
 */
#include "fs/epoll.h"

#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "core/alloc.h"
#include "dev/ring.h"

#define NEST_MAX     4
#define PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EXCLUSIVE_OK                                                        \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | \
	 EPOLLEXCLUSIVE)

struct epoll {
	struct list items; /* struct epitem.ep_node */
	struct list ready; /* struct epitem.ready_node */
	struct waitq waitq;
};

struct epitem {
	struct waiter waiter; /* on the file's queue */
	struct list ep_node;
	struct list file_node; /* struct file.epoll_links */
	struct list ready_node;
	struct epoll *ep;
	struct file *file; /* borrowed: goes before the file does */
	int fd;
	uint32_t events;
	uint64_t data;
};

static uint32_t item_events(struct epitem *i)
{
	return i->file->ops->poll(i->file) & i->events & ~PRIVATE_BITS;
}

static void item_wake(struct waiter *w)
{
	struct epitem *i = container_of(w, struct epitem, waiter);

	if (!(i->events & ~PRIVATE_BITS))
		return;
	if (list_empty(&i->ready_node))
		list_add_tail(&i->ep->ready, &i->ready_node);
	waitq_wake_one(&i->ep->waitq);
}

static void item_free(struct epitem *i)
{
	waitq_remove(&i->waiter);
	list_del(&i->ep_node);
	list_del(&i->file_node);
	list_del(&i->ready_node);
	kfree(i);
}

static uint32_t epoll_poll(struct file *f)
{
	struct epoll *ep = f->priv;
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &ep->ready) {
		struct epitem *i = container_of(pos, struct epitem, ready_node);

		if (item_events(i))
			return EPOLLIN | EPOLLRDNORM;
		list_del(pos);
	}
	return 0;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;

	while (!list_empty(&ep->items))
		item_free(container_of(ep->items.next, struct epitem, ep_node));
	kfree(ep);
}

static int epoll_stat(struct file *f, struct stat *st)
{
	(void)f;
	file_stat_fill(st, 0600);
	return 0;
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.stat = epoll_stat,
	.release = epoll_release,
};

struct file *epoll_new(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep));
	struct file *f;

	if (!ep)
		return NULL;
	f = file_new(&epoll_ops, ep, O_RDWR);
	if (!f) {
		kfree(ep);
		return NULL;
	}
	list_init(&ep->items);
	list_init(&ep->ready);
	waitq_init(&ep->waitq);
	f->waitq = &ep->waitq;
	f->pos = -1;
	return f;
}

void epoll_forget_file(struct file *f)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &f->epoll_links)
		item_free(container_of(pos, struct epitem, file_node));
}

/* ---- epoll_ctl ---------------------------------------------------------- */

static struct epitem *find_item(struct epoll *ep, int fd, struct file *f)
{
	struct list *pos;

	list_for_each(pos, &f->epoll_links) {
		struct epitem *i = container_of(pos, struct epitem, file_node);

		if (i->ep == ep && i->fd == fd)
			return i;
	}
	return NULL;
}

/* Levels of epolls below f, or more than NEST_MAX; finds loops to `ep`. */
static int nesting(struct file *f, const struct epoll *ep, int depth)
{
	struct epoll *e = f->priv;
	struct list *pos;
	int deepest = depth;

	if (f->ops != &epoll_ops)
		return depth;
	if (e == ep || depth > NEST_MAX)
		return NEST_MAX + 1;
	list_for_each(pos, &e->items) {
		struct epitem *i = container_of(pos, struct epitem, ep_node);
		int d = nesting(i->file, ep, depth + 1);

		if (d > deepest)
			deepest = d;
	}
	return deepest;
}

static void item_set(struct epitem *i, const struct epoll_event *ev)
{
	i->events = ev->events | EPOLLERR | EPOLLHUP;
	i->data = ev->data;
	if (item_events(i))
		item_wake(&i->waiter);
}

static int item_add(struct epoll *ep, int fd, struct file *f,
		    const struct epoll_event *ev)
{
	struct epitem *i;

	if ((ev->events & EPOLLEXCLUSIVE) &&
	    ((ev->events & ~EXCLUSIVE_OK) || f->ops == &epoll_ops))
		return -EINVAL;
	if (nesting(f, ep, 0) > NEST_MAX)
		return -ELOOP;
	i = kzalloc(sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->waiter.wake = item_wake;
	i->ep = ep;
	i->file = f;
	i->fd = fd;
	list_init(&i->waiter.node);
	list_init(&i->ready_node);
	list_add_tail(&ep->items, &i->ep_node);
	list_add_tail(&f->epoll_links, &i->file_node);
	if (f->waitq)
		waitq_add(f->waitq, &i->waiter);
	item_set(i, ev);
	return 0;
}

int epoll_ctl_file(struct file *epf, int op, int fd, struct file *target,
		   const struct epoll_event *ev)
{
	struct epoll *ep = epf->priv;
	struct epitem *i;

	if (!target->ops->poll)
		return -EPERM;
	if (epf == target || epf->ops != &epoll_ops)
		return -EINVAL;
	i = find_item(ep, fd, target);
	switch (op) {
	case EPOLL_CTL_ADD:
		return i ? -EEXIST : item_add(ep, fd, target, ev);
	case EPOLL_CTL_DEL:
		if (!i)
			return -ENOENT;
		item_free(i);
		return 0;
	case EPOLL_CTL_MOD:
		if (!i)
			return -ENOENT;
		if ((i->events | ev->events) & EPOLLEXCLUSIVE)
			return -EINVAL;
		item_set(i, ev);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- epoll_wait --------------------------------------------------------- */

static int send_event(struct epitem *i, uint32_t events, uint64_t uevent)
{
	struct epoll_event ev = { .events = events, .data = i->data };

	return copy_to_user(uevent, &ev, sizeof(ev));
}

/* Hands out what is ready now; events or -EFAULT. */
static long send_ready(struct epoll *ep, uint64_t uevents, int max)
{
	struct list todo;
	long n = 0;
	int err = 0;

	if (list_empty(&ep->ready))
		return 0;
	/* What becomes ready meanwhile gathers in the emptied list. */
	list_insert(&todo, ep->ready.prev, &ep->ready);
	list_del(&ep->ready);
	while (n < max && !err && !list_empty(&todo)) {
		struct list *node = list_pop_head(&todo);
		struct epitem *i =
			container_of(node, struct epitem, ready_node);
		uint32_t events = item_events(i);

		if (!events)
			continue;
		err = send_event(i, events,
				 uevents + (uint64_t)n *
						   sizeof(struct epoll_event));
		if (err || !(i->events & (EPOLLONESHOT | EPOLLET))) {
			if (list_empty(&i->ready_node))
				list_add_tail(&ep->ready, &i->ready_node);
		} else if (i->events & EPOLLONESHOT) {
			i->events &= PRIVATE_BITS;
		}
		n += !err;
	}
	if (list_empty(&todo))
		return n ? n : err;
	/* Others may take what is left, in its old order. */
	while (!list_empty(&todo)) {
		struct list *node = todo.prev;

		list_del(node);
		list_add_head(&ep->ready, node);
	}
	waitq_wake_one(&ep->waitq);
	return n ? n : err;
}

long epoll_wait_file(struct file *epf, uint64_t uevents, int max,
		     uint64_t deadline_ns)
{
	struct epoll *ep = epf->priv;
	bool waited = false;
	long n;
	int err;

	if (epf->ops != &epoll_ops || max <= 0)
		return -EINVAL;
	if (!user_can_write(uevents,
			    (uint64_t)max * sizeof(struct epoll_event)))
		return -EFAULT;
	for (;;) {
		n = send_ready(ep, uevents, max);
		if (n)
			return n;
		if (deadline_ns == 0) {
			if (waited || !ring_spin())
				return 0;
			waited = true;
			continue;
		}
		err = waitq_sleep(&ep->waitq, deadline_ns);
		if (err) {
			n = send_ready(ep, uevents, max);
			if (n)
				return n;
			return err == -ETIMEDOUT ? 0 : err;
		}
	}
}
