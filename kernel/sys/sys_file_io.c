/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that move data between files and the program's memory. The
 * twelve of them are one transfer with different ways to say where.
 */
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/alloc.h"
#include "sys/files.h"

#define IOV_SMALL 8
#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC)

/* One transfer: where to, and whether at the file's own position. */
struct transfer {
	struct file *f;
	bool write;
	bool at; /* at `off`, not at the file's position */
	int64_t off;
};

/* 0 or -errno, in the order in which Linux looks at things. */
static int transfer_init(struct transfer *t, int fd)
{
	t->f = fd_get_real(fd);
	if (!t->f)
		return -EBADF;
	if (t->at && !t->f->ops->seek)
		return -ESPIPE;
	if (t->write ? !file_writable(t->f) : !file_readable(t->f))
		return -EBADF;
	if (t->write ? !t->f->ops->write : !t->f->ops->read)
		return -EINVAL;
	return 0;
}

static long transfer_run(struct transfer *t, struct iov_iter *it)
{
	struct file *f = file_ref(t->f);
	int64_t stream = -1;
	int64_t *pos = t->at ? &t->off : &f->pos;
	long n;

	if (!f->ops->seek)
		pos = &stream;
	n = t->write ? f->ops->write(f, it, pos) : f->ops->read(f, it, pos);
	file_unref(f);
	return iov_result(it, n);
}

static long transfer_single(struct transfer *t, int fd, uint64_t base,
			    uint64_t len)
{
	struct iov_iter it;
	int rc;

	if (t->at && t->off < 0)
		return -EINVAL;
	rc = transfer_init(t, fd);
	if (rc)
		return rc;
	if ((int64_t)len < 0)
		return -EINVAL;
	rc = iov_iter_cut_single(&it, base, len, !t->write);
	return rc ? rc : transfer_run(t, &it);
}

static long transfer_vector(struct transfer *t, int fd, uint64_t uiov,
			    uint64_t count)
{
	struct kiovec small[IOV_SMALL], *store = small;
	struct iov_iter it;
	long rc;

	if (t->at && t->off < 0)
		return -EINVAL;
	rc = transfer_init(t, fd);
	if (rc)
		return rc;
	if (count > IOV_COUNT_MAX)
		return -EINVAL;
	if (count > IOV_SMALL) {
		store = kzalloc(count * sizeof(*store));
		if (!store)
			return -ENOMEM;
	}
	rc = iov_iter_cut_user(&it, uiov, (uint32_t)count, store, !t->write);
	if (!rc)
		rc = transfer_run(t, &it);
	if (store != small)
		kfree(store);
	return rc;
}

long sys_read(struct mf_regs *r)
{
	struct transfer t = { .write = false };

	return transfer_single(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_write(struct mf_regs *r)
{
	struct transfer t = { .write = true };

	return transfer_single(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_pread64(struct mf_regs *r)
{
	struct transfer t = { .at = true, .off = (int64_t)r->r10 };

	return transfer_single(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_pwrite64(struct mf_regs *r)
{
	struct transfer t = { .write = true,
			      .at = true,
			      .off = (int64_t)r->r10 };

	return transfer_single(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_readv(struct mf_regs *r)
{
	struct transfer t = { .write = false };

	return transfer_vector(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_writev(struct mf_regs *r)
{
	struct transfer t = { .write = true };

	return transfer_vector(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_preadv(struct mf_regs *r)
{
	struct transfer t = { .at = true, .off = (int64_t)r->r10 };

	return transfer_vector(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_pwritev(struct mf_regs *r)
{
	struct transfer t = { .write = true,
			      .at = true,
			      .off = (int64_t)r->r10 };

	return transfer_vector(&t, (int)r->rdi, r->rsi, r->rdx);
}

/* Offset -1 means the file's own position. */
static long transfer_v2(struct mf_regs *r, bool write)
{
	struct transfer t = { .write = write, .off = (int64_t)r->r10 };

	t.at = t.off != -1;
	if ((uint32_t)r->r9 & ~(uint32_t)RWF_KNOWN)
		return -EOPNOTSUPP;
	return transfer_vector(&t, (int)r->rdi, r->rsi, r->rdx);
}

long sys_preadv2(struct mf_regs *r)
{
	return transfer_v2(r, false);
}

long sys_pwritev2(struct mf_regs *r)
{
	return transfer_v2(r, true);
}

long sys_lseek(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);
	uint32_t whence = (uint32_t)r->rdx;

	if (!f)
		return -EBADF;
	if (whence > SEEK_HOLE)
		return -EINVAL;
	if (!f->ops->seek)
		return -ESPIPE;
	return f->ops->seek(f, (int64_t)r->rsi, (int)whence);
}
