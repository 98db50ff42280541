/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a program what happens to files it watches, as inotify(7). The
 * file tree calls the notify functions; they cost a test while nobody
 * watches anything.
 */
#ifndef KERNEL_FS_INOTIFY_H
#define KERNEL_FS_INOTIFY_H

#include "fs/dir.h"

/* A new instance, or NULL. flags: O_NONBLOCK. */
struct file *inotify_new(uint32_t flags);
/* The watch's number, or -errno; -EINVAL if f is no instance. */
long inotify_add(struct file *f, struct vnode *vn, uint32_t mask);
int inotify_remove(struct file *f, int wd);
bool file_is_inotify(const struct file *f);

extern unsigned inotify_watch_count;

/* `mask` is one of IN_*; IN_ISDIR is added here. */
void inotify_vnode(struct vnode *vn, uint32_t mask);
void inotify_self(struct vnode *vn, uint32_t mask);
void inotify_name(const struct dir_name *n, const struct vnode *vn,
		  uint32_t mask, uint32_t cookie);
void inotify_gone(struct vnode *vn);

/* Something happened to vn: its directory and itself are told. */
static inline void notify_vnode(struct vnode *vn, uint32_t mask)
{
	if (inotify_watch_count)
		inotify_vnode(vn, mask);
}

/* Something that concerns vn alone. */
static inline void notify_self(struct vnode *vn, uint32_t mask)
{
	if (inotify_watch_count)
		inotify_self(vn, mask);
}

/* Something happened to a name; cookie joins the halves of a move. */
static inline void notify_name(const struct dir_name *n, const struct vnode *vn,
			       uint32_t mask, uint32_t cookie)
{
	if (inotify_watch_count)
		inotify_name(n, vn, mask, cookie);
}

/* vn has lost its last name: ends its watches. */
static inline void notify_gone(struct vnode *vn)
{
	if (inotify_watch_count)
		inotify_gone(vn);
}

#endif
