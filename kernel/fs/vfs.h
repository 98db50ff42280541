/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system as the rest of the kernel sees it: one tree, its root, the
 * working directory. Opened files are struct file (fs/file.h); a loader
 * reads them through ops->read, ops->stat and ops->extent.
 */
#ifndef KERNEL_FS_VFS_H
#define KERNEL_FS_VFS_H

#include "fs/vnode.h"

extern struct vnode *vfs_root;
extern struct vnode *vfs_cwd; /* one reference */
extern uint32_t vfs_umask;

/*
 * Mounts the image, adds /proc, /dev, /sys and the directories and files
 * every program expects, and enters the working directory. 0 or -errno.
 */
int vfs_init(void);

/*
 * Opens a program (or its interpreter) for execution; relative paths start
 * at the working directory. The first one opened is /proc/self/exe. 0,
 * -ENOENT, -EACCES (also if not a regular file), ...
 */
int vfs_open_exec(const char *path, struct file **ret);
/* The vnode of /proc/self/exe, borrowed; NULL: none yet. */
struct vnode *vfs_exe(void);

/* Enters a directory; 0, -ENOTDIR or -EACCES. */
int vfs_chdir(struct vnode *dir);

/* Bytes from `off` on into kernel memory; fewer only at the end. */
long vfs_pread(struct file *f, void *buf, size_t len, int64_t off);

#endif
