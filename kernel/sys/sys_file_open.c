/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files and asking about them: open, stat, access, readlink and
 * statfs in all their variants, which are the ...at form with defaults.
 */
#include <linux/stat.h>

#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/memfd.h>

#include "core/alloc.h"
#include "fs/regfile.h"
#include "sys/files.h"

#define AT_STAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)
#define STATX_KNOWN   STATX_BASIC_STATS

static long do_open(int dirfd, uint64_t upath, uint32_t flags, uint32_t mode)
{
	struct open_request rq = { .dirfd = dirfd,
				   .flags = flags,
				   .mode = mode };
	struct file *f;
	int rc = path_from_user(upath, 0, &rq.path);

	if (rc)
		return rc;
	rc = vfs_open(&rq, &f);
	return rc ? rc : fd_install(f, 0, flags & O_CLOEXEC);
}

long sys_open(struct mf_regs *r)
{
	return do_open(AT_FDCWD, r->rdi, (uint32_t)r->rsi, (uint32_t)r->rdx);
}

long sys_openat(struct mf_regs *r)
{
	return do_open((int)r->rdi, r->rsi, (uint32_t)r->rdx, (uint32_t)r->r10);
}

long sys_creat(struct mf_regs *r)
{
	return do_open(AT_FDCWD, r->rdi, O_CREAT | O_WRONLY | O_TRUNC,
		       (uint32_t)r->rsi);
}

/* A file in no directory; its name serves /proc/self/fd only. */
long sys_memfd_create(struct mf_regs *r)
{
	uint32_t flags = (uint32_t)r->rsi;
	char name[NAME_MAX + 1] = "memfd:";
	struct dir_name n = { vfs_root, name, 0 };
	struct vnode *vn;
	struct file *f;
	long len;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	len = strncpy_from_user(name + 6, r->rdi, sizeof(name) - 6);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	n.len = (size_t)len + 6;
	vn = vnode_new(S_IFREG | 0777);
	if (!vn)
		return -ENOMEM;
	len = vnode_set_link(vn, &n);
	if (!len) {
		vn->link->deleted = true;
		f = vfile_new(&regfile_ops, vn, O_RDWR | O_LARGEFILE);
		len = f ? fd_install(f, 0, flags & MFD_CLOEXEC) : -ENOMEM;
	}
	vnode_unref(vn);
	return len;
}

/* ---- what a path or a descriptor names --------------------------------- */

static int at_self(int dirfd, struct at_target *ret)
{
	struct file *f;

	if (dirfd == AT_FDCWD) {
		ret->vn = vnode_ref(vfs_cwd);
		return 0;
	}
	f = fd_get(dirfd);
	if (!f)
		return -EBADF;
	if (file_vnode(f))
		ret->vn = vnode_ref(file_vnode(f));
	else
		ret->file = file_ref(f);
	return 0;
}

int at_lookup(int dirfd, uint64_t upath, uint32_t flags, struct at_target *ret)
{
	uint32_t how = flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW;
	struct path_result p;
	const char *path = "";
	int rc = 0;

	ret->vn = NULL;
	ret->file = NULL;
	if (upath || !(flags & AT_EMPTY_PATH))
		rc = path_from_user(upath, 0, &path);
	if (rc)
		return rc;
	if (!*path && (flags & AT_EMPTY_PATH))
		return at_self(dirfd, ret);
	rc = path_lookup(dirfd, path, how, &p);
	if (rc)
		return rc;
	ret->vn = p.e.vn;
	ret->file = p.file;
	p.e.vn = NULL;
	p.file = NULL;
	path_release(&p);
	return 0;
}

void at_release(struct at_target *t)
{
	vnode_unref(t->vn);
	if (t->file)
		file_unref(t->file);
}

/* ---- stat -------------------------------------------------------------- */

static int stat_at(int dirfd, uint64_t upath, uint32_t flags, struct stat *st)
{
	struct at_target t;
	int rc = at_lookup(dirfd, upath, flags, &t);

	if (rc)
		return rc;
	if (t.vn)
		vnode_stat(t.vn, st);
	else
		rc = t.file->ops->stat ? t.file->ops->stat(t.file, st) : -EBADF;
	at_release(&t);
	return rc;
}

static long stat_to_user(int dirfd, uint64_t upath, uint32_t flags, uint64_t to)
{
	struct stat st;
	int rc = stat_at(dirfd, upath, flags, &st);

	return rc ? rc : copy_to_user(to, &st, sizeof(st));
}

long sys_stat(struct mf_regs *r)
{
	return stat_to_user(AT_FDCWD, r->rdi, 0, r->rsi);
}

long sys_lstat(struct mf_regs *r)
{
	return stat_to_user(AT_FDCWD, r->rdi, AT_SYMLINK_NOFOLLOW, r->rsi);
}

long sys_fstat(struct mf_regs *r)
{
	if ((int)r->rdi < 0)
		return -EBADF;
	return stat_to_user((int)r->rdi, 0, AT_EMPTY_PATH, r->rsi);
}

long sys_newfstatat(struct mf_regs *r)
{
	uint32_t flags = (uint32_t)r->r10;

	if (flags & ~(uint32_t)AT_STAT_FLAGS)
		return -EINVAL;
	return stat_to_user((int)r->rdi, r->rsi, flags, r->rdx);
}

static uint32_t dev_major(uint64_t dev)
{
	return (uint32_t)(dev >> 8 & 0xfff);
}

static uint32_t dev_minor(uint64_t dev)
{
	return (uint32_t)((dev & 0xff) | (dev >> 12 & 0xfff00));
}

static void fill_statx(const struct stat *st, struct statx *sx)
{
	memset(sx, 0, sizeof(*sx));
	sx->stx_mask = STATX_KNOWN;
	sx->stx_blksize = (uint32_t)st->st_blksize;
	sx->stx_nlink = (uint32_t)st->st_nlink;
	sx->stx_uid = st->st_uid;
	sx->stx_gid = st->st_gid;
	sx->stx_mode = (uint16_t)st->st_mode;
	sx->stx_ino = st->st_ino;
	sx->stx_size = (uint64_t)st->st_size;
	sx->stx_blocks = (uint64_t)st->st_blocks;
	sx->stx_atime.tv_sec = (int64_t)st->st_atime;
	sx->stx_atime.tv_nsec = (uint32_t)st->st_atime_nsec;
	sx->stx_mtime.tv_sec = (int64_t)st->st_mtime;
	sx->stx_mtime.tv_nsec = (uint32_t)st->st_mtime_nsec;
	sx->stx_ctime.tv_sec = (int64_t)st->st_ctime;
	sx->stx_ctime.tv_nsec = (uint32_t)st->st_ctime_nsec;
	sx->stx_rdev_major = dev_major(st->st_rdev);
	sx->stx_rdev_minor = dev_minor(st->st_rdev);
	sx->stx_dev_major = dev_major(st->st_dev);
	sx->stx_dev_minor = dev_minor(st->st_dev);
}

long sys_statx(struct mf_regs *r)
{
	uint32_t flags = (uint32_t)r->rdx;
	struct statx sx;
	struct stat st;
	int rc;

	if ((uint32_t)r->r10 & STATX__RESERVED ||
	    flags & ~(uint32_t)(AT_STAT_FLAGS | AT_STATX_SYNC_TYPE) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	rc = stat_at((int)r->rdi, r->rsi, flags, &st);
	if (rc)
		return rc;
	fill_statx(&st, &sx);
	return copy_to_user(r->r8, &sx, sizeof(sx));
}

/* ---- access, readlink -------------------------------------------------- */

static long do_access(int dirfd, uint64_t upath, uint32_t mode, uint32_t flags)
{
	struct at_target t;
	int rc;

	if (mode & ~7u || flags & ~(uint32_t)(AT_EACCESS | AT_EMPTY_PATH |
					      AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	rc = at_lookup(dirfd, upath, flags, &t);
	if (rc)
		return rc;
	if (t.vn)
		rc = vnode_access(t.vn, mode);
	at_release(&t);
	return rc;
}

long sys_access(struct mf_regs *r)
{
	return do_access(AT_FDCWD, r->rdi, (uint32_t)r->rsi, 0);
}

long sys_faccessat(struct mf_regs *r)
{
	return do_access((int)r->rdi, r->rsi, (uint32_t)r->rdx, 0);
}

long sys_faccessat2(struct mf_regs *r)
{
	return do_access((int)r->rdi, r->rsi, (uint32_t)r->rdx,
			 (uint32_t)r->r10);
}

static long do_readlink(int dirfd, uint64_t upath, uint64_t to, int size)
{
	static char target[PATH_MAX];
	struct at_target t;
	long n;

	if (size <= 0)
		return -EINVAL;
	n = at_lookup(dirfd, upath, AT_SYMLINK_NOFOLLOW, &t);
	if (n == -ENOENT) {
		/* An empty path is a link that dirfd was opened on. */
		n = at_lookup(dirfd, upath, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
			      &t);
		if (!n && !(t.vn && S_ISLNK(t.vn->mode))) {
			at_release(&t);
			n = -ENOENT;
		}
	}
	if (n)
		return n;
	n = -EINVAL;
	if (t.vn && S_ISLNK(t.vn->mode))
		n = t.vn->ops->readlink(t.vn, target, sizeof(target));
	at_release(&t);
	if (n < 0)
		return n;
	n = n < size ? n : size;
	return copy_to_user(to, target, (size_t)n) ? -EFAULT : n;
}

long sys_readlink(struct mf_regs *r)
{
	return do_readlink(AT_FDCWD, r->rdi, r->rsi, (int)r->rdx);
}

long sys_readlinkat(struct mf_regs *r)
{
	return do_readlink((int)r->rdi, r->rsi, r->rdx, (int)r->r10);
}

/* ---- statfs ------------------------------------------------------------ */

static long statfs_to_user(const struct vnode *vn, uint64_t to)
{
	struct statfs sf;
	uint64_t total = regfile_pages_max();
	uint64_t used = min_u64(total, pagetree_total());

	memset(&sf, 0, sizeof(sf));
	sf.f_type = TMPFS_MAGIC;
	sf.f_bsize = sf.f_frsize = PAGE_SIZE;
	sf.f_namelen = NAME_MAX;
	sf.f_fsid.val[0] = vn ? (int)vn->dev : 0;
	if (vn && vn->dev == VFS_DEV_PROC) {
		sf.f_type = PROC_SUPER_MAGIC;
	} else if (vn && vn->dev == VFS_DEV_SYS) {
		sf.f_type = SYSFS_MAGIC;
	} else {
		sf.f_blocks = (long)total;
		sf.f_bfree = sf.f_bavail = (long)(total - used);
		sf.f_files = (long)total;
		sf.f_ffree = (long)(total - used);
	}
	return copy_to_user(to, &sf, sizeof(sf));
}

long sys_statfs(struct mf_regs *r)
{
	struct at_target t;
	long rc = at_lookup(AT_FDCWD, r->rdi, 0, &t);

	if (rc)
		return rc;
	rc = statfs_to_user(t.vn, r->rsi);
	at_release(&t);
	return rc;
}

long sys_fstatfs(struct mf_regs *r)
{
	struct file *f = fd_get((int)r->rdi);

	return f ? statfs_to_user(file_vnode(f), r->rsi) : -EBADF;
}
