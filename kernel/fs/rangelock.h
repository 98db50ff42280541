/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on ranges of bytes, as fcntl(2) makes them. They belong to the
 * process or to an open file; those of one owner never conflict.
 */
#ifndef KERNEL_FS_RANGELOCK_H
#define KERNEL_FS_RANGELOCK_H

#include "fs/vnode.h"

struct rangelock {
	struct list node; /* all locks of all files */
	const struct vnode *vn;
	const struct file *owner; /* NULL: the process */
	int64_t start, end; /* both inside; end INT64_MAX: without end */
	int type; /* F_RDLCK, F_WRLCK; in a request also F_UNLCK */
};

/* The lock that keeps `want` from being had, with the lowest start, or NULL. */
const struct rangelock *rangelock_conflict(const struct rangelock *want);
/*
 * Makes the owner's lock on the range what `want` says; with `wait` sleeps as
 * long as somebody is in the way. 0, -EAGAIN, -ENOLCK or -ERESTARTSYS.
 */
int rangelock_set(const struct rangelock *want, bool wait);
/* All locks of this owner on the file go. */
void rangelock_drop(const struct vnode *vn, const struct file *owner);

#endif
