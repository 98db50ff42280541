/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks: fcntl(2) with F_SETLK and its relatives. Locks of the
 * process only conflict with those of open files (F_OFD_SETLK): there is one
 * process.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "core/thread.h"
#include "fs/open.h"
#include "fs/rangelock.h"
#include "sys/files.h"
#include "sys/syscall.h"

static bool is_ofd(uint32_t cmd)
{
	return cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

static int range_base(const struct file *f, int whence, int64_t *ret)
{
	switch (whence) {
	case SEEK_SET:
		*ret = 0;
		return 0;
	case SEEK_CUR:
		*ret = f->pos;
		return 0;
	case SEEK_END:
		*ret = (int64_t)file_vnode(f)->u.reg.size;
		return 0;
	default:
		return -EINVAL;
	}
}

/* As Linux: a negative length is what lies before the start. */
static int fill_range(const struct file *f, const struct flock *l,
		      struct rangelock *ret)
{
	int64_t base;
	int err = range_base(f, l->l_whence, &base);

	if (err)
		return err;
	if (__builtin_add_overflow(base, l->l_start, &ret->start))
		return -EOVERFLOW;
	if (ret->start < 0)
		return -EINVAL;
	ret->end = INT64_MAX;
	if (l->l_len > 0 &&
	    __builtin_add_overflow(ret->start, l->l_len - 1, &ret->end))
		return -EOVERFLOW;
	if (l->l_len < 0) {
		if (ret->start + l->l_len < 0)
			return -EINVAL;
		ret->end = ret->start - 1;
		ret->start += l->l_len;
	}
	return 0;
}

static void describe(const struct rangelock *found, struct flock *ret)
{
	ret->l_type = (short)found->type;
	ret->l_whence = SEEK_SET;
	ret->l_start = found->start;
	ret->l_len = found->end == INT64_MAX ? 0 :
					       found->end - found->start + 1;
	ret->l_pid = found->owner ? -1 : process_pid;
}

static int check_type(const struct file *f, int type)
{
	uint32_t mode = f->flags & O_ACCMODE;

	switch (type) {
	case F_UNLCK:
		return 0;
	case F_RDLCK:
		return mode == O_WRONLY ? -EBADF : 0;
	case F_WRLCK:
		return mode == O_RDONLY ? -EBADF : 0;
	default:
		return -EINVAL;
	}
}

static long get_lock(const struct rangelock *want, struct flock *l,
		     uint64_t arg)
{
	const struct rangelock *found;

	if (want->type != F_RDLCK && want->type != F_WRLCK)
		return -EINVAL;
	found = rangelock_conflict(want);
	if (found)
		describe(found, l);
	else
		l->l_type = F_UNLCK;
	return copy_to_user(arg, l, sizeof(*l));
}

long fcntl_lock(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct rangelock want = {
		.vn = file_vnode(f),
		.owner = is_ofd(cmd) ? f : NULL,
	};
	struct flock l;
	int err;

	if (copy_from_user(&l, arg, sizeof(l)) < 0)
		return -EFAULT;
	if (f->flags & O_PATH)
		return -EBADF;
	if (is_ofd(cmd) && l.l_pid)
		return -EINVAL;
	want.type = l.l_type;
	/* Only locks of regular files are ever in somebody's way. */
	if (!want.vn || !S_ISREG(want.vn->mode)) {
		l.l_type = F_UNLCK;
		return cmd == F_GETLK || cmd == F_OFD_GETLK ?
			       copy_to_user(arg, &l, sizeof(l)) :
			       check_type(f, want.type);
	}
	err = fill_range(f, &l, &want);
	if (err)
		return err;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return get_lock(&want, &l, arg);
	err = check_type(f, want.type);
	if (err)
		return err;
	/* Closed by another thread, it stays until this ends. */
	file_ref(f);
	err = rangelock_set(&want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
	file_unref(f);
	return err;
}
