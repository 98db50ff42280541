/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice(2): moves data between a pipe and another file. There is nothing to
 * gain from moving pages here, so it copies; one call moves what is there.
 */
#include <linux/fcntl.h>

#include "core/alloc.h"
#include "fs/anon.h"
#include "fs/bytebuf.h"
#include "sys/files.h"

#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL	  15u
#define CHUNK		  (64u << 10)

struct splice {
	struct file *in, *out;
	int64_t in_pos, out_pos; /* -1: a stream */
	uint64_t len;
	uint32_t flags;
};

/* Sleeps until the pipe's state changes, unless told not to. */
static int wait_pipe(const struct splice *s, struct file *pipe)
{
	if ((s->flags & SPLICE_F_NONBLOCK) || (pipe->flags & O_NONBLOCK))
		return -EAGAIN;
	if (waitq_sleep(pipe->waitq, DEADLINE_NEVER) == -EINTR)
		return -ERESTARTSYS;
	return 0;
}

/* Out of a pipe; what the other file does not take stays in it. */
static long splice_out(struct splice *s)
{
	struct bytebuf *b = pipe_bytes(s->in);
	struct iov_iter it;
	uint8_t *data;
	uint32_t front;
	int64_t stream = -1;
	long n;

	while (!b->len || b->pinned) {
		int err;

		/* The read end's poll knows whether anyone still writes. */
		if (!b->pinned && s->in->ops->poll(s->in))
			return 0;
		err = wait_pipe(s, s->in);
		if (err)
			return err;
	}
	data = bytebuf_front(b, &front);
	iov_iter_init_kernel(&it, data, min_u64(front, s->len));
	/* A write may sleep: the bytes stay where they are, and ours. */
	b->pinned = true;
	n = s->out->ops->write(s->out, &it,
			       s->out_pos < 0 ? &stream : &s->out_pos);
	b->pinned = false;
	if (n > 0)
		bytebuf_drop(b, (uint32_t)n);
	pipe_changed(s->in);
	return n;
}

/* Into a pipe: no more is read than it has room for. */
static long splice_in(struct splice *s)
{
	struct bytebuf *b = pipe_bytes(s->out);
	struct iov_iter it;
	int64_t stream = -1;
	uint8_t *data;
	uint64_t len;
	long n;
	int err = 0;

	while (!bytebuf_space(b) && !err)
		err = wait_pipe(s, s->out);
	if (err)
		return err;
	len = min_u64(min_u64(s->len, bytebuf_space(b)), CHUNK);
	data = kzalloc(len);
	if (!data)
		return -ENOMEM;
	iov_iter_init_kernel(&it, data, len);
	n = s->in->ops->read(s->in, &it, s->in_pos < 0 ? &stream : &s->in_pos);
	if (n > 0) {
		iov_iter_init_kernel(&it, data, (uint64_t)n);
		n = s->out->ops->write(s->out, &it, &stream);
	}
	kfree(data);
	return n;
}

static int get_pos(struct file *f, uint64_t upos, int64_t *ret)
{
	*ret = f->ops->seek ? f->pos : -1;
	if (!upos)
		return 0;
	if (!f->ops->seek)
		return -ESPIPE;
	return copy_from_user(ret, upos, sizeof(*ret));
}

static int put_pos(struct file *f, uint64_t upos, int64_t pos)
{
	if (!f->ops->seek)
		return 0;
	if (upos)
		return copy_to_user(upos, &pos, sizeof(pos));
	f->pos = pos;
	return 0;
}

static long splice_run(struct splice *s, uint64_t uin, uint64_t uout)
{
	long n;
	int err = get_pos(s->in, uin, &s->in_pos);

	if (!err)
		err = get_pos(s->out, uout, &s->out_pos);
	if (err)
		return err;
	n = file_is_pipe(s->in) ? splice_out(s) : splice_in(s);
	if (n > 0 && put_pos(s->in, uin, s->in_pos) < 0)
		return -EFAULT;
	if (n > 0 && put_pos(s->out, uout, s->out_pos) < 0)
		return -EFAULT;
	return n;
}

long sys_splice(struct mf_regs *r)
{
	struct splice s = { .in = fd_get_real((int)r->rdi),
			    .out = fd_get_real((int)r->rdx),
			    .len = r->r8,
			    .flags = (uint32_t)r->r9 };
	long n;

	if (!s.len)
		return 0;
	if (s.flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (!s.in || !s.out || !file_readable(s.in) || !file_writable(s.out))
		return -EBADF;
	if (!file_is_pipe(s.in) && !file_is_pipe(s.out))
		return -EINVAL;
	if (!s.in->ops->read || !s.out->ops->write || (s.out->flags & O_APPEND))
		return -EINVAL;
	file_ref(s.in);
	file_ref(s.out);
	n = splice_run(&s, r->rsi, r->r10);
	file_unref(s.out);
	file_unref(s.in);
	return n;
}
