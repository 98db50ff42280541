/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From paths to vnodes. Lookups do not sleep, so one static buffer serves
 * them all: a result's name stays valid until the next lookup.
 */
#ifndef KERNEL_FS_PATH_H
#define KERNEL_FS_PATH_H

#include "fs/tree.h"

#define SYMLINKS_MAX 40

enum path_flag {
	PATH_FOLLOW = 1, /* a symbolic link at the end is followed */
	PATH_MISSING = 2, /* the last name need not exist: then vn is NULL; a
			   * slash behind it is the caller's matter */
	PATH_PARENT = 4, /* the last name itself is meant: not followed, and
			  * a slash behind it is the caller's matter */
	PATH_CREATE = 8, /* -EISDIR if a slash follows the last name */
};

/* What the last component was. */
enum path_last {
	PATH_NORM = 0,
	PATH_ROOT, /* nothing but slashes */
	PATH_DOT,
	PATH_DOTDOT,
};

/*
 * e.n names the last component (with PATH_NORM; e.n.dir holds a reference,
 * or is NULL), e.vn what it means (a reference, or NULL).
 */
struct path_result {
	struct tree_entry e;
	struct file *file; /* reached through /proc/self/fd, no vnode */
	enum path_last last;
	bool slash; /* one or more behind the last component */
};

/* A program's path relative to dirfd (AT_FDCWD: the working directory). */
int path_lookup(int dirfd, const char *path, uint32_t flags,
		struct path_result *ret);
void path_release(struct path_result *p);

/* Only the vnode: 0 or -errno; a path that ends in a file is -ENOENT. */
int path_vnode(int dirfd, const char *path, uint32_t flags, struct vnode **ret);

/* Copies a program's path to one of two static buffers (0 or 1). */
int path_from_user(uint64_t upath, unsigned which, const char **ret);

#endif
