/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open regular files and directories of the tree, and flock(2), whose locks
 * belong to open files and count in the vnode.
 */
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/inotify.h>

#include "fs/inotify.h"
#include "fs/open.h"
#include "fs/regfile.h"

static struct waitq flock_waitq;
static bool flock_ready;

/* ---- regular files ----------------------------------------------------- */

static long reg_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	long n = regfile_read(file_vnode(f), to, *pos);

	if (n > 0) {
		*pos += n;
		notify_vnode(file_vnode(f), IN_ACCESS);
	}
	return n;
}

static long reg_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct vnode *vn = file_vnode(f);
	long n;

	if (f->flags & O_APPEND)
		*pos = (int64_t)vn->u.reg.size;
	n = regfile_allowed((uint64_t)*pos, from->left);
	if (n < 0)
		return n;
	from->left = (uint64_t)n;
	n = regfile_write(vn, from, *pos);
	if (n > 0) {
		*pos += n;
		notify_vnode(vn, IN_MODIFY);
	}
	return n;
}

static int64_t reg_seek(struct file *f, int64_t off, int whence)
{
	const struct vnode *vn = file_vnode(f);
	int64_t base = 0;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
		base = (int64_t)vn->u.reg.size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		off = regfile_seek_data(vn, off, whence == SEEK_DATA);
		if (off < 0)
			return off;
		break;
	default:
		return -EINVAL;
	}
	if (off > 0 && base > INT64_MAX - off)
		return -EOVERFLOW;
	if (base + off < 0)
		return -EINVAL;
	f->pos = base + off;
	return f->pos;
}

static long reg_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	int64_t left = (int64_t)file_vnode(f)->u.reg.size - f->pos;
	int32_t n = left > INT32_MAX ? INT32_MAX : (int32_t)left;

	if (cmd != FIONREAD)
		return -ENOTTY;
	return copy_to_user(arg, &n, sizeof(n));
}

/*
 * A shared mapping of a file that was opened for reading only can show the
 * image itself; one that can be written needs pages in RAM.
 */
static int reg_extent(struct file *f, uint64_t off, uint64_t len, bool share,
		      struct map_extent *ret)
{
	bool own = share && (f->flags & O_ACCMODE) != O_RDONLY;
	int rc = regfile_extent(file_vnode(f), off, len, own, ret);

	if (!rc && share && !ret->gpa.v)
		rc = regfile_extent(file_vnode(f), off, len, true, ret);
	return rc;
}

const struct file_ops regfile_ops = {
	.read = reg_read,
	.write = reg_write,
	.seek = reg_seek,
	.ioctl = reg_ioctl,
	.stat = vfile_stat,
	.extent = reg_extent,
	.release = vfile_release,
};

/* ---- directories ------------------------------------------------------- */

static long dir_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	(void)f;
	(void)to;
	(void)pos;
	return -EISDIR;
}

static int64_t dir_seek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

const struct file_ops dirfile_ops = {
	.read = dir_read,
	.seek = dir_seek,
	.stat = vfile_stat,
	.release = vfile_release,
};

/* ---- locks ------------------------------------------------------------- */

static void flock_drop(struct vfile *vf)
{
	if (vf->flock == LOCK_EX)
		vf->vn->flock_exclusive = false;
	else if (vf->flock == LOCK_SH)
		vf->vn->flock_shared--;
	vf->flock = 0;
	waitq_wake_all(&flock_waitq);
}

static bool flock_try(struct vfile *vf, int type)
{
	struct vnode *vn = vf->vn;

	if (vn->flock_exclusive || (type == LOCK_EX && vn->flock_shared))
		return false;
	if (type == LOCK_EX)
		vn->flock_exclusive = true;
	else
		vn->flock_shared++;
	vf->flock = type;
	return true;
}

/* Changing a lock gives the old one up first, as on Linux. */
int vfile_flock(struct file *f, int op)
{
	struct vfile *vf = f->priv;
	int type = op & ~LOCK_NB;

	if (!flock_ready) {
		waitq_init(&flock_waitq);
		flock_ready = true;
	}
	if (type != LOCK_SH && type != LOCK_EX && type != LOCK_UN)
		return -EINVAL;
	if (type == vf->flock)
		return 0;
	flock_drop(vf);
	if (type == LOCK_UN)
		return 0;
	while (!flock_try(vf, type)) {
		if (op & LOCK_NB)
			return -EAGAIN;
		if (waitq_sleep(&flock_waitq, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	return 0;
}
