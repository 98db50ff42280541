/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of the tree: names in RAM over a directory of the image. An
 * image directory is read name by name as they are asked for, and read whole
 * before it is listed or a name is removed. Link counts, time stamps and
 * permissions are the callers' (fs/tree.c).
 */
#ifndef KERNEL_FS_DIR_H
#define KERNEL_FS_DIR_H

#include "fs/vnode.h"

/* A name in a directory, which may or may not be there. */
struct dir_name {
	struct vnode *dir;
	const char *name;
	size_t len;
};

/* 0, -ENOENT, -ENOMEM or -EUCLEAN. */
int dir_lookup(struct vnode *dir, const char *name, size_t len,
	       struct vnode **ret);
int dir_list(struct vnode *dir, int64_t pos, dir_emit emit, void *ctx);

/* Adds a name that is not there; takes a reference of vn. 0/-errno. */
int dir_insert(const struct dir_name *n, struct vnode *vn);
/* Removes a name that was looked up. 0/-errno, then nothing has changed. */
int dir_remove(const struct dir_name *n);
/* Moves a name over another one, which it replaces. 0/-errno, likewise. */
int dir_move(const struct dir_name *from, const struct dir_name *to);
/* Two names that were looked up exchange their meaning. 0/-errno. */
int dir_exchange(const struct dir_name *a, const struct dir_name *b);
/* 1, 0, or -errno. */
int dir_is_empty(struct vnode *dir);
void dir_fini(struct vnode *dir);

/* The directory above; the root's is the root. Borrowed. */
struct vnode *dir_parent(struct vnode *dir);
/* True if `dir` is `top` or lies below it. */
bool dir_is_below(const struct vnode *dir, const struct vnode *top);

/* Gives a vnode outside directories a name and a parent, for its path. */
int vnode_set_link(struct vnode *vn, const struct dir_name *n);

#endif
