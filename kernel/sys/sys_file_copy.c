/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile and copy_file_range: data from one file to another without the
 * program. Bytes of the image go straight from there; others, which could
 * change while the writer sleeps, through a page of the kernel's.
 */
#include <linux/stat.h>

#include "core/alloc.h"
#include "fs/regfile.h"
#include "sys/files.h"

#define COPY_MAX 0x7ffff000ull

struct copy {
	struct file *in, *out;
	int64_t *in_pos, *out_pos;
	uint64_t left;
	uint8_t *page; /* made when first needed */
};

/* The next run of the input, at most c->left; *ret_len 0 at its end. */
static long next_run(struct copy *c, const void **ret, uint64_t *ret_len)
{
	struct vnode *vn = file_vnode(c->in);
	int64_t pos = *c->in_pos;
	struct iov_iter it;
	long n;

	if (c->in->ops == &regfile_ops) {
		*ret_len = regfile_peek(vn, (uint64_t)pos, ret);
		*ret_len = min_u64(*ret_len, c->left);
		if (*ret_len)
			return 0;
	}
	if (!c->page)
		c->page = page_alloc(0);
	if (!c->page)
		return -ENOMEM;
	iov_iter_init_kernel(&it, c->page, min_u64(c->left, PAGE_SIZE));
	n = c->in->ops->read(c->in, &it, &pos);
	if (n < 0)
		return n;
	*ret = c->page;
	*ret_len = (uint64_t)n;
	return 0;
}

static long copy_some(struct copy *c)
{
	struct iov_iter it;
	const void *p;
	uint64_t len;
	long n = next_run(c, &p, &len);

	if (n || !len)
		return n;
	iov_iter_init_kernel(&it, (void *)(uintptr_t)p, len);
	n = c->out->ops->write(c->out, &it, c->out_pos);
	if (n > 0) {
		*c->in_pos += n;
		c->left -= (uint64_t)n;
	}
	return n;
}

static long copy_run(struct copy *c)
{
	uint64_t want = c->left = min_u64(c->left, COPY_MAX);
	long n = 0;

	file_ref(c->in);
	file_ref(c->out);
	while (c->left) {
		n = copy_some(c);
		if (n <= 0)
			break;
	}
	if (c->page)
		page_free(c->page, 0);
	file_unref(c->in);
	file_unref(c->out);
	if (c->left < want)
		return (long)(want - c->left);
	return n;
}

/* An offset of the program's, or NULL: the file's position. */
static int load_pos(uint64_t upos, int64_t *store)
{
	if (copy_from_user(store, upos, sizeof(*store)))
		return -EFAULT;
	return *store < 0 ? -EINVAL : 0;
}

static int store_pos(uint64_t upos, const int64_t *pos)
{
	return upos ? copy_to_user(upos, pos, sizeof(*pos)) : 0;
}

long sys_sendfile(struct mf_regs *r)
{
	struct copy c = { .out = fd_get_real((int)r->rdi),
			  .in = fd_get_real((int)r->rsi),
			  .left = r->r10 };
	int64_t pos, stream = -1;
	long n;

	if (!c.in || !file_readable(c.in) || !c.out || !file_writable(c.out))
		return -EBADF;
	if (r->rdx && !c.in->ops->seek)
		return -ESPIPE;
	if (!c.in->ops->read || !c.in->ops->seek || !c.out->ops->write ||
	    (c.out->flags & O_APPEND) || (int64_t)r->r10 < 0)
		return -EINVAL;
	c.in_pos = &c.in->pos;
	c.out_pos = c.out->ops->seek ? &c.out->pos : &stream;
	if (r->rdx) {
		n = load_pos(r->rdx, &pos);
		if (n)
			return n;
		c.in_pos = &pos;
	}
	n = copy_run(&c);
	if (n >= 0 && store_pos(r->rdx, &pos))
		return -EFAULT;
	return n;
}

static int check_copy_range(const struct copy *c, uint64_t flags)
{
	if (!c->in || !c->out)
		return -EBADF;
	if (flags)
		return -EINVAL;
	if (c->in->ops == &dirfile_ops || c->out->ops == &dirfile_ops)
		return -EISDIR;
	if (c->in->ops != &regfile_ops || c->out->ops != &regfile_ops)
		return -EINVAL;
	if (!file_readable(c->in) || !file_writable(c->out) ||
	    (c->out->flags & O_APPEND))
		return -EBADF;
	return 0;
}

long sys_copy_file_range(struct mf_regs *r)
{
	struct copy c = { .in = fd_get_real((int)r->rdi),
			  .out = fd_get_real((int)r->rdx),
			  .left = r->r8 };
	int64_t in_pos, out_pos;
	uint64_t size, left_in;
	long n = check_copy_range(&c, r->r9);

	if (!n && r->rsi)
		n = load_pos(r->rsi, &in_pos);
	if (!n && r->r10)
		n = load_pos(r->r10, &out_pos);
	if (n)
		return n;
	c.in_pos = r->rsi ? &in_pos : &c.in->pos;
	c.out_pos = r->r10 ? &out_pos : &c.out->pos;
	/* What follows the end now is not copied, even if this call itself
	 * makes the file longer. */
	size = file_vnode(c.in)->u.reg.size;
	left_in = (uint64_t)*c.in_pos < size ? size - (uint64_t)*c.in_pos : 0;
	c.left = min_u64(min_u64(c.left, COPY_MAX), left_in);
	if (file_vnode(c.in) == file_vnode(c.out) &&
	    *c.in_pos < *c.out_pos + (int64_t)c.left &&
	    *c.out_pos < *c.in_pos + (int64_t)c.left)
		return -EINVAL;
	n = copy_run(&c);
	if (n >= 0 &&
	    (store_pos(r->rsi, &in_pos) || store_pos(r->r10, &out_pos)))
		return -EFAULT;
	return n;
}
