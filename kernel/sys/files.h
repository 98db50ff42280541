/* SPDX-License-Identifier: Apache-2.0 */
/* What the system calls on files share. */
#ifndef KERNEL_SYS_FILES_H
#define KERNEL_SYS_FILES_H

#include <linux/fcntl.h>

#include "fs/open.h"
#include "fs/vfs.h"
#include "sys/syscall.h"

/* A descriptor's file; not one that is only a path (O_PATH). Or NULL. */
static inline struct file *fd_get_real(int fd)
{
	struct file *f = fd_get(fd);

	return f && !(f->flags & O_PATH) ? f : NULL;
}

static inline bool file_readable(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_RDONLY ||
	       (f->flags & O_ACCMODE) == O_RDWR;
}

static inline bool file_writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_WRONLY ||
	       (f->flags & O_ACCMODE) == O_RDWR;
}

/*
 * What (dirfd, path, flags) of an ...at call names, where flags has AT_*:
 * a vnode, with one reference, or a file without one. With AT_EMPTY_PATH an
 * empty path is dirfd itself. 0 or -errno.
 */
struct at_target {
	struct vnode *vn;
	struct file *file;
};

/* fcntl(2) with one of the locking commands. */
long fcntl_lock(struct file *f, uint32_t cmd, uint64_t arg);

int at_lookup(int dirfd, uint64_t upath, uint32_t flags, struct at_target *ret);
void at_release(struct at_target *t);

#endif
