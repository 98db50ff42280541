/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on descriptors: closing, duplicating, fcntl, ioctl, and
 * files without a name.
 */
#include <asm/ioctls.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/timerfd.h>

#include "core/rlimit.h"
#include "fs/anon.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/syscall.h"

#define SETFL_MASK (O_APPEND | O_NONBLOCK | FASYNC | O_DIRECT | O_NOATIME)

/* EFD_SEMAPHORE; no header of the kernel has it. */
#define EFD_SEMAPHORE_FLAG 1u

long sys_close(struct mf_regs *r)
{
	return fd_close((int)r->rdi);
}

long sys_close_range(struct mf_regs *r)
{
	uint32_t first = (uint32_t)r->rdi, last = (uint32_t)r->rsi;
	uint32_t flags = (uint32_t)r->rdx;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	if (first >= FD_MAX)
		return 0;
	for (int fd = fd_next((int)first); fd >= 0 && (uint32_t)fd <= last;
	     fd = fd_next(fd + 1)) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			fd_set_cloexec(fd, true);
		else
			fd_close(fd);
	}
	return 0;
}

long sys_dup(struct mf_regs *r)
{
	struct file *f = fd_get((int)r->rdi);

	return f ? fd_install(file_ref(f), 0, false) : -EBADF;
}

static long dup_to(int from, int to, bool cloexec)
{
	struct file *f = fd_get(from);

	return f ? fd_install_at(file_ref(f), to, cloexec) : -EBADF;
}

long sys_dup2(struct mf_regs *r)
{
	int from = (int)r->rdi, to = (int)r->rsi;

	if (from == to)
		return fd_get(from) ? to : -EBADF;
	return dup_to(from, to, false);
}

long sys_dup3(struct mf_regs *r)
{
	if ((r->rdx & ~(uint64_t)O_CLOEXEC) || (int)r->rdi == (int)r->rsi)
		return -EINVAL;
	return dup_to((int)r->rdi, (int)r->rsi, r->rdx & O_CLOEXEC);
}

/* ---- fcntl -------------------------------------------------------------- */

static long fcntl_dup(struct file *f, uint64_t min, bool cloexec)
{
	if (min >= rlimit_nofile())
		return -EINVAL;
	return fd_install(file_ref(f), (int)min, cloexec);
}

static long fcntl_pipe(struct file *f, uint32_t cmd, uint64_t arg)
{
	if (!file_is_pipe(f))
		return -EBADF;
	return cmd == F_SETPIPE_SZ ? pipe_set_capacity(f, arg) :
				     pipe_capacity(f);
}

long sys_fcntl(struct mf_regs *r)
{
	int fd = (int)r->rdi;
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	switch ((uint32_t)r->rsi) {
	case F_DUPFD:
		return fcntl_dup(f, r->rdx, false);
	case F_DUPFD_CLOEXEC:
		return fcntl_dup(f, r->rdx, true);
	case F_GETFD:
		return fd_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, r->rdx & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		f->flags = (f->flags & ~(uint32_t)SETFL_MASK) |
			   ((uint32_t)r->rdx & SETFL_MASK);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(f, (uint32_t)r->rsi, r->rdx);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return fcntl_pipe(f, (uint32_t)r->rsi, r->rdx);
	case F_GETOWN:
	case F_SETOWN:
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- ioctl -------------------------------------------------------------- */

static long ioctl_flag(struct file *f, uint64_t arg, uint32_t flag)
{
	int on;

	if (copy_from_user(&on, arg, sizeof(on)) < 0)
		return -EFAULT;
	if (on)
		f->flags |= flag;
	else
		f->flags &= ~flag;
	return 0;
}

long sys_ioctl(struct mf_regs *r)
{
	int fd = (int)r->rdi;
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	switch ((uint32_t)r->rsi) {
	case FIONBIO:
		return ioctl_flag(f, r->rdx, O_NONBLOCK);
	case FIOASYNC:
		return ioctl_flag(f, r->rdx, FASYNC);
	case FIOCLEX:
		fd_set_cloexec(fd, true);
		return 0;
	case FIONCLEX:
		fd_set_cloexec(fd, false);
		return 0;
	default:
		break;
	}
	if (!f->ops->ioctl)
		return -ENOTTY;
	return f->ops->ioctl(f, (uint32_t)r->rsi, r->rdx);
}

/* ---- pipes, events, timers ---------------------------------------------- */

static long pipe_pair(uint64_t ufds, uint32_t flags)
{
	bool cloexec = flags & O_CLOEXEC;
	struct file *rd, *wr;
	int fds[2], err;

	if (!user_can_write(ufds, sizeof(fds)))
		return -EFAULT;
	err = pipe_new(flags & O_NONBLOCK, &rd, &wr);
	if (err)
		return err;
	fds[0] = fd_install(rd, 0, cloexec);
	if (fds[0] < 0) {
		file_unref(wr);
		return fds[0];
	}
	fds[1] = fd_install(wr, 0, cloexec);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		return fds[1];
	}
	return copy_to_user(ufds, fds, sizeof(fds));
}

long sys_pipe(struct mf_regs *r)
{
	return pipe_pair(r->rdi, 0);
}

long sys_pipe2(struct mf_regs *r)
{
	if (r->rsi & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return pipe_pair(r->rdi, (uint32_t)r->rsi);
}

static long eventfd_open(uint32_t initial, uint32_t flags)
{
	struct file *f;

	if (flags & ~(uint32_t)(EFD_SEMAPHORE_FLAG | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	f = eventfd_new(initial, flags & EFD_SEMAPHORE_FLAG,
			flags & O_NONBLOCK);
	return f ? fd_install(f, 0, flags & O_CLOEXEC) : -ENOMEM;
}

long sys_eventfd(struct mf_regs *r)
{
	return eventfd_open((uint32_t)r->rdi, 0);
}

long sys_eventfd2(struct mf_regs *r)
{
	return eventfd_open((uint32_t)r->rdi, (uint32_t)r->rsi);
}

long sys_timerfd_create(struct mf_regs *r)
{
	uint32_t flags = (uint32_t)r->rsi;
	int clock = (int)r->rdi;
	struct file *f;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
	    clock != CLOCK_BOOTTIME_ALARM)
		return -EINVAL;
	f = timerfd_new(clock == CLOCK_REALTIME ||
				clock == CLOCK_REALTIME_ALARM,
			flags & O_NONBLOCK);
	return f ? fd_install(f, 0, flags & O_CLOEXEC) : -ENOMEM;
}

static long put_itimerspec(uint64_t uaddr, const struct itimerspec_ns *t)
{
	struct __kernel_itimerspec its;

	clock_timespec(t->interval_ns, &its.it_interval);
	clock_timespec(t->value_ns, &its.it_value);
	return copy_to_user(uaddr, &its, sizeof(its));
}

long sys_timerfd_settime(struct mf_regs *r)
{
	struct file *f = fd_get((int)r->rdi);
	uint32_t flags = (uint32_t)r->rsi;
	struct __kernel_itimerspec its;
	struct itimerspec_ns t, old;
	int err;

	if (copy_from_user(&its, r->rdx, sizeof(its)) < 0)
		return -EFAULT;
	if (flags & ~(uint32_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    !clock_timespec_ok(&its.it_value) ||
	    !clock_timespec_ok(&its.it_interval))
		return -EINVAL;
	if (!f)
		return -EBADF;
	t.interval_ns = clock_ns(&its.it_interval);
	t.value_ns = clock_ns(&its.it_value);
	err = timerfd_set(f, flags, &t, &old);
	if (err || !r->r10)
		return err;
	return put_itimerspec(r->r10, &old);
}

long sys_timerfd_gettime(struct mf_regs *r)
{
	struct file *f = fd_get((int)r->rdi);
	struct itimerspec_ns t;
	int err;

	if (!f)
		return -EBADF;
	err = timerfd_get(f, &t);
	return err ? err : put_itimerspec(r->rsi, &t);
}
