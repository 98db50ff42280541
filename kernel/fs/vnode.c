/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime, attributes and permissions of vnodes, and the way from a vnode
 * back to its path. Time stamps are exact; reading a file moves its atime
 * only as Linux's relatime does.
 */
#include "fs/vnode.h"

#include <asm/stat.h>

#include "core/alloc.h"
#include "core/time.h"
#include "fs/dir.h"
#include "fs/image.h"
#include "fs/regfile.h"
#include "fs/tree.h"

#define DAY_SEC 86400

struct vfs_ids vfs_ids;

struct vtime vtime_now(void)
{
	uint64_t ns = time_real_ns();

	return (struct vtime){ .sec = (int64_t)(ns / NS_PER_SEC),
			       .nsec = (uint32_t)(ns % NS_PER_SEC) };
}

struct vnode *vnode_new(uint32_t mode)
{
	struct vnode *vn = kzalloc(sizeof(*vn));

	if (!vn)
		return NULL;
	vn->ops = &tree_ops;
	vn->refs = 1;
	vn->mode = mode;
	vn->uid = vfs_uid();
	vn->gid = vfs_gid();
	vn->dev = VFS_DEV_TREE;
	vn->ino = image_next_ino();
	vn->atime = vn->mtime = vn->ctime = vtime_now();
	if (vnode_is_dir(vn)) {
		list_init(&vn->u.dir.entries);
		vn->u.dir.next_cookie = 2; /* behind "." and ".." */
		vn->nlink = 2;
	}
	return vn;
}

/*
 * Releasing a vnode can release the directory its removed name was in, and
 * so on up: a loop, because paths can be long.
 */
void vnode_unref(struct vnode *vn)
{
	while (vn && --vn->refs == 0) {
		struct vnode *dir = NULL;

		if (vn->link && vn->link->owned) {
			dir = vn->link->dir;
			kfree(vn->link);
		}
		if (vn->ops->fini)
			vn->ops->fini(vn);
		kfree(vn);
		vn = dir;
	}
}

/* ---- time stamps ------------------------------------------------------- */

void vnode_touch_data(struct vnode *vn)
{
	vn->mtime = vn->ctime = vtime_now();
}

static bool vtime_not_after(const struct vtime *a, const struct vtime *b)
{
	return a->sec < b->sec || (a->sec == b->sec && a->nsec <= b->nsec);
}

void vnode_touch_atime(struct vnode *vn)
{
	struct vtime now = vtime_now();

	if (vtime_not_after(&vn->atime, &vn->mtime) ||
	    vtime_not_after(&vn->atime, &vn->ctime) ||
	    now.sec - vn->atime.sec >= DAY_SEC)
		vn->atime = now;
}

void vnode_stat(const struct vnode *vn, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = vn->dev;
	st->st_ino = vn->ino;
	st->st_nlink = vn->nlink;
	st->st_mode = vn->mode;
	st->st_uid = vn->uid;
	st->st_gid = vn->gid;
	st->st_rdev = vn->rdev;
	st->st_blksize = PAGE_SIZE;
	if (S_ISREG(vn->mode) && vn->ops == &tree_ops) {
		st->st_size = (long)vn->u.reg.size;
		st->st_blocks = (long)regfile_blocks(vn);
	} else if (S_ISDIR(vn->mode) && vn->ops == &tree_ops) {
		st->st_size = PAGE_SIZE;
		st->st_blocks = 8;
	} else if (S_ISLNK(vn->mode) && vn->ops == &tree_ops) {
		st->st_size = (long)strlen(vn->u.target);
	}
	st->st_atime = (unsigned long)vn->atime.sec;
	st->st_atime_nsec = vn->atime.nsec;
	st->st_mtime = (unsigned long)vn->mtime.sec;
	st->st_mtime_nsec = vn->mtime.nsec;
	st->st_ctime = (unsigned long)vn->ctime.sec;
	st->st_ctime_nsec = vn->ctime.nsec;
}

/* ---- permissions ------------------------------------------------------- */

int vnode_access_as(const struct vnode *vn, uint32_t mask, uint32_t uid,
		    uint32_t gid)
{
	uint32_t bits = vn->mode;

	if (uid == 0) {
		/* The superuser may all but run what nobody may run. */
		if ((mask & ACCESS_X) && !vnode_is_dir(vn) && !(bits & 0111))
			return -EACCES;
		return 0;
	}
	if (uid == vn->uid)
		bits >>= 6;
	else if (gid == vn->gid)
		bits >>= 3;
	return (mask & ~bits & 7) ? -EACCES : 0;
}

int vnode_access(const struct vnode *vn, uint32_t mask)
{
	return vnode_access_as(vn, mask, vfs_uid(), vfs_gid());
}

int vnode_may_own(const struct vnode *vn)
{
	return vfs_uid() == 0 || vfs_uid() == vn->uid ? 0 : -EPERM;
}

/* ---- paths ------------------------------------------------------------- */

long vnode_path(const struct vnode *vn, char *buf, size_t size, bool mark)
{
	static const char note[] = " (deleted)";
	size_t at = size;
	bool deleted = false;

	/* Written from the end towards the start, then moved. */
	for (const struct vnode *v = vn; v->link; v = v->link->dir) {
		const struct dentry *d = v->link;

		deleted = deleted || d->deleted;
		if (at < d->name_len + 1u + sizeof(note) + 1)
			return -ENAMETOOLONG;
		at -= d->name_len;
		memcpy(buf + at, d->name, d->name_len);
		buf[--at] = '/';
	}
	if (deleted && !mark)
		return -ENOENT;
	if (at == size)
		buf[--at] = '/';
	memmove(buf, buf + at, size - at);
	at = size - at;
	if (deleted) {
		memcpy(buf + at, note, sizeof(note) - 1);
		at += sizeof(note) - 1;
	}
	buf[at] = '\0';
	return (long)at;
}
