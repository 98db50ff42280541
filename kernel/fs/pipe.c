/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes, and FIFOs, which are pipes with a name: as long as one is open, its
 * vnode has the pipe. A write of at most PIPE_BUF bytes is never split. Each
 * end has a wait queue of its own: an edge-triggered epoll must not take the
 * reading of data for its arrival.
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
#include "fs/vnode.h"

#define PIPE_SIZE     (64u << 10)
#define PIPE_SIZE_MAX (1u << 20)
#define SIGPIPE	      13

struct pipe {
	struct bytebuf bytes;
	struct waitq readers, writers;
	uint32_t reader_count, writer_count; /* open files */
	uint32_t readers_seen, writers_seen; /* ever: an open waits for one */
	struct vnode *fifo; /* one reference; NULL: it has no name */
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
		if (!p->writer_count && !p->bytes.pinned)
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
		if (!p->reader_count) {
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
	if (!p->writer_count && p->writers_seen)
		ev |= EPOLLHUP;
	return ev;
}

static uint32_t pipe_poll_write(struct file *f)
{
	const struct pipe *p = f->priv;
	uint32_t ev = 0;

	if (bytebuf_space(&p->bytes) >= PIPE_BUF)
		ev |= EPOLLOUT | EPOLLWRNORM;
	if (!p->reader_count)
		ev |= EPOLLERR;
	return ev;
}

static uint32_t pipe_poll_both(struct file *f)
{
	return pipe_poll_read(f) | pipe_poll_write(f);
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
	const struct pipe *p = f->priv;

	if (p->fifo) {
		vnode_stat(p->fifo, st);
		return 0;
	}
	file_stat_fill(st, S_IFIFO | 0600);
	st->st_ino = (uint64_t)(uintptr_t)p >> 4;
	return 0;
}

static struct pipe *pipe_make(struct vnode *fifo)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	bytebuf_init(&p->bytes, PIPE_SIZE);
	waitq_init(&p->readers);
	waitq_init(&p->writers);
	if (fifo) {
		p->fifo = vnode_ref(fifo);
		fifo->u.pipe = p;
	}
	return p;
}

/* The last open file is gone. */
static void pipe_free(struct pipe *p)
{
	bytebuf_fini(&p->bytes);
	if (p->fifo) {
		p->fifo->u.pipe = NULL;
		vnode_unref(p->fifo);
	}
	kfree(p);
}

static bool reads(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static void pipe_opened(const struct file *f)
{
	struct pipe *p = f->priv;

	if (reads(f)) {
		p->reader_count++;
		p->readers_seen++;
	}
	if (writes(f)) {
		p->writer_count++;
		p->writers_seen++;
	}
	waitq_wake_all(&p->readers);
	waitq_wake_all(&p->writers);
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->priv;

	p->reader_count -= reads(f);
	p->writer_count -= writes(f);
	waitq_wake_all(&p->readers);
	waitq_wake_all(&p->writers);
	if (!p->reader_count && !p->writer_count)
		pipe_free(p);
}

static const struct file_ops pipe_read_ops = {
	.read = pipe_read,
	.poll = pipe_poll_read,
	.ioctl = pipe_ioctl,
	.stat = pipe_stat,
	.release = pipe_release,
};

static const struct file_ops pipe_write_ops = {
	.write = pipe_write,
	.poll = pipe_poll_write,
	.ioctl = pipe_ioctl,
	.stat = pipe_stat,
	.release = pipe_release,
};

/* A FIFO that was opened for reading and writing. */
static const struct file_ops pipe_both_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll_both,
	.ioctl = pipe_ioctl,
	.stat = pipe_stat,
	.release = pipe_release,
};

bool file_is_pipe(const struct file *f)
{
	return f->ops->release == pipe_release;
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

/* An end of the pipe; it does not count yet. NULL: no memory. */
static struct file *pipe_end(struct pipe *p, uint32_t flags)
{
	static const struct file_ops *const ops[] = {
		[O_RDONLY] = &pipe_read_ops,
		[O_WRONLY] = &pipe_write_ops,
		[O_RDWR] = &pipe_both_ops,
		[O_ACCMODE] = &pipe_both_ops,
	};
	struct file *f = file_new(ops[flags & O_ACCMODE], p, flags);

	if (!f)
		return NULL;
	f->waitq = writes(f) && !reads(f) ? &p->writers : &p->readers;
	f->pos = -1;
	return f;
}

int pipe_new(uint32_t flags, struct file **ret_read, struct file **ret_write)
{
	struct pipe *p = pipe_make(NULL);
	struct file *r, *w;

	if (!p)
		return -ENOMEM;
	r = pipe_end(p, O_RDONLY | flags);
	w = pipe_end(p, O_WRONLY | flags);
	if (!r || !w) {
		kfree(r);
		kfree(w);
		pipe_free(p);
		return -ENOMEM;
	}
	pipe_opened(r);
	pipe_opened(w);
	*ret_read = r;
	*ret_write = w;
	return 0;
}

/* ---- FIFOs --------------------------------------------------------------- */

/* Until the other side has been opened since `seen`, or is open. */
static int fifo_wait(struct waitq *q, const uint32_t *count,
		     const uint32_t *ever, uint32_t seen)
{
	while (!*count && *ever == seen)
		if (waitq_sleep(q, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	return 0;
}

int fifo_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	struct pipe *p = vn->u.pipe ? vn->u.pipe : pipe_make(vn);
	struct file *f = p ? pipe_end(p, flags) : NULL;
	int rc = 0;

	if (!f) {
		rc = -ENOMEM;
	} else if (!reads(f) && (flags & O_NONBLOCK) && !p->reader_count) {
		kfree(f);
		rc = -ENXIO;
	}
	if (rc) {
		if (p && !p->reader_count && !p->writer_count)
			pipe_free(p);
		return rc;
	}
	pipe_opened(f);
	if (!writes(f) && !(flags & O_NONBLOCK))
		rc = fifo_wait(&p->readers, &p->writer_count, &p->writers_seen,
			       p->writers_seen);
	else if (!reads(f))
		rc = fifo_wait(&p->writers, &p->reader_count, &p->readers_seen,
			       p->readers_seen);
	if (rc)
		file_unref(f);
	else
		*ret = f;
	return rc;
}
