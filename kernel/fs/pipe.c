/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes. A write of at most PIPE_BUF bytes is never split. Each end has a
 * wait queue of its own: an edge-triggered epoll must not take the reading
 * of data for its arrival.
 */
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "core/alloc.h"
#include "fs/anon.h"
#include "fs/bytebuf.h"

#define PIPE_SIZE     (64u << 10)
#define PIPE_SIZE_MAX (1u << 20)
#define SIGPIPE	      13

struct pipe {
	struct bytebuf bytes;
	struct waitq readers, writers;
	bool has_reader, has_writer;
};

static long pipe_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct pipe *p = f->priv;
	long n;

	(void)pos;
	if (!to->left)
		return 0;
	/* While a splice hands on what is in front, it is not for us. */
	while (!p->bytes.len || p->bytes.pinned) {
		if (!p->has_writer && !p->bytes.pinned)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_sleep(&p->readers, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	n = bytebuf_get(&p->bytes, to, to->left);
	waitq_wake_all(&p->writers);
	return n;
}

static long pipe_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct pipe *p = f->priv;
	uint64_t whole = from->left <= PIPE_BUF ? from->left : 1;
	long done = 0, n;

	(void)pos;
	while (from->left) {
		if (!p->has_reader) {
			signal_send_process(SIGPIPE);
			return done ? done : -EPIPE;
		}
		if (bytebuf_space(&p->bytes) >= whole) {
			n = bytebuf_put(&p->bytes, from, from->left);
			if (n < 0)
				return done ? done : n;
			done += n;
			whole = 1;
			waitq_wake_all(&p->readers);
			continue;
		}
		if (f->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		if (waitq_sleep(&p->writers, DEADLINE_NEVER) == -EINTR)
			return done ? done : -ERESTARTSYS;
	}
	return done;
}

static uint32_t pipe_poll_read(struct file *f)
{
	const struct pipe *p = f->priv;
	uint32_t ev = 0;

	if (p->bytes.len)
		ev |= EPOLLIN | EPOLLRDNORM;
	if (!p->has_writer)
		ev |= EPOLLHUP;
	return ev;
}

static uint32_t pipe_poll_write(struct file *f)
{
	const struct pipe *p = f->priv;
	uint32_t ev = 0;

	if (bytebuf_space(&p->bytes) >= PIPE_BUF)
		ev |= EPOLLOUT | EPOLLWRNORM;
	if (!p->has_reader)
		ev |= EPOLLERR;
	return ev;
}

static long pipe_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	const struct pipe *p = f->priv;
	int len = (int)p->bytes.len;

	if (cmd != FIONREAD)
		return -ENOTTY;
	return copy_to_user(arg, &len, sizeof(len));
}

static int pipe_stat(struct file *f, struct stat *st)
{
	file_stat_fill(st, S_IFIFO | 0600);
	st->st_ino = (uint64_t)(uintptr_t)f->priv >> 4;
	return 0;
}

static void pipe_closed(struct pipe *p)
{
	waitq_wake_all(&p->readers);
	waitq_wake_all(&p->writers);
	if (p->has_reader || p->has_writer)
		return;
	bytebuf_fini(&p->bytes);
	kfree(p);
}

static void pipe_release_read(struct file *f)
{
	struct pipe *p = f->priv;

	p->has_reader = false;
	pipe_closed(p);
}

static void pipe_release_write(struct file *f)
{
	struct pipe *p = f->priv;

	p->has_writer = false;
	pipe_closed(p);
}

static const struct file_ops pipe_read_ops = {
	.read = pipe_read,
	.poll = pipe_poll_read,
	.ioctl = pipe_ioctl,
	.stat = pipe_stat,
	.release = pipe_release_read,
};

static const struct file_ops pipe_write_ops = {
	.write = pipe_write,
	.poll = pipe_poll_write,
	.ioctl = pipe_ioctl,
	.stat = pipe_stat,
	.release = pipe_release_write,
};

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_read_ops || f->ops == &pipe_write_ops;
}

struct bytebuf *pipe_bytes(struct file *f)
{
	struct pipe *p = f->priv;

	return &p->bytes;
}

void pipe_changed(struct file *f)
{
	struct pipe *p = f->priv;

	waitq_wake_all(&p->readers);
	waitq_wake_all(&p->writers);
}

long pipe_capacity(const struct file *f)
{
	const struct pipe *p = f->priv;

	return p->bytes.max;
}

long pipe_set_capacity(struct file *f, uint64_t size)
{
	struct pipe *p = f->priv;
	uint32_t max = (uint32_t)PAGE_SIZE;

	if (size > PIPE_SIZE_MAX)
		return -EPERM;
	while (max < size)
		max *= 2;
	if (max < p->bytes.size)
		max = p->bytes.size;
	if (max < p->bytes.len)
		return -EBUSY;
	p->bytes.max = max;
	return max;
}

int pipe_new(uint32_t flags, struct file **ret_read, struct file **ret_write)
{
	struct pipe *p = kzalloc(sizeof(*p));
	struct file *r, *w;

	if (!p)
		return -ENOMEM;
	r = file_new(&pipe_read_ops, p, O_RDONLY | flags);
	w = file_new(&pipe_write_ops, p, O_WRONLY | flags);
	if (!r || !w)
		goto out_free;
	bytebuf_init(&p->bytes, PIPE_SIZE);
	waitq_init(&p->readers);
	waitq_init(&p->writers);
	p->has_reader = true;
	p->has_writer = true;
	r->waitq = &p->readers;
	w->waitq = &p->writers;
	r->pos = -1;
	w->pos = -1;
	*ret_read = r;
	*ret_write = w;
	return 0;

out_free:
	kfree(r);
	kfree(w);
	kfree(p);
	return -ENOMEM;
}
