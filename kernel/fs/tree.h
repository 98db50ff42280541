/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the tree: names made, moved and removed, with Linux's checks and
 * results. Each function gets names whose directory exists; `vn` is what the
 * name means now (NULL: nothing). All return 0 or -errno and leave things
 * as they were on failure.
 */
#ifndef KERNEL_FS_TREE_H
#define KERNEL_FS_TREE_H

#include "fs/dir.h"

extern const struct vnode_ops tree_ops;

struct tree_entry {
	struct dir_name n;
	struct vnode *vn; /* NULL: nothing has this name */
};

/* Regular files, directories and devices; mode has the type. */
int tree_create(const struct tree_entry *e, uint32_t mode, uint32_t rdev,
		struct vnode **ret);
int tree_symlink(const struct tree_entry *e, const char *target);
int tree_link(const struct tree_entry *e, struct vnode *vn);
int tree_unlink(const struct tree_entry *e);
int tree_rmdir(const struct tree_entry *e);
int tree_rename(const struct tree_entry *from, const struct tree_entry *to);
int tree_exchange(const struct tree_entry *a, const struct tree_entry *b);

#endif
