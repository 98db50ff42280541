/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on timers that send signals: the three interval timers, and
 * those of timer_create. Arguments in and out; core/ptimer.h does the rest.
 */
#include "core/cputime.h"
#include "core/ptimer.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/uaccess.h"
#include "sys/clock.h"
#include "sys/syscall.h"

#define USEC_PER_SEC	   1000000u
#define TIMER_ABSTIME_FLAG 1

struct timeval64 {
	int64_t sec, usec;
};

/* ---- interval timers ---------------------------------------------------- */

/*
 * ITIMER_REAL counts time, ITIMER_VIRTUAL and ITIMER_PROF the CPU time of the
 * program: what the kernel does for it is not told apart.
 */
struct interval_timer {
	struct ktimer real;
	struct cputimer cpu;
	uint64_t interval_ns;
	bool armed;
	int signal;
};

static void real_fire(struct ktimer *k);
static void cpu_fire(struct cputimer *k);

static struct interval_timer itimers[3] = {
	{ .signal = SIGALRM, .real.fire = real_fire },
	{ .signal = SIGVTALRM, .cpu.fire = cpu_fire },
	{ .signal = SIGPROF, .cpu.fire = cpu_fire },
};

static bool counts_cpu(const struct interval_timer *it)
{
	return it->signal != SIGALRM;
}

static void itimer_send(const struct interval_timer *it)
{
	struct ksiginfo info = { .signo = it->signal, .code = SI_KERNEL };

	signal_send_process_info(&info);
}

static void real_fire(struct ktimer *k)
{
	struct interval_timer *it =
		container_of(k, struct interval_timer, real);

	it->armed = it->interval_ns != 0;
	if (it->armed)
		ktimer_start(k, k->deadline_ns + it->interval_ns);
	itimer_send(it);
}

static void cpu_fire(struct cputimer *k)
{
	struct interval_timer *it = container_of(k, struct interval_timer, cpu);
	uint64_t now = cputime_process(), next;

	it->armed = it->interval_ns != 0;
	if (it->armed) {
		next = k->target_ns + it->interval_ns;
		cputimer_start(k, next > now ? next : now + 1);
	}
	itimer_send(it);
}

static uint64_t itimer_left(const struct interval_timer *it)
{
	bool cpu = counts_cpu(it);
	uint64_t now = cpu ? cputime_process() : time_mono_ns();
	uint64_t end = cpu ? it->cpu.target_ns : it->real.deadline_ns;

	if (!it->armed)
		return 0;
	return end > now ? end - now : 1;
}

static void itimer_set(struct interval_timer *it, uint64_t first_ns,
		       uint64_t interval_ns)
{
	it->interval_ns = interval_ns;
	it->armed = first_ns != 0;
	ktimer_stop(&it->real);
	cputimer_stop(&it->cpu);
	if (!first_ns)
		return;
	if (counts_cpu(it))
		cputimer_start(&it->cpu, cputime_process() + first_ns);
	else
		ktimer_start(&it->real, time_deadline(first_ns));
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

static uint64_t from_timeval(const struct timeval64 *v)
{
	struct __kernel_timespec ts = { v->sec, v->usec * 1000 };

	return clock_ns(&ts);
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
	itimer_set(&itimers[r->rdi], from_timeval(&v[1]), from_timeval(&v[0]));
	return 0;
}

long sys_alarm(struct mf_regs *r)
{
	uint64_t left = itimer_left(&itimers[0]);

	itimer_set(&itimers[0], (uint32_t)r->rdi * NS_PER_SEC, 0);
	return (long)((left + NS_PER_SEC - 1) / NS_PER_SEC);
}

/* ---- POSIX timers ------------------------------------------------------- */

struct user_sigevent {
	uint64_t value;
	int32_t signo;
	int32_t notify;
	int32_t tid;
	uint8_t pad[44];
};

_Static_assert(sizeof(struct user_sigevent) == 64, "struct sigevent");

static int take_clock(int clock, struct ptimer_config *ret)
{
	int err = clock_cpu_thread(clock, &ret->cpu_tid);

	if (err < 0)
		return err;
	ret->clock = PTIMER_CPU;
	if (err)
		return 0;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		ret->clock = PTIMER_REALTIME;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		ret->clock = PTIMER_MONOTONIC;
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int take_event(uint64_t from, struct ptimer_config *ret)
{
	struct user_sigevent ev;

	if (!from) {
		ret->signo = SIGALRM;
		ret->own_value = true;
		return 0;
	}
	if (copy_from_user(&ev, from, sizeof(ev)) < 0)
		return -EFAULT;
	if (ev.notify == SIGEV_NONE)
		return 0;
	if (ev.notify != SIGEV_SIGNAL && ev.notify != SIGEV_THREAD &&
	    ev.notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	if (ev.signo < 1 || ev.signo > SIG_MAX)
		return -EINVAL;
	if (ev.notify == SIGEV_THREAD_ID) {
		if (!thread_find(ev.tid))
			return -EINVAL;
		ret->tid = ev.tid;
	}
	ret->signo = ev.signo;
	ret->value = ev.value;
	return 0;
}

long sys_timer_create(struct mf_regs *r)
{
	struct ptimer_config c = { 0 };
	int id, err = take_clock((int)r->rdi, &c);

	if (!err)
		err = take_event(r->rsi, &c);
	if (err)
		return err;
	if (!user_can_write(r->rdx, sizeof(id)))
		return -EFAULT;
	id = ptimer_new(&c);
	if (id < 0)
		return id;
	return copy_to_user(r->rdx, &id, sizeof(id));
}

static int put_setting(uint64_t to, const struct ptimer_setting *s)
{
	struct __kernel_itimerspec its;

	clock_timespec(s->interval_ns, &its.it_interval);
	clock_timespec(s->value_ns, &its.it_value);
	return copy_to_user(to, &its, sizeof(its));
}

long sys_timer_settime(struct mf_regs *r)
{
	struct __kernel_itimerspec its;
	struct ptimer_setting s, old;
	struct ptimer *t;

	if (!r->rdx)
		return -EINVAL;
	if (copy_from_user(&its, r->rdx, sizeof(its)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&its.it_value) ||
	    !clock_timespec_ok(&its.it_interval))
		return -EINVAL;
	t = ptimer_find((int)r->rdi);
	if (!t)
		return -EINVAL;
	s.value_ns = clock_ns(&its.it_value);
	s.interval_ns = clock_ns(&its.it_interval);
	ptimer_get(t, &old);
	ptimer_set(t, r->rsi & TIMER_ABSTIME_FLAG, &s);
	return r->r10 ? put_setting(r->r10, &old) : 0;
}

long sys_timer_gettime(struct mf_regs *r)
{
	const struct ptimer *t = ptimer_find((int)r->rdi);
	struct ptimer_setting s;

	if (!t)
		return -EINVAL;
	ptimer_get(t, &s);
	return put_setting(r->rsi, &s);
}

long sys_timer_getoverrun(struct mf_regs *r)
{
	const struct ptimer *t = ptimer_find((int)r->rdi);

	return t ? ptimer_overrun(t) : -EINVAL;
}

long sys_timer_delete(struct mf_regs *r)
{
	struct ptimer *t = ptimer_find((int)r->rdi);

	if (!t)
		return -EINVAL;
	ptimer_free(t);
	return 0;
}
