/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that make, move and remove names, list directories and set
 * the working directory. The rules about the nodes are in fs/tree.c, those
 * about the text of paths here.
 */
#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/stat.h>

#include "core/alloc.h"
#include "fs/inotify.h"
#include "fs/tree.h"
#include "sys/files.h"

/* The name a call is about to change; 0 or -errno. */
static int lookup_name(int dirfd, uint64_t upath, unsigned which,
		       struct path_result *ret)
{
	const char *path;
	int rc = path_from_user(upath, which, &path);

	if (rc)
		return rc;
	return path_lookup(dirfd, path, PATH_PARENT | PATH_MISSING, ret);
}

/* The same for a name that is to be new. */
static int lookup_new(int dirfd, uint64_t upath, unsigned which,
		      struct path_result *ret)
{
	int rc = lookup_name(dirfd, upath, which, ret);

	if (rc || (ret->last == PATH_NORM && !ret->e.vn))
		return rc;
	path_release(ret);
	return -EEXIST;
}

/* ---- making ------------------------------------------------------------ */

static long do_mkdir(int dirfd, uint64_t upath, uint32_t mode)
{
	struct path_result p;
	int rc = lookup_new(dirfd, upath, 0, &p);

	if (rc)
		return rc;
	rc = tree_create(&p.e, S_IFDIR | (mode & ~vfs_umask & 01777), 0, NULL);
	path_release(&p);
	return rc;
}

long sys_mkdir(struct mf_regs *r)
{
	return do_mkdir(AT_FDCWD, r->rdi, (uint32_t)r->rsi);
}

long sys_mkdirat(struct mf_regs *r)
{
	return do_mkdir((int)r->rdi, r->rsi, (uint32_t)r->rdx);
}

static long do_mknod(int dirfd, uint64_t upath, uint32_t mode, uint32_t dev)
{
	uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	struct path_result p;
	int rc;

	if (type == S_IFDIR)
		return -EPERM;
	if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK &&
	    type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	rc = lookup_new(dirfd, upath, 0, &p);
	if (rc)
		return rc;
	if (p.slash)
		rc = -ENOENT;
	else if (type == S_IFSOCK ||
		 (type != S_IFREG && type != S_IFIFO && vfs_uid() != 0))
		rc = -EPERM;
	else
		rc = tree_create(&p.e, type | (mode & ~vfs_umask & 07777),
				 type == S_IFREG || type == S_IFIFO ? 0 : dev,
				 NULL);
	path_release(&p);
	return rc;
}

long sys_mknod(struct mf_regs *r)
{
	return do_mknod(AT_FDCWD, r->rdi, (uint32_t)r->rsi, (uint32_t)r->rdx);
}

long sys_mknodat(struct mf_regs *r)
{
	return do_mknod((int)r->rdi, r->rsi, (uint32_t)r->rdx,
			(uint32_t)r->r10);
}

static long do_symlink(uint64_t utarget, int dirfd, uint64_t upath)
{
	struct path_result p;
	const char *target;
	int rc = path_from_user(utarget, 0, &target);

	if (rc)
		return rc;
	if (!*target)
		return -ENOENT;
	rc = lookup_new(dirfd, upath, 1, &p);
	if (rc)
		return rc;
	rc = p.slash ? -ENOENT : tree_symlink(&p.e, target);
	path_release(&p);
	return rc;
}

long sys_symlink(struct mf_regs *r)
{
	return do_symlink(r->rdi, AT_FDCWD, r->rsi);
}

long sys_symlinkat(struct mf_regs *r)
{
	return do_symlink(r->rdi, (int)r->rsi, r->rdx);
}

struct link_args {
	int from_fd, to_fd;
	uint64_t from, to;
	uint32_t flags;
};

static long do_link(const struct link_args *a)
{
	uint32_t how = a->flags & AT_EMPTY_PATH;
	struct at_target t;
	struct path_result p;
	int rc;

	if (a->flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(a->flags & AT_SYMLINK_FOLLOW))
		how |= AT_SYMLINK_NOFOLLOW;
	rc = at_lookup(a->from_fd, a->from, how, &t);
	if (rc)
		return rc;
	rc = lookup_new(a->to_fd, a->to, 1, &p);
	if (!rc) {
		if (p.slash)
			rc = -ENOENT;
		else
			rc = t.vn ? tree_link(&p.e, t.vn) : -EXDEV;
		path_release(&p);
	}
	at_release(&t);
	return rc;
}

long sys_link(struct mf_regs *r)
{
	struct link_args a = { AT_FDCWD, AT_FDCWD, r->rdi, r->rsi, 0 };

	return do_link(&a);
}

long sys_linkat(struct mf_regs *r)
{
	struct link_args a = { (int)r->rdi, (int)r->rdx, r->rsi, r->r10,
			       (uint32_t)r->r8 };

	return do_link(&a);
}

/* ---- removing ---------------------------------------------------------- */

static long do_unlink(int dirfd, uint64_t upath)
{
	struct path_result p;
	int rc = lookup_name(dirfd, upath, 0, &p);

	if (rc)
		return rc;
	if (p.last != PATH_NORM)
		rc = -EISDIR;
	else if (p.e.vn && p.slash)
		rc = vnode_is_dir(p.e.vn) ? -EISDIR : -ENOTDIR;
	else
		rc = tree_unlink(&p.e);
	path_release(&p);
	return rc;
}

static long do_rmdir(int dirfd, uint64_t upath)
{
	static const int errors[] = {
		[PATH_ROOT] = -EBUSY,
		[PATH_DOT] = -EINVAL,
		[PATH_DOTDOT] = -ENOTEMPTY,
	};
	struct path_result p;
	int rc = lookup_name(dirfd, upath, 0, &p);

	if (rc)
		return rc;
	rc = p.last == PATH_NORM ? tree_rmdir(&p.e) : errors[p.last];
	path_release(&p);
	return rc;
}

long sys_unlink(struct mf_regs *r)
{
	return do_unlink(AT_FDCWD, r->rdi);
}

long sys_rmdir(struct mf_regs *r)
{
	return do_rmdir(AT_FDCWD, r->rdi);
}

long sys_unlinkat(struct mf_regs *r)
{
	uint32_t flags = (uint32_t)r->rdx;

	if (flags & ~(uint32_t)AT_REMOVEDIR)
		return -EINVAL;
	return flags ? do_rmdir((int)r->rdi, r->rsi) :
		       do_unlink((int)r->rdi, r->rsi);
}

/* ---- moving ------------------------------------------------------------ */

static int rename_checked(const struct path_result *from,
			  const struct path_result *to, uint32_t flags)
{
	bool exchange = flags & RENAME_EXCHANGE;

	if (from->last != PATH_NORM)
		return -EBUSY;
	if (to->last != PATH_NORM)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (!from->e.vn)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && to->e.vn)
		return -EEXIST;
	if (exchange && !to->e.vn)
		return -ENOENT;
	if (exchange && !vnode_is_dir(to->e.vn) && to->slash)
		return -ENOTDIR;
	if (!vnode_is_dir(from->e.vn) &&
	    (from->slash || (!exchange && to->slash)))
		return -ENOTDIR;
	return exchange ? tree_exchange(&from->e, &to->e) :
			  tree_rename(&from->e, &to->e);
}

static long do_rename(const struct link_args *a)
{
	struct path_result from, to;
	char name[NAME_MAX + 1];
	int rc;

	if (a->flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    a->flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	rc = lookup_name(a->from_fd, a->from, 0, &from);
	if (rc)
		return rc;
	/* The second lookup reuses the buffer the name is in. */
	memcpy(name, from.e.n.name ? from.e.n.name : "", from.e.n.len);
	from.e.n.name = name;
	rc = lookup_name(a->to_fd, a->to, 1, &to);
	if (!rc) {
		rc = rename_checked(&from, &to, a->flags);
		path_release(&to);
	}
	path_release(&from);
	return rc;
}

long sys_rename(struct mf_regs *r)
{
	struct link_args a = { AT_FDCWD, AT_FDCWD, r->rdi, r->rsi, 0 };

	return do_rename(&a);
}

long sys_renameat(struct mf_regs *r)
{
	struct link_args a = { (int)r->rdi, (int)r->rdx, r->rsi, r->r10, 0 };

	return do_rename(&a);
}

long sys_renameat2(struct mf_regs *r)
{
	struct link_args a = { (int)r->rdi, (int)r->rdx, r->rsi, r->r10,
			       (uint32_t)r->r8 };

	return do_rename(&a);
}

/* ---- the working directory --------------------------------------------- */

long sys_getcwd(struct mf_regs *r)
{
	char *buf = kzalloc(PATH_MAX);
	long n;

	if (!buf)
		return -ENOMEM;
	n = vnode_path(vfs_cwd, buf, PATH_MAX, false);
	if (n >= 0) {
		n++;
		if ((uint64_t)n > r->rsi)
			n = -ERANGE;
		else if (copy_to_user(r->rdi, buf, (size_t)n))
			n = -EFAULT;
	}
	kfree(buf);
	return n;
}

long sys_chdir(struct mf_regs *r)
{
	struct at_target t;
	int rc = at_lookup(AT_FDCWD, r->rdi, 0, &t);

	if (rc)
		return rc;
	rc = t.vn ? vfs_chdir(t.vn) : -ENOTDIR;
	at_release(&t);
	return rc;
}

long sys_fchdir(struct mf_regs *r)
{
	struct file *f = fd_get((int)r->rdi);

	if (!f)
		return -EBADF;
	return file_vnode(f) ? vfs_chdir(file_vnode(f)) : -ENOTDIR;
}

/* ---- listing ----------------------------------------------------------- */

/* getdents64's record is the older one with the type moved up front. */
struct lister {
	uint64_t to, left;
	bool old;
	int64_t pos;
	int error;
	uint64_t filled;
};

#define RECORD_HEAD 19u /* ino, next, reclen, type */

static bool list_one(void *ctx, const struct dir_item *item)
{
	uint8_t rec[RECORD_HEAD + NAME_MAX + 1 + 8] = { 0 };
	struct lister *l = ctx;
	uint32_t head = l->old ? RECORD_HEAD - 1 : RECORD_HEAD;
	uint32_t len = head + item->name_len + 1 + (l->old ? 1 : 0);
	uint16_t rec_len = (uint16_t)ALIGN_UP(len, 8);

	if (rec_len > l->left) {
		l->error = -EINVAL;
		return false;
	}
	memcpy(rec, &item->ino, 8);
	memcpy(rec + 8, &item->next, 8);
	memcpy(rec + 16, &rec_len, 2);
	memcpy(rec + head, item->name, item->name_len);
	rec[l->old ? rec_len - 1u : 18u] = (uint8_t)item->type;
	if (copy_to_user(l->to + l->filled, rec, rec_len)) {
		l->error = -EFAULT;
		return false;
	}
	l->filled += rec_len;
	l->left -= rec_len;
	l->pos = item->next;
	return true;
}

static long do_getdents(struct mf_regs *r, bool old)
{
	struct lister l = { .to = r->rsi,
			    .left = (uint32_t)r->rdx,
			    .old = old };
	struct file *f = fd_get_real((int)r->rdi);
	struct vnode *vn;
	int rc;

	if (!f)
		return -EBADF;
	vn = file_vnode(f);
	if (!vn || !vnode_is_dir(vn))
		return -ENOTDIR;
	if (vn->ops == &tree_ops && vn->u.dir.removed)
		return -ENOENT;
	l.pos = f->pos;
	rc = vn->ops->list(vn, f->pos, list_one, &l);
	if (l.filled) {
		f->pos = l.pos;
		vnode_touch_atime(vn);
		notify_vnode(vn, IN_ACCESS);
		return (long)l.filled;
	}
	return rc ? rc : l.error;
}

long sys_getdents64(struct mf_regs *r)
{
	return do_getdents(r, false);
}

long sys_getdents(struct mf_regs *r)
{
	return do_getdents(r, true);
}
