/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about clocks and sleeping. Timers are in sys_timer.c.
 */
#include "core/cputime.h"
#include "core/sched.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/uaccess.h"
#include "sys/clock.h"
#include "sys/syscall.h"

struct timeval64 {
	int64_t sec, usec;
};

long sys_clock_gettime(struct mf_regs *r)
{
	struct __kernel_timespec ts;
	uint64_t ns;
	int err = clock_now((int)r->rdi, &ns);

	if (err)
		return err;
	clock_timespec(ns, &ts);
	return copy_to_user(r->rsi, &ts, sizeof(ts));
}

long sys_clock_getres(struct mf_regs *r)
{
	struct __kernel_timespec ts = { 0, 1 };
	uint64_t ns;
	int clock = (int)r->rdi;
	int err = clock_now(clock, &ns);

	if (err || !r->rsi)
		return err;
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		ts.tv_nsec = 4000000;
	return copy_to_user(r->rsi, &ts, sizeof(ts));
}

/* Nobody sets the host's clock from a guest. */
long sys_clock_settime(struct mf_regs *r)
{
	(void)r;
	return -EPERM;
}

long sys_settimeofday(struct mf_regs *r)
{
	(void)r;
	return -EPERM;
}

long sys_gettimeofday(struct mf_regs *r)
{
	uint64_t ns = time_real_ns();
	struct timeval64 tv = {
		(int64_t)(ns / NS_PER_SEC),
		(int64_t)(ns % NS_PER_SEC / 1000),
	};
	uint64_t zone = 0;

	if (r->rdi && copy_to_user(r->rdi, &tv, sizeof(tv)) < 0)
		return -EFAULT;
	if (r->rsi && copy_to_user(r->rsi, &zone, sizeof(zone)) < 0)
		return -EFAULT;
	return 0;
}

long sys_time(struct mf_regs *r)
{
	int64_t now = (int64_t)(time_real_ns() / NS_PER_SEC);

	if (r->rdi && copy_to_user(r->rdi, &now, sizeof(now)) < 0)
		return -EFAULT;
	return now;
}

static long sleep_until(uint64_t deadline, bool absolute, uint64_t remain)
{
	struct __kernel_timespec ts;
	uint64_t now;
	int err;

	do
		err = waitq_sleep(NULL, deadline);
	while (!err);
	if (err == -ETIMEDOUT)
		return 0;
	if (absolute)
		return -ERESTARTSYS;
	now = time_mono_ns();
	clock_timespec(deadline > now ? deadline - now : 0, &ts);
	if (remain && copy_to_user(remain, &ts, sizeof(ts)) < 0)
		return -EFAULT;
	return -EINTR;
}

struct cpu_sleeper {
	struct cputimer timer;
	struct waitq waitq;
	bool over;
};

static void cpu_sleep_over(struct cputimer *t)
{
	struct cpu_sleeper *s = container_of(t, struct cpu_sleeper, timer);

	s->over = true;
	waitq_wake_all(&s->waitq);
}

/* Until the others have used that much CPU time. */
static long cpu_sleep(int tid, uint64_t ns, bool absolute, uint64_t remain)
{
	struct cpu_sleeper s = { .timer = { .tid = tid,
					    .fire = cpu_sleep_over } };
	struct __kernel_timespec ts;
	uint64_t now = cputimer_now(&s.timer), end;
	int err = 0;

	end = absolute ? ns : now + ns;
	if (end <= now)
		return 0;
	waitq_init(&s.waitq);
	cputimer_start(&s.timer, end);
	while (!s.over && !err)
		err = waitq_sleep(&s.waitq, DEADLINE_NEVER);
	cputimer_stop(&s.timer);
	if (s.over)
		return 0;
	if (absolute)
		return -ERESTARTSYS;
	now = cputimer_now(&s.timer);
	clock_timespec(end > now ? end - now : 0, &ts);
	if (remain && copy_to_user(remain, &ts, sizeof(ts)) < 0)
		return -EFAULT;
	return -EINTR;
}

static long do_nanosleep(int clock, bool absolute, uint64_t request,
			 uint64_t remain)
{
	struct __kernel_timespec ts;
	uint64_t deadline;
	int err, tid;
	long slept;

	if (copy_from_user(&ts, request, sizeof(ts)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&ts))
		return -EINVAL;
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	err = clock_cpu_thread(clock, &tid);
	if (err)
		return err < 0 ?
			       err :
			       cpu_sleep(tid, clock_ns(&ts), absolute, remain);
	err = clock_deadline(clock, clock_ns(&ts), absolute, &deadline);
	if (err)
		return err;
	current->real_sleep = absolute && clock_is_real(clock);
	slept = sleep_until(deadline, absolute, remain);
	current->real_sleep = false;
	return slept;
}

long sys_nanosleep(struct mf_regs *r)
{
	return do_nanosleep(CLOCK_MONOTONIC, false, r->rdi, r->rsi);
}

long sys_clock_nanosleep(struct mf_regs *r)
{
	return do_nanosleep((int)r->rdi, r->rsi & 1 /* TIMER_ABSTIME */, r->rdx,
			    r->r10);
}

long sys_pause(struct mf_regs *r)
{
	(void)r;
	while (!waitq_sleep(NULL, DEADLINE_NEVER))
		;
	return -EINTR;
}
