/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about clocks, sleeping and interval timers. The three interval
 * timers all count real time: a guest that runs has the CPU to itself.
 */
#include "core/sched.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/uaccess.h"
#include "sys/clock.h"
#include "sys/syscall.h"

#define USEC_PER_SEC 1000000u

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

static long do_nanosleep(int clock, bool absolute, uint64_t request,
			 uint64_t remain)
{
	struct __kernel_timespec ts;
	uint64_t deadline;
	int err;

	if (copy_from_user(&ts, request, sizeof(ts)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&ts))
		return -EINVAL;
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	err = clock_deadline(clock, clock_ns(&ts), absolute, &deadline);
	return err ? err : sleep_until(deadline, absolute, remain);
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

/* ---- interval timers ---------------------------------------------------- */

struct interval_timer {
	struct ktimer timer;
	uint64_t interval_ns;
	int signal;
};

/* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF; all three count real time. */
static struct interval_timer itimers[3] = {
	{ .signal = SIGALRM },
	{ .signal = SIGVTALRM },
	{ .signal = SIGPROF },
};

static void itimer_fire(struct ktimer *t)
{
	struct interval_timer *it =
		container_of(t, struct interval_timer, timer);
	struct ksiginfo info = { .signo = it->signal, .code = 0x80 };

	if (it->interval_ns)
		ktimer_start(t, t->deadline_ns + it->interval_ns);
	else
		t->deadline_ns = 0;
	signal_send_process_info(&info);
}

static uint64_t itimer_left(const struct interval_timer *it)
{
	uint64_t now = time_mono_ns();

	return it->timer.deadline_ns > now ? it->timer.deadline_ns - now : 0;
}

static void itimer_set(struct interval_timer *it, uint64_t first_ns,
		       uint64_t interval_ns)
{
	it->interval_ns = interval_ns;
	it->timer.fire = itimer_fire;
	ktimer_stop(&it->timer);
	it->timer.deadline_ns = 0;
	if (first_ns)
		ktimer_start(&it->timer, time_deadline(first_ns));
}

static struct timeval64 to_timeval(uint64_t ns)
{
	/* What is left is never shown as nothing. */
	uint64_t us = (ns + 999) / 1000;

	return (struct timeval64){ (int64_t)(us / USEC_PER_SEC),
				   (int64_t)(us % USEC_PER_SEC) };
}

static int put_itimer(const struct interval_timer *it, uint64_t to)
{
	struct timeval64 v[2] = { to_timeval(it->interval_ns),
				  to_timeval(itimer_left(it)) };

	return copy_to_user(to, v, sizeof(v));
}

long sys_getitimer(struct mf_regs *r)
{
	if (r->rdi > 2)
		return -EINVAL;
	return put_itimer(&itimers[r->rdi], r->rsi);
}

long sys_setitimer(struct mf_regs *r)
{
	struct timeval64 v[2] = { 0 };

	if (r->rdi > 2)
		return -EINVAL;
	if (r->rsi && copy_from_user(v, r->rsi, sizeof(v)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++)
		if (v[i].sec < 0 || v[i].usec < 0 || v[i].usec >= USEC_PER_SEC)
			return -EINVAL;
	if (r->rdx && put_itimer(&itimers[r->rdi], r->rdx) < 0)
		return -EFAULT;
	itimer_set(&itimers[r->rdi],
		   (uint64_t)v[1].sec * NS_PER_SEC + (uint64_t)v[1].usec * 1000,
		   (uint64_t)v[0].sec * NS_PER_SEC +
			   (uint64_t)v[0].usec * 1000);
	return 0;
}

long sys_alarm(struct mf_regs *r)
{
	uint64_t left = itimer_left(&itimers[0]);

	itimer_set(&itimers[0], (uint32_t)r->rdi * NS_PER_SEC, 0);
	return (long)((left + NS_PER_SEC - 1) / NS_PER_SEC);
}
