/* SPDX-License-Identifier: Apache-2.0 */
/* Epoll instances, and what closing a file means to them. */
#ifndef KERNEL_FS_EPOLL_H
#define KERNEL_FS_EPOLL_H

#include "fs/file.h"

struct epoll_event; /* linux/eventpoll.h */

/* A new epoll file, or NULL. */
struct file *epoll_new(void);

/*
 * epoll_ctl(2) on `fd` which names `target`. 0 or -errno; -EINVAL if `ep` is
 * not an epoll file.
 */
int epoll_ctl_file(struct file *ep, int op, int fd, struct file *target,
		   const struct epoll_event *ev);

/*
 * Waits for events and copies up to max to the program's array at uevents.
 * Their number, 0 when deadline_ns passed, or -errno.
 */
long epoll_wait_file(struct file *ep, uint64_t uevents, int max,
		     uint64_t deadline_ns);

/* The last reference to f is going: every epoll forgets it. */
void epoll_forget_file(struct file *f);

#endif
