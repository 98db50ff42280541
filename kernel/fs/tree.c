/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules for changing the tree: who may, what must be empty, what must be
 * a directory, and the link counts and time stamps that follow. fs/dir.c
 * moves the names.
 */
#include "fs/tree.h"

#include <linux/inotify.h>

#include "core/alloc.h"
#include "fs/image.h"
#include "fs/inotify.h"
#include "fs/open.h"
#include "fs/regfile.h"

static long tree_readlink(struct vnode *vn, char *buf, size_t size)
{
	size_t len = strlen(vn->u.target);

	if (len > size)
		len = size;
	memcpy(buf, vn->u.target, len);
	return (long)len;
}

static void tree_fini(struct vnode *vn)
{
	if (S_ISDIR(vn->mode)) {
		dir_fini(vn);
		return;
	}
	image_forget(vn);
	if (S_ISREG(vn->mode))
		regfile_fini(vn);
	else if (S_ISLNK(vn->mode))
		kfree(vn->u.target);
}

const struct vnode_ops tree_ops = {
	.lookup = dir_lookup,
	.list = dir_list,
	.readlink = tree_readlink,
	.open = open_tree_vnode,
	.fini = tree_fini,
};

/* ---- checks ------------------------------------------------------------ */

static int may_add(const struct tree_entry *e)
{
	if (e->vn)
		return -EEXIST;
	if (e->n.dir->ops != &tree_ops)
		return -ENOENT; /* as in Linux's /proc */
	if (e->n.dir->u.dir.removed)
		return -ENOENT;
	return vnode_access(e->n.dir, ACCESS_W | ACCESS_X);
}

static int may_delete(const struct tree_entry *e)
{
	const struct vnode *dir = e->n.dir;
	int rc;

	if (!e->vn)
		return -ENOENT;
	if (dir->ops != &tree_ops)
		return -EPERM;
	rc = vnode_access(dir, ACCESS_W | ACCESS_X);
	if (rc)
		return rc;
	if ((dir->mode & S_ISVTX) && vfs_uid() != 0 &&
	    vfs_uid() != e->vn->uid && vfs_uid() != dir->uid)
		return -EPERM;
	return e->vn->pinned ? -EBUSY : 0;
}

/* ---- making names ------------------------------------------------------ */

static int add(const struct tree_entry *e, struct vnode *vn)
{
	int rc = dir_insert(&e->n, vn);

	if (rc)
		return rc;
	if (vnode_is_dir(vn))
		e->n.dir->nlink++;
	vnode_touch_data(e->n.dir);
	notify_name(&e->n, vn, IN_CREATE, 0);
	return 0;
}

int tree_create(const struct tree_entry *e, uint32_t mode, uint32_t rdev,
		struct vnode **ret)
{
	struct vnode *vn;
	int rc = may_add(e);

	if (rc)
		return rc;
	vn = vnode_new(mode);
	if (!vn)
		return -ENOMEM;
	if (e->n.dir->mode & S_ISGID) {
		vn->gid = e->n.dir->gid;
		if (S_ISDIR(mode))
			vn->mode |= S_ISGID;
	}
	vn->rdev = rdev;
	if (!S_ISDIR(mode))
		vn->nlink = 1;
	rc = add(e, vn);
	if (rc || !ret)
		vnode_unref(vn);
	else
		*ret = vn;
	return rc;
}

int tree_symlink(const struct tree_entry *e, const char *target)
{
	size_t len = strlen(target);
	struct vnode *vn;
	int rc = may_add(e);

	if (rc)
		return rc;
	vn = vnode_new(S_IFLNK | 0777);
	if (!vn)
		return -ENOMEM;
	vn->nlink = 1;
	vn->u.target = kzalloc(len + 1);
	if (vn->u.target) {
		memcpy(vn->u.target, target, len);
		rc = add(e, vn);
	} else {
		rc = -ENOMEM;
	}
	vnode_unref(vn);
	return rc;
}

int tree_link(const struct tree_entry *e, struct vnode *vn)
{
	int rc;

	if (e->vn)
		return -EEXIST;
	if (vn->dev != e->n.dir->dev)
		return -EXDEV;
	rc = may_add(e);
	if (rc)
		return rc;
	if (vnode_is_dir(vn))
		return -EPERM;
	if (!vn->nlink && !vn->linkable)
		return -ENOENT;
	rc = add(e, vn);
	if (rc)
		return rc;
	vn->nlink++;
	vn->ctime = vtime_now();
	notify_self(vn, IN_ATTRIB);
	return 0;
}

/* ---- removing names ---------------------------------------------------- */

/* A name of vn is gone, or will be. */
static void drop_link_count(struct vnode *vn, struct vnode *dir)
{
	if (vnode_is_dir(vn)) {
		vn->u.dir.removed = true;
		vn->nlink = 0;
		dir->nlink--;
	} else {
		vn->nlink--;
	}
	vn->ctime = vtime_now();
}

static int take_away(const struct tree_entry *e)
{
	int rc;

	vnode_ref(e->vn);
	rc = dir_remove(&e->n);
	if (!rc) {
		drop_link_count(e->vn, e->n.dir);
		vnode_touch_data(e->n.dir);
		if (!vnode_is_dir(e->vn))
			notify_self(e->vn, IN_ATTRIB);
		notify_name(&e->n, e->vn, IN_DELETE, 0);
		if (!e->vn->nlink)
			notify_gone(e->vn);
	}
	vnode_unref(e->vn);
	return rc;
}

int tree_unlink(const struct tree_entry *e)
{
	int rc = may_delete(e);

	if (rc)
		return rc;
	return vnode_is_dir(e->vn) ? -EISDIR : take_away(e);
}

/* 0 if a directory may vanish. */
static int check_empty(struct vnode *dir)
{
	int rc;

	if (dir->ops != &tree_ops)
		return -EBUSY;
	rc = dir_is_empty(dir);
	if (rc < 0)
		return rc;
	return rc ? 0 : -ENOTEMPTY;
}

int tree_rmdir(const struct tree_entry *e)
{
	int rc = may_delete(e);

	if (!rc && !vnode_is_dir(e->vn))
		rc = -ENOTDIR;
	if (!rc)
		rc = check_empty(e->vn);
	return rc ? rc : take_away(e);
}

/* ---- moving names ------------------------------------------------------ */

static void move_dir_count(const struct vnode *vn, struct vnode *from,
			   struct vnode *to)
{
	if (vnode_is_dir(vn) && from != to) {
		from->nlink--;
		to->nlink++;
	}
}

static void touch_renamed(const struct tree_entry *a,
			  const struct tree_entry *b, struct vnode *vn)
{
	vnode_touch_data(a->n.dir);
	vnode_touch_data(b->n.dir);
	vn->ctime = vtime_now();
}

static void notify_move(const struct tree_entry *from,
			const struct tree_entry *to, const struct vnode *vn)
{
	static uint32_t cookie;

	cookie++;
	notify_name(&from->n, vn, IN_MOVED_FROM, cookie);
	notify_name(&to->n, vn, IN_MOVED_TO, cookie);
}

static int check_target(const struct tree_entry *from,
			const struct tree_entry *to)
{
	int rc;

	if (!to->vn)
		return may_add(to);
	rc = may_delete(to);
	if (rc)
		return rc;
	if (vnode_is_dir(from->vn))
		return vnode_is_dir(to->vn) ? check_empty(to->vn) : -ENOTDIR;
	return vnode_is_dir(to->vn) ? -EISDIR : 0;
}

int tree_rename(const struct tree_entry *from, const struct tree_entry *to)
{
	int rc;

	if (!from->vn)
		return -ENOENT;
	if (from->n.dir->dev != to->n.dir->dev)
		return -EXDEV;
	if (dir_is_below(to->n.dir, from->vn))
		return -EINVAL;
	if (to->vn && dir_is_below(from->n.dir, to->vn))
		return -ENOTEMPTY;
	if (from->vn == to->vn)
		return 0;
	rc = may_delete(from);
	if (!rc)
		rc = check_target(from, to);
	if (!rc)
		rc = dir_move(&from->n, &to->n);
	if (rc)
		return rc;
	if (to->vn)
		drop_link_count(to->vn, to->n.dir);
	move_dir_count(from->vn, from->n.dir, to->n.dir);
	touch_renamed(from, to, from->vn);
	notify_move(from, to, from->vn);
	if (to->vn) {
		notify_self(to->vn, IN_ATTRIB);
		if (!to->vn->nlink)
			notify_gone(to->vn);
	}
	notify_self(from->vn, IN_MOVE_SELF);
	return 0;
}

int tree_exchange(const struct tree_entry *a, const struct tree_entry *b)
{
	int rc;

	if (!a->vn || !b->vn)
		return -ENOENT;
	if (a->n.dir->dev != b->n.dir->dev)
		return -EXDEV;
	if (dir_is_below(b->n.dir, a->vn) || dir_is_below(a->n.dir, b->vn))
		return -EINVAL;
	if (a->vn == b->vn)
		return 0;
	rc = may_delete(a);
	if (!rc)
		rc = may_delete(b);
	if (!rc)
		rc = dir_exchange(&a->n, &b->n);
	if (rc)
		return rc;
	move_dir_count(a->vn, a->n.dir, b->n.dir);
	move_dir_count(b->vn, b->n.dir, a->n.dir);
	touch_renamed(a, b, a->vn);
	b->vn->ctime = a->vn->ctime;
	notify_move(a, b, a->vn);
	notify_self(a->vn, IN_MOVE_SELF);
	notify_move(b, a, b->vn);
	notify_self(b->vn, IN_MOVE_SELF);
	return 0;
}
