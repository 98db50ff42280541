/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls of inotify: instances, and watches on what a path names. What
 * is watched and told is in fs/inotify.c.
 */
#include <linux/inotify.h>
#include <linux/stat.h>

#include "fs/inotify.h"
#include "sys/files.h"

static long do_init(uint32_t flags)
{
	struct file *f;

	if (flags & ~(uint32_t)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	f = inotify_new(flags & IN_NONBLOCK);
	return f ? fd_install(f, 0, flags & IN_CLOEXEC) : -ENOMEM;
}

long sys_inotify_init(struct mf_regs *r)
{
	(void)r;
	return do_init(0);
}

long sys_inotify_init1(struct mf_regs *r)
{
	return do_init((uint32_t)r->rdi);
}

long sys_inotify_add_watch(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);
	uint32_t mask = (uint32_t)r->rdx;
	struct at_target t;
	long rc;

	if (!(mask & IN_ALL_EVENTS) ||
	    ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
		return -EINVAL;
	if (!f)
		return -EBADF;
	if (!file_is_inotify(f))
		return -EINVAL;
	rc = at_lookup(AT_FDCWD, r->rsi,
		       mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &t);
	if (rc)
		return rc;
	if (!t.vn)
		rc = -EACCES;
	else if ((mask & IN_ONLYDIR) && !vnode_is_dir(t.vn))
		rc = -ENOTDIR;
	else
		rc = vnode_access(t.vn, ACCESS_R);
	if (!rc)
		rc = inotify_add(f, t.vn, mask);
	at_release(&t);
	return rc;
}

long sys_inotify_rm_watch(struct mf_regs *r)
{
	struct file *f = fd_get_real((int)r->rdi);

	if (!f)
		return -EBADF;
	return file_is_inotify(f) ? inotify_remove(f, (int)r->rsi) : -EINVAL;
}
