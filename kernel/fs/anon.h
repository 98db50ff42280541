/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name: pipes, event counters, timers. */
#ifndef KERNEL_FS_ANON_H
#define KERNEL_FS_ANON_H

#include "fs/file.h"

struct bytebuf;

struct itimerspec_ns {
	uint64_t interval_ns;
	uint64_t value_ns; /* 0: disarmed */
};

/* Both ends, one reference each. flags: O_NONBLOCK. 0 or -ENOMEM. */
int pipe_new(uint32_t flags, struct file **ret_read, struct file **ret_write);
/* open(2) of a FIFO: waits for the other side unless O_NONBLOCK. */
struct vnode;
int fifo_open(struct vnode *vn, uint32_t flags, struct file **ret);
bool file_is_pipe(const struct file *f);
/* Capacity in bytes; setting returns it or -errno. */
long pipe_capacity(const struct file *f);
long pipe_set_capacity(struct file *f, uint64_t size);

/* The queue inside, for splice; wakes those who wait on either end. */
struct bytebuf *pipe_bytes(struct file *f);
void pipe_changed(struct file *f);

/* NULL: no memory. */
struct file *eventfd_new(uint64_t initial, bool semaphore, uint32_t flags);

struct file *timerfd_new(bool realtime, uint32_t flags);
/* -EINVAL if f is no timer. flags: TFD_TIMER_*. */
int timerfd_set(struct file *f, uint32_t flags, const struct itimerspec_ns *t,
		struct itimerspec_ns *ret_old);
/* Realtime has jumped: tells those who asked to be told. */
void timerfd_clock_set(void);
int timerfd_get(struct file *f, struct itimerspec_ns *ret);

#endif
