/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance has watches, each on one vnode, and a queue of events. A watch
 * holds a reference of its vnode and is in two lists: the instance's and the
 * vnode's. An event equal to the last one queued is dropped, as on Linux.
 */
#include "fs/inotify.h"

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "core/alloc.h"

#define QUEUE_MAX   16384u
#define WATCHES_MAX 65536u
#define NAME_ALIGN  16u /* bytes of struct inotify_event */

struct event {
	struct list node;
	int wd;
	uint32_t mask;
	uint32_t cookie;
	uint32_t name_len; /* with its NULs, 0: no name */
	char name[];
};

struct inotify {
	struct waitq waitq;
	struct list events; /* struct event.node */
	uint32_t event_count;
	struct list watches; /* struct watch.node */
	int last_wd;
};

struct watch {
	struct list node;
	struct watch *next; /* of the same vnode */
	struct vnode *vn;
	struct inotify *in;
	int wd;
	uint32_t mask;
};

unsigned inotify_watch_count;

/* ---- the queue --------------------------------------------------------- */

static bool same_as_last(const struct inotify *in, const struct event *e)
{
	const struct event *last;

	if (list_empty(&in->events))
		return false;
	last = container_of(in->events.prev, struct event, node);
	return last->wd == e->wd && last->mask == e->mask &&
	       last->cookie == e->cookie && last->name_len == e->name_len &&
	       memcmp(last->name, e->name, e->name_len) == 0;
}

/* Without memory or room the program learns that it missed something. */
static void queue_event(struct inotify *in, const struct event *head,
			const struct dir_name *n)
{
	uint32_t len = n ? (uint32_t)ALIGN_UP(n->len + 1, NAME_ALIGN) : 0;
	struct event *e;

	if (in->event_count > QUEUE_MAX)
		return;
	e = kzalloc(sizeof(*e) + len);
	if (!e)
		return;
	*e = *head;
	e->name_len = len;
	if (n)
		memcpy(e->name, n->name, n->len);
	if (in->event_count == QUEUE_MAX) {
		e->wd = -1;
		e->mask = IN_Q_OVERFLOW;
		e->name_len = e->cookie = 0;
	}
	if (same_as_last(in, e)) {
		kfree(e);
		return;
	}
	list_add_tail(&in->events, &e->node);
	in->event_count++;
	waitq_wake_all(&in->waitq);
}

/* ---- watches ----------------------------------------------------------- */

static void watch_free(struct watch *w)
{
	struct watch **p = &w->vn->watches;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	list_del(&w->node);
	inotify_watch_count--;
	vnode_unref(w->vn);
	kfree(w);
}

static void watch_end(struct watch *w)
{
	struct event e = { .wd = w->wd, .mask = IN_IGNORED };

	queue_event(w->in, &e, NULL);
	watch_free(w);
}

static void deliver(const struct vnode *to, const struct event *what,
		    const struct dir_name *n)
{
	struct watch *next;

	for (struct watch *w = to->watches; w; w = next) {
		struct event e = *what;

		next = w->next;
		if (!(w->mask & e.mask & IN_ALL_EVENTS))
			continue;
		e.wd = w->wd;
		queue_event(w->in, &e, n);
		if (w->mask & IN_ONESHOT)
			watch_end(w);
	}
}

static uint32_t dir_flag(const struct vnode *vn)
{
	return vnode_is_dir(vn) ? IN_ISDIR : 0;
}

void inotify_vnode(struct vnode *vn, uint32_t mask)
{
	struct event e = { .mask = mask | dir_flag(vn) };
	const struct dentry *d = vn->link;

	if (d && !d->owned) {
		struct dir_name n = { d->dir, d->name, d->name_len };

		deliver(d->dir, &e, &n);
	}
	deliver(vn, &e, NULL);
}

void inotify_self(struct vnode *vn, uint32_t mask)
{
	struct event e = { .mask = mask };

	deliver(vn, &e, NULL);
}

void inotify_name(const struct dir_name *n, const struct vnode *vn,
		  uint32_t mask, uint32_t cookie)
{
	struct event e = { .mask = mask | dir_flag(vn), .cookie = cookie };

	deliver(n->dir, &e, n);
}

void inotify_gone(struct vnode *vn)
{
	inotify_self(vn, IN_DELETE_SELF);
	while (vn->watches)
		watch_end(vn->watches);
}

/* ---- the file ---------------------------------------------------------- */

static uint32_t event_size(const struct event *e)
{
	return (uint32_t)sizeof(struct inotify_event) + e->name_len;
}

static void put_event(struct iov_iter *to, const struct event *e)
{
	struct inotify_event head = {
		.wd = e->wd,
		.mask = e->mask,
		.cookie = e->cookie,
		.len = e->name_len,
	};

	iov_copy_out(to, &head, sizeof(head));
	iov_copy_out(to, e->name, e->name_len);
}

static struct event *first_event(const struct inotify *in)
{
	if (list_empty(&in->events))
		return NULL;
	return container_of(in->events.next, struct event, node);
}

static void drop_first(struct inotify *in)
{
	struct event *e = first_event(in);

	list_del(&e->node);
	in->event_count--;
	kfree(e);
}

static long in_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct inotify *in = f->priv;
	struct event *e;
	long done = 0;

	(void)pos;
	while (!(e = first_event(in))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_sleep(&in->waitq, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	for (; e && event_size(e) <= to->left; e = first_event(in)) {
		done += event_size(e);
		put_event(to, e);
		drop_first(in);
	}
	return done ? done : -EINVAL;
}

/* Seeking is allowed and does nothing, as on Linux. */
static int64_t in_seek(struct file *f, int64_t off, int whence)
{
	(void)off;
	(void)whence;
	return f->pos;
}

static uint32_t in_poll(struct file *f)
{
	return first_event(f->priv) ? EPOLLIN : 0;
}

static long in_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	const struct inotify *in = f->priv;
	int32_t size = 0;
	struct list *p;

	if (cmd != FIONREAD)
		return -ENOTTY;
	list_for_each(p, &in->events)
		size += (int32_t)event_size(
			container_of(p, struct event, node));
	return copy_to_user(arg, &size, sizeof(size));
}

static int in_stat(struct file *f, struct stat *st)
{
	(void)f;
	file_stat_fill(st, 0600);
	return 0;
}

static void in_release(struct file *f)
{
	struct inotify *in = f->priv;

	while (!list_empty(&in->watches))
		watch_free(container_of(in->watches.next, struct watch, node));
	while (first_event(in))
		drop_first(in);
	kfree(in);
}

static const struct file_ops inotify_ops = {
	.read = in_read,
	.seek = in_seek,
	.poll = in_poll,
	.ioctl = in_ioctl,
	.stat = in_stat,
	.release = in_release,
};

bool file_is_inotify(const struct file *f)
{
	return f->ops == &inotify_ops;
}

struct file *inotify_new(uint32_t flags)
{
	struct inotify *in = kzalloc(sizeof(*in));
	struct file *f;

	if (!in)
		return NULL;
	waitq_init(&in->waitq);
	list_init(&in->events);
	list_init(&in->watches);
	f = file_new(&inotify_ops, in, flags | O_RDONLY);
	if (!f) {
		kfree(in);
		return NULL;
	}
	f->waitq = &in->waitq;
	return f;
}

static long watch_new(struct inotify *in, struct vnode *vn, uint32_t mask)
{
	struct watch *w;

	if (inotify_watch_count >= WATCHES_MAX)
		return -ENOSPC;
	w = kzalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->in = in;
	w->vn = vnode_ref(vn);
	w->wd = ++in->last_wd;
	w->mask = mask;
	w->next = vn->watches;
	vn->watches = w;
	list_add_tail(&in->watches, &w->node);
	inotify_watch_count++;
	return w->wd;
}

long inotify_add(struct file *f, struct vnode *vn, uint32_t mask)
{
	struct inotify *in = f->priv;
	struct watch *w = vn->watches;
	uint32_t kept = mask & (IN_ALL_EVENTS | IN_ONESHOT);

	while (w && w->in != in)
		w = w->next;
	if (!w)
		return watch_new(in, vn, kept);
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	w->mask = mask & IN_MASK_ADD ? w->mask | kept : kept;
	return w->wd;
}

int inotify_remove(struct file *f, int wd)
{
	struct inotify *in = f->priv;
	struct list *p;

	list_for_each(p, &in->watches) {
		struct watch *w = container_of(p, struct watch, node);

		if (w->wd == wd) {
			watch_end(w);
			return 0;
		}
	}
	return -EINVAL;
}
