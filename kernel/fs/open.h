/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening vnodes, and what an open file of a vnode carries. Every struct
 * file whose ops->release is vfile_release has a struct vfile as priv.
 */
#ifndef KERNEL_FS_OPEN_H
#define KERNEL_FS_OPEN_H

#include "fs/path.h"

struct vfile {
	struct vnode *vn; /* one reference */
	char *text; /* pseudo files: what they said when opened */
	size_t text_len;
	int flock; /* LOCK_SH or LOCK_EX held, 0: none */
	uint64_t seen; /* fs/proc_mayfly.c: mf_boot.generation as of a read */
};

struct open_request {
	int dirfd;
	const char *path;
	uint32_t flags; /* O_* */
	uint32_t mode; /* of a new file, before the umask */
};

/* As open(2). */
int vfs_open(const struct open_request *rq, struct file **ret);
/* vnode_ops.open of the tree: regular files and devices. */
int open_tree_vnode(struct vnode *vn, uint32_t flags, struct file **ret);

/* A struct file for vn (which gets a further reference), or NULL. */
struct file *vfile_new(const struct file_ops *ops, struct vnode *vn,
		       uint32_t flags);
void vfile_release(struct file *f);
int vfile_stat(struct file *f, struct stat *st);

/* Borrowed; NULL for pipes, sockets and the like. */
struct vnode *file_vnode(const struct file *f);

extern const struct file_ops regfile_ops;
extern const struct file_ops dirfile_ops;
extern const struct file_ops pathfile_ops; /* O_PATH */

/* fs/devfiles.c: a file for a character device, or -ENXIO. */
int devfile_open(struct vnode *vn, uint32_t flags, struct file **ret);

/* flock(2); op has LOCK_* bits. Sleeps unless LOCK_NB. */
int vfile_flock(struct file *f, int op);

#endif
