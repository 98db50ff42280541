/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about a file's attributes: mode, owner, times, size, locks.
 * There is nothing behind memory to write back to, so syncing only checks
 * its arguments.
 */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/time.h>

#include "fs/inotify.h"
#include "fs/regfile.h"
#include "sys/files.h"

#define UTIME_NOW_NSEC	0x3fffffff
#define UTIME_OMIT_NSEC 0x3ffffffe

/* ---- mode and owner ---------------------------------------------------- */

static long change_mode(struct vnode *vn, uint32_t mode)
{
	int rc = vnode_may_own(vn);

	if (rc)
		return rc;
	if (S_ISLNK(vn->mode))
		return -EOPNOTSUPP;
	vn->mode = (vn->mode & S_IFMT) | (mode & 07777);
	if (vfs_uid() != 0 && vfs_gid() != vn->gid)
		vn->mode &= ~(uint32_t)S_ISGID;
	vn->ctime = vtime_now();
	notify_vnode(vn, IN_ATTRIB);
	return 0;
}

/* An id of -1 stays as it is. */
static long change_owner(struct vnode *vn, uint32_t uid, uint32_t gid)
{
	if (vfs_uid() != 0 &&
	    (vnode_may_own(vn) || (uid != UINT32_MAX && uid != vn->uid) ||
	     (gid != UINT32_MAX && gid != vn->gid && gid != vfs_gid())))
		return -EPERM;
	if (uid != UINT32_MAX)
		vn->uid = uid;
	if (gid != UINT32_MAX)
		vn->gid = gid;
	if (!vnode_is_dir(vn)) {
		vn->mode &= ~(uint32_t)S_ISUID;
		if (vn->mode & S_IXGRP)
			vn->mode &= ~(uint32_t)S_ISGID;
	}
	vn->ctime = vtime_now();
	notify_vnode(vn, IN_ATTRIB);
	return 0;
}

static long chmod_at(int dirfd, uint64_t upath, uint32_t mode, uint32_t flags)
{
	struct at_target t;
	long rc;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	rc = at_lookup(dirfd, upath, flags, &t);
	if (rc)
		return rc;
	rc = t.vn ? change_mode(t.vn, mode) : 0;
	at_release(&t);
	return rc;
}

long sys_chmod(struct mf_regs *r)
{
	return chmod_at(AT_FDCWD, r->rdi, (uint32_t)r->rsi, 0);
}

long sys_fchmodat(struct mf_regs *r)
{
	return chmod_at((int)r->rdi, r->rsi, (uint32_t)r->rdx, 0);
}

long sys_fchmodat2(struct mf_regs *r)
{
	return chmod_at((int)r->rdi, r->rsi, (uint32_t)r->rdx,
			(uint32_t)r->r10);
}

long sys_fchmod(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f)
		return -EBADF;
	return file_vnode(f) ? change_mode(file_vnode(f), (uint32_t)r->rsi) : 0;
}

struct owner {
	uint32_t uid, gid;
};

static long chown_at(int dirfd, uint64_t upath, struct owner to, uint32_t flags)
{
	struct at_target t;
	long rc;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	rc = at_lookup(dirfd, upath, flags, &t);
	if (rc)
		return rc;
	rc = t.vn ? change_owner(t.vn, to.uid, to.gid) : 0;
	at_release(&t);
	return rc;
}

long sys_chown(struct mf_regs *r)
{
	struct owner to = { (uint32_t)r->rsi, (uint32_t)r->rdx };

	return chown_at(AT_FDCWD, r->rdi, to, 0);
}

long sys_lchown(struct mf_regs *r)
{
	struct owner to = { (uint32_t)r->rsi, (uint32_t)r->rdx };

	return chown_at(AT_FDCWD, r->rdi, to, AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(struct mf_regs *r)
{
	struct owner to = { (uint32_t)r->rdx, (uint32_t)r->r10 };

	return chown_at((int)r->rdi, r->rsi, to, (uint32_t)r->r8);
}

long sys_fchown(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f)
		return -EBADF;
	if (!file_vnode(f))
		return 0;
	return change_owner(file_vnode(f), (uint32_t)r->rsi, (uint32_t)r->rdx);
}

long sys_umask(struct mf_regs *r)
{
	uint32_t old = vfs_umask;

	vfs_umask = (uint32_t)r->rdi & 0777;
	return old;
}

/* ---- times ------------------------------------------------------------- */

/* atime, mtime; nsec may be UTIME_NOW or UTIME_OMIT. */
static long change_times(struct vnode *vn, const struct vtime tv[2])
{
	struct vtime *fields[2] = { &vn->atime, &vn->mtime };
	struct vtime now = vtime_now();
	bool only_now = tv[0].nsec == UTIME_NOW_NSEC &&
			tv[1].nsec == UTIME_NOW_NSEC;

	if (tv[0].nsec == UTIME_OMIT_NSEC && tv[1].nsec == UTIME_OMIT_NSEC)
		return 0;
	if (vnode_may_own(vn)) {
		if (!only_now)
			return -EPERM;
		if (vnode_access(vn, ACCESS_W))
			return -EACCES;
	}
	for (int i = 0; i < 2; i++) {
		if (tv[i].nsec == UTIME_NOW_NSEC)
			*fields[i] = now;
		else if (tv[i].nsec != UTIME_OMIT_NSEC)
			*fields[i] = tv[i];
	}
	vn->ctime = now;
	if (tv[1].nsec == UTIME_OMIT_NSEC)
		notify_vnode(vn, IN_ACCESS);
	else
		notify_vnode(vn, tv[0].nsec == UTIME_OMIT_NSEC ? IN_MODIFY :
								 IN_ATTRIB);
	return 0;
}

static long utimes_at(int dirfd, uint64_t upath, const struct vtime tv[2],
		      uint32_t flags)
{
	struct at_target t;
	long rc = at_lookup(dirfd, upath, flags, &t);

	if (rc)
		return rc;
	rc = t.vn ? change_times(t.vn, tv) : 0;
	at_release(&t);
	return rc;
}

static const struct vtime times_now[2] = {
	{ 0, UTIME_NOW_NSEC },
	{ 0, UTIME_NOW_NSEC },
};

static bool valid_nsec(int64_t nsec)
{
	return (nsec >= 0 && nsec < (int64_t)NS_PER_SEC) ||
	       nsec == UTIME_NOW_NSEC || nsec == UTIME_OMIT_NSEC;
}

long sys_utimensat(struct mf_regs *r)
{
	uint32_t flags = (uint32_t)r->r10;
	int64_t ts[4];
	struct vtime tv[2] = { times_now[0], times_now[1] };

	if (r->rdx) {
		if (copy_from_user(ts, r->rdx, sizeof(ts)))
			return -EFAULT;
		if (!valid_nsec(ts[1]) || !valid_nsec(ts[3]))
			return -EINVAL;
		tv[0] = (struct vtime){ ts[0], (uint32_t)ts[1] };
		tv[1] = (struct vtime){ ts[2], (uint32_t)ts[3] };
	}
	if (!r->rsi && (int)r->rdi != AT_FDCWD) {
		if (flags & ~(uint32_t)AT_EMPTY_PATH)
			return -EINVAL;
		if (!fd_get_real((int)r->rdi))
			return -EBADF;
		return utimes_at((int)r->rdi, 0, tv, AT_EMPTY_PATH);
	}
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return utimes_at((int)r->rdi, r->rsi, tv, flags);
}

/* Two times in microseconds, or NULL for now. */
static long utimes_usec(int dirfd, uint64_t upath, uint64_t utimes)
{
	int64_t t[4];
	struct vtime tv[2];

	if (!utimes)
		return utimes_at(dirfd, upath, times_now, 0);
	if (copy_from_user(t, utimes, sizeof(t)))
		return -EFAULT;
	if (t[1] < 0 || t[1] >= 1000000 || t[3] < 0 || t[3] >= 1000000)
		return -EINVAL;
	tv[0] = (struct vtime){ t[0], (uint32_t)t[1] * 1000 };
	tv[1] = (struct vtime){ t[2], (uint32_t)t[3] * 1000 };
	return utimes_at(dirfd, upath, tv, 0);
}

long sys_utimes(struct mf_regs *r)
{
	return utimes_usec(AT_FDCWD, r->rdi, r->rsi);
}

long sys_futimesat(struct mf_regs *r)
{
	return utimes_usec((int)r->rdi, r->rsi, r->rdx);
}

long sys_utime(struct mf_regs *r)
{
	int64_t t[2];
	struct vtime tv[2];

	if (!r->rsi)
		return utimes_at(AT_FDCWD, r->rdi, times_now, 0);
	if (copy_from_user(t, r->rsi, sizeof(t)))
		return -EFAULT;
	tv[0] = (struct vtime){ t[0], 0 };
	tv[1] = (struct vtime){ t[1], 0 };
	return utimes_at(AT_FDCWD, r->rdi, tv, 0);
}

/* ---- size -------------------------------------------------------------- */

/* Another size, if it is smaller or RLIMIT_FSIZE allows it. */
static long resize(struct vnode *vn, uint64_t size)
{
	int64_t n = 0;

	if (size > vn->u.reg.size)
		n = regfile_allowed(size - 1, 1);
	return n < 0 ? n : regfile_truncate(vn, size);
}

long sys_truncate(struct mf_regs *r)
{
	struct at_target t;
	long rc;

	if ((int64_t)r->rsi < 0)
		return -EINVAL;
	rc = at_lookup(AT_FDCWD, r->rdi, 0, &t);
	if (rc)
		return rc;
	if (t.vn && vnode_is_dir(t.vn))
		rc = -EISDIR;
	else if (!t.vn || !S_ISREG(t.vn->mode) || t.vn->ops != &tree_ops)
		rc = -EINVAL;
	else
		rc = vnode_access(t.vn, ACCESS_W);
	if (!rc)
		rc = resize(t.vn, r->rsi);
	at_release(&t);
	return rc;
}

long sys_ftruncate(struct mf_regs *r)
{
	struct file *f;

	if ((int64_t)r->rsi < 0)
		return -EINVAL;
	f = fd_get_real((int)r->rdi);
	if (!f)
		return -EBADF;
	if (f->ops != &regfile_ops || !file_writable(f))
		return -EINVAL;
	return resize(file_vnode(f), r->rsi);
}

long sys_fallocate(struct mf_regs *r)
{
	int64_t off = (int64_t)r->rdx, len = (int64_t)r->r10;
	uint32_t mode = (uint32_t)r->rsi;
	struct file *f = fd_get_real((int)r->rdi);
	struct vnode *vn;
	int rc = 0;

	if (!f)
		return -EBADF;
	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE &&
	    mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!file_writable(f))
		return -EBADF;
	if (f->ops != &regfile_ops)
		return f->ops->seek ? -ENODEV : -ESPIPE;
	if (off > INT64_MAX - len)
		return -EFBIG;
	vn = file_vnode(f);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		rc = regfile_punch(vn, (uint64_t)off, (uint64_t)len);
	else if (!mode && (uint64_t)(off + len) > vn->u.reg.size)
		return resize(vn, (uint64_t)(off + len));
	return rc;
}

/* ---- nothing to write back, no attributes beyond ------------------------ */

static long fd_is_open(struct mf_regs *r)
{
	return fd_get_real((int)r->rdi) ? 0 : -EBADF;
}

/* Pipes and sockets cannot be synced. */
static long do_fsync(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f)
		return -EBADF;
	return file_vnode(f) ? 0 : -EINVAL;
}

long sys_fsync(struct mf_regs *r)
{
	return do_fsync(r);
}

long sys_fdatasync(struct mf_regs *r)
{
	return do_fsync(r);
}

long sys_sync(struct mf_regs *r)
{
	(void)r;
	return 0;
}

long sys_syncfs(struct mf_regs *r)
{
	return fd_is_open(r);
}

long sys_sync_file_range(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f)
		return -EBADF;
	if (r->r10 & ~7ull || (int64_t)r->rsi < 0 || (int64_t)r->rdx < 0)
		return -EINVAL;
	return file_vnode(f) ? 0 : -ESPIPE;
}

long sys_fadvise64(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f)
		return -EBADF;
	if (!file_vnode(f))
		return -ESPIPE;
	return r->r10 > 5 || (int64_t)r->rdx < 0 ? -EINVAL : 0;
}

long sys_readahead(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f || !file_readable(f))
		return -EBADF;
	return f->ops == &regfile_ops ? 0 : -EINVAL;
}

long sys_flock(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);
	int op = (int)r->rsi, type = op & ~LOCK_NB;
	long rc;

	if (type != LOCK_SH && type != LOCK_EX && type != LOCK_UN)
		return -EINVAL;
	if (!f)
		return -EBADF;
	if (!file_vnode(f))
		return 0;
	file_ref(f);
	rc = vfile_flock(f, op);
	file_unref(f);
	return rc;
}
