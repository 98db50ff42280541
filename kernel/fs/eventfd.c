/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event counters, as eventfd(2). A counter saturates below UINT64_MAX;
 * readers wait for it to leave 0, writers for room.
 */
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "core/alloc.h"
#include "fs/anon.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	uint64_t count;
	bool semaphore;
	struct waitq waitq;
};

static long eventfd_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;

	(void)pos;
	if (to->left < sizeof(value))
		return -EINVAL;
	while (!e->count) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_sleep(&e->waitq, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	value = e->semaphore ? 1 : e->count;
	e->count -= value;
	waitq_wake_all(&e->waitq);
	iov_copy_out(to, &value, sizeof(value));
	return sizeof(value);
}

static long eventfd_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;

	(void)pos;
	if (from->left < sizeof(value))
		return -EINVAL;
	iov_copy_in(from, &value, sizeof(value));
	if (value == UINT64_MAX)
		return -EINVAL;
	while (value > COUNT_MAX - e->count) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_sleep(&e->waitq, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	e->count += value;
	waitq_wake_all(&e->waitq);
	return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f)
{
	const struct eventfd *e = f->priv;
	uint32_t ev = 0;

	if (e->count)
		ev |= EPOLLIN;
	if (e->count < COUNT_MAX)
		ev |= EPOLLOUT;
	return ev;
}

static int eventfd_stat(struct file *f, struct stat *st)
{
	(void)f;
	file_stat_fill(st, 0600);
	return 0;
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.stat = eventfd_stat,
	.release = eventfd_release,
};

struct file *eventfd_new(uint64_t initial, bool semaphore, uint32_t flags)
{
	struct eventfd *e = kzalloc(sizeof(*e));
	struct file *f;

	if (!e)
		return NULL;
	f = file_new(&eventfd_ops, e, O_RDWR | flags);
	if (!f) {
		kfree(e);
		return NULL;
	}
	e->count = initial;
	e->semaphore = semaphore;
	waitq_init(&e->waitq);
	f->waitq = &e->waitq;
	f->pos = -1;
	return f;
}
