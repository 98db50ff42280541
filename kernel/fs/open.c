/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open(2) in the order of its decisions: what the flags ask for, what the
 * path leads to, whether that may be, and then the open file.
 */
#include "fs/open.h"

#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "core/alloc.h"
#include "fs/anon.h"
#include "fs/inotify.h"
#include "fs/rangelock.h"
#include "fs/regfile.h"
#include "fs/vfs.h"

#define FLAGS_DROPPED (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)
#define FLAGS_PATH    (O_PATH | O_DIRECTORY | O_NOFOLLOW)

static struct vnode *exe;

struct file *vfile_new(const struct file_ops *ops, struct vnode *vn,
		       uint32_t flags)
{
	struct vfile *vf = kzalloc(sizeof(*vf));
	struct file *f;

	if (!vf)
		return NULL;
	f = file_new(ops, vf, flags);
	if (!f) {
		kfree(vf);
		return NULL;
	}
	vf->vn = vnode_ref(vn);
	return f;
}

void vfile_release(struct file *f)
{
	struct vfile *vf = f->priv;

	rangelock_drop(vf->vn, f);
	if (vf->flock)
		(void)vfile_flock(f, LOCK_UN);
	if (!(f->flags & O_PATH))
		notify_vnode(vf->vn, (f->flags & O_ACCMODE) == O_RDONLY ?
					     IN_CLOSE_NOWRITE :
					     IN_CLOSE_WRITE);
	vnode_unref(vf->vn);
	kfree(vf->text);
	kfree(vf);
}

struct vnode *file_vnode(const struct file *f)
{
	const struct vfile *vf = f->priv;

	return f->ops->release == vfile_release ? vf->vn : NULL;
}

int vfile_stat(struct file *f, struct stat *st)
{
	vnode_stat(file_vnode(f), st);
	return 0;
}

const struct file_ops pathfile_ops = {
	.stat = vfile_stat,
	.release = vfile_release,
};

int open_tree_vnode(struct vnode *vn, uint32_t flags, struct file **ret)
{
	if (S_ISCHR(vn->mode))
		return devfile_open(vn, flags, ret);
	if (S_ISFIFO(vn->mode))
		return fifo_open(vn, flags, ret);
	if (!S_ISREG(vn->mode))
		return -ENXIO;
	*ret = vfile_new(&regfile_ops, vn, flags);
	return *ret ? 0 : -ENOMEM;
}

/* ---- an existing vnode ------------------------------------------------- */

static uint32_t access_of_flags(uint32_t flags)
{
	static const uint32_t masks[4] = {
		[O_RDONLY] = ACCESS_R,
		[O_WRONLY] = ACCESS_W,
		[O_RDWR] = ACCESS_R | ACCESS_W,
		[O_ACCMODE] = ACCESS_R | ACCESS_W,
	};
	uint32_t mask = masks[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | ACCESS_W : mask;
}

static int check_open(const struct vnode *vn, uint32_t flags)
{
	int rc;

	if ((flags & O_DIRECTORY) && !vnode_is_dir(vn))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISLNK(vn->mode))
		return -ELOOP;
	if (vnode_is_dir(vn) &&
	    ((flags & O_CREAT) || (access_of_flags(flags) & ACCESS_W)))
		return -EISDIR;
	if ((flags & O_NOATIME) && vnode_may_own(vn))
		return -EPERM;
	rc = vnode_access(vn, access_of_flags(flags));
	if (!rc && vn == vfs_exe() && (access_of_flags(flags) & ACCESS_W))
		rc = -ETXTBSY;
	return rc;
}

static int open_vnode(struct vnode *vn, uint32_t flags, struct file **ret)
{
	uint32_t kept = (flags & ~(uint32_t)FLAGS_DROPPED) | O_LARGEFILE;

	if (flags & O_PATH)
		*ret = vfile_new(&pathfile_ops, vn, flags & FLAGS_PATH);
	else if (vnode_is_dir(vn))
		*ret = vfile_new(&dirfile_ops, vn, kept);
	else
		return vn->ops->open(vn, kept, ret);
	return *ret ? 0 : -ENOMEM;
}

static int open_existing(struct vnode *vn, uint32_t flags, struct file **ret)
{
	int rc = check_open(vn, flags);

	if (rc)
		return rc;
	rc = open_vnode(vn, flags, ret);
	if (!rc && (flags & O_TRUNC) && (*ret)->ops == &regfile_ops)
		(void)regfile_truncate(vn, 0);
	return rc;
}

/* /proc/self/fd/N of a pipe, a socket, the console: the same open file. */
static int open_again(struct file *f, uint32_t flags, struct file **ret)
{
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	*ret = file_ref(f);
	return 0;
}

/* ---- a new one --------------------------------------------------------- */

static int open_tmpfile(struct vnode *dir, const struct open_request *rq,
			struct file **ret)
{
	struct vnode *vn;
	int rc;

	if (!dir || !vnode_is_dir(dir))
		return -ENOTDIR;
	if (dir->ops != &tree_ops)
		return -EOPNOTSUPP;
	rc = vnode_access(dir, ACCESS_W | ACCESS_X);
	if (rc)
		return rc;
	vn = vnode_new(S_IFREG | (rq->mode & ~vfs_umask & 07777));
	if (!vn)
		return -ENOMEM;
	vn->linkable = !(rq->flags & O_EXCL);
	rc = open_vnode(vn, rq->flags, ret);
	vnode_unref(vn);
	return rc;
}

static int open_created(const struct path_result *p,
			const struct open_request *rq, struct file **ret)
{
	struct vnode *vn;
	int rc;

	if (rq->flags & O_DIRECTORY)
		return -ENOENT;
	rc = tree_create(&p->e, S_IFREG | (rq->mode & ~vfs_umask & 07777), 0,
			 &vn);
	if (rc)
		return rc;
	rc = open_vnode(vn, rq->flags, ret);
	vnode_unref(vn);
	return rc;
}

static int open_result(const struct path_result *p,
		       const struct open_request *rq, struct file **ret)
{
	if (rq->flags & __O_TMPFILE)
		return open_tmpfile(p->e.vn, rq, ret);
	if (p->file)
		return open_again(p->file, rq->flags, ret);
	if (rq->flags & O_CREAT) {
		if (!p->e.vn)
			return open_created(p, rq, ret);
		if (rq->flags & O_EXCL)
			return -EEXIST;
	}
	return open_existing(p->e.vn, rq->flags, ret);
}

int vfs_open(const struct open_request *rq, struct file **ret)
{
	struct open_request r = *rq;
	struct path_result p;
	uint32_t how = 0;
	int rc;

	if (r.flags & O_PATH)
		r.flags &= FLAGS_PATH | O_CLOEXEC;
	if (r.flags & __O_TMPFILE) {
		if (!(r.flags & O_DIRECTORY) || r.flags & O_CREAT ||
		    !(access_of_flags(r.flags) & ACCESS_W))
			return -EINVAL;
	} else if ((r.flags & O_CREAT) && (r.flags & O_DIRECTORY)) {
		return -EINVAL;
	}
	if (r.flags & O_CREAT)
		how |= PATH_MISSING | PATH_CREATE;
	if (!(r.flags & O_NOFOLLOW) &&
	    (r.flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		how |= PATH_FOLLOW;
	rc = path_lookup(r.dirfd, r.path, how, &p);
	if (rc)
		return rc;
	rc = open_result(&p, &r, ret);
	path_release(&p);
	if (!rc && !(r.flags & O_PATH) && file_vnode(*ret))
		notify_vnode(file_vnode(*ret), IN_OPEN);
	return rc;
}

/* ---- for the loader ---------------------------------------------------- */

int vfs_open_exec(const char *path, struct file **ret)
{
	struct vnode *vn;
	int rc = path_vnode(AT_FDCWD, path, PATH_FOLLOW, &vn);

	if (rc)
		return rc;
	if (!S_ISREG(vn->mode) || vn->ops != &tree_ops)
		rc = -EACCES;
	if (!rc)
		rc = vnode_access(vn, ACCESS_X);
	if (!rc)
		rc = open_tree_vnode(vn, O_RDONLY | O_LARGEFILE, ret);
	if (!rc && !exe)
		exe = vnode_ref(vn);
	vnode_unref(vn);
	return rc;
}

struct vnode *vfs_exe(void)
{
	return exe;
}

long vfs_pread(struct file *f, void *buf, size_t len, int64_t off)
{
	struct iov_iter it;

	if (!f->ops->read)
		return -EINVAL;
	iov_iter_init_kernel(&it, buf, len);
	return f->ops->read(f, &it, &off);
}
