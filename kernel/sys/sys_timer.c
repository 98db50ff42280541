/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_create(2) and its family: what the program passes, checked and turned
 * into the timers of core/ptimer.c.
 */
#include <asm/siginfo.h>

#include "core/ptimer.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/uaccess.h"
#include "sys/clock.h"
#include "sys/syscall.h"

/* The first bytes of struct sigevent. */
struct user_sigevent {
	uint64_t value;
	int32_t signo;
	int32_t notify;
	int32_t tid;
	int32_t pad[11];
};

static int take_event(uint64_t uaddr, struct ptimer_event *ret)
{
	struct user_sigevent ev;

	if (copy_from_user(&ev, uaddr, sizeof(ev)) < 0)
		return -EFAULT;
	*ret = (struct ptimer_event){ .signo = ev.signo, .value = ev.value };
	switch (ev.notify) {
	case SIGEV_NONE:
		ret->signo = 0;
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		ret->tid = ev.tid;
		if (ev.tid <= 0 || !thread_find(ev.tid))
			return -EINVAL;
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		break;
	default:
		return -EINVAL;
	}
	return ev.signo > 0 && ev.signo <= SIG_MAX ? 0 : -EINVAL;
}

long sys_timer_create(struct mf_regs *r)
{
	struct ptimer_event ev = { .signo = SIGALRM };
	uint64_t now;
	int id, err = clock_now((int)r->rdi, &now);

	if (err)
		return err;
	if (r->rsi)
		err = take_event(r->rsi, &ev);
	if (err)
		return err;
	id = ptimer_new((int)r->rdi, &ev);
	if (id < 0)
		return id;
	if (copy_to_user(r->rdx, &id, sizeof(id)) < 0) {
		ptimer_delete(id);
		return -EFAULT;
	}
	return 0;
}

long sys_timer_delete(struct mf_regs *r)
{
	return ptimer_delete((int)r->rdi);
}

static long put_left(int id, uint64_t uaddr)
{
	struct __kernel_itimerspec its;
	uint64_t left, interval;
	int err = ptimer_get(id, &left, &interval);

	if (err)
		return err;
	clock_timespec(interval, &its.it_interval);
	clock_timespec(left, &its.it_value);
	return copy_to_user(uaddr, &its, sizeof(its));
}

long sys_timer_gettime(struct mf_regs *r)
{
	return put_left((int)r->rdi, r->rsi);
}

long sys_timer_getoverrun(struct mf_regs *r)
{
	return ptimer_overrun((int)r->rdi);
}

long sys_timer_settime(struct mf_regs *r)
{
	int id = (int)r->rdi, clock = ptimer_clock(id);
	struct __kernel_itimerspec its;
	uint64_t first, deadline = 0;
	long err;

	if (!r->rdx)
		return -EINVAL;
	if (copy_from_user(&its, r->rdx, sizeof(its)) < 0)
		return -EFAULT;
	if (clock < 0 || !clock_timespec_ok(&its.it_value) ||
	    !clock_timespec_ok(&its.it_interval))
		return -EINVAL;
	first = clock_ns(&its.it_value);
	if (first) {
		err = clock_deadline(clock, first, r->rsi & TIMER_ABSTIME,
				     &deadline);
		if (err)
			return err;
	}
	err = r->r10 ? put_left(id, r->r10) : 0;
	if (err)
		return err;
	return ptimer_set(id, deadline, clock_ns(&its.it_interval));
}
