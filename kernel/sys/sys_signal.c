/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about signals: arguments in and out, the rest is
 * core/signal.h. The only process that can be named is the program itself.
 */
#include "core/commit.h"
#include "core/sched.h"
#include "core/sigframe.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/uaccess.h"
#include "sys/clock.h"
#include "sys/syscall.h"

#define UNBLOCKABLE	  (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define SS_AUTODISARM_BIT (1u << 31)

/* The kernel's struct sigaction, in the order the system call uses. */
struct user_sigaction {
	uint64_t handler, flags, restorer, mask;
};

struct user_stack {
	uint64_t sp;
	int32_t flags;
	uint32_t pad;
	uint64_t size;
};

long sys_rt_sigaction(struct mf_regs *r)
{
	int sig = (int)r->rdi;
	struct user_sigaction ua;
	struct ksigaction *a;
	struct ksigaction old;

	if (r->r10 != 8 || sig < 1 || sig > SIG_MAX)
		return -EINVAL;
	if (r->rsi && (sig == SIGKILL || sig == SIGSTOP))
		return -EINVAL;
	a = signal_action(sig);
	old = *a;
	if (r->rsi) {
		if (copy_from_user(&ua, r->rsi, sizeof(ua)) < 0)
			return -EFAULT;
		*a = (struct ksigaction){ ua.handler, ua.flags, ua.restorer,
					  ua.mask & ~UNBLOCKABLE };
		signal_action_changed(sig);
		if (sig == SIGSEGV)
			commit_settle(); /* see core/park.h */
	}
	if (!r->rdx)
		return 0;
	ua = (struct user_sigaction){ old.handler, old.flags, old.restorer,
				      old.mask };
	return copy_to_user(r->rdx, &ua, sizeof(ua));
}

long sys_rt_sigprocmask(struct mf_regs *r)
{
	uint64_t old = current->sig.blocked;
	uint64_t set;

	if (r->r10 != 8)
		return -EINVAL;
	if (r->rsi) {
		if (copy_from_user(&set, r->rsi, sizeof(set)) < 0)
			return -EFAULT;
		switch ((int)r->rdi) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		current->sig.blocked = set & ~UNBLOCKABLE;
		signal_update_exit_work();
	}
	return r->rdx ? copy_to_user(r->rdx, &old, sizeof(old)) : 0;
}

long sys_rt_sigpending(struct mf_regs *r)
{
	uint64_t set = signal_pending_set();

	if (r->rsi > 8)
		return -EINVAL;
	return copy_to_user(r->rdi, &set, r->rsi);
}

long sys_rt_sigreturn(struct mf_regs *r)
{
	return signal_return(r);
}

long sys_rt_sigsuspend(struct mf_regs *r)
{
	uint64_t mask;

	if (r->rsi != 8)
		return -EINVAL;
	if (copy_from_user(&mask, r->rdi, sizeof(mask)) < 0)
		return -EFAULT;
	signal_mask_temporarily(mask);
	while (!waitq_sleep(NULL, DEADLINE_NEVER))
		;
	return -EINTR;
}

static int sigwait_deadline(uint64_t from, uint64_t *ret)
{
	struct __kernel_timespec ts;

	*ret = DEADLINE_NEVER;
	if (!from)
		return 0;
	if (copy_from_user(&ts, from, sizeof(ts)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&ts))
		return -EINVAL;
	*ret = time_deadline(clock_ns(&ts));
	return 0;
}

long sys_rt_sigtimedwait(struct mf_regs *r)
{
	struct ksiginfo info;
	uint8_t out[128];
	uint64_t set, deadline;
	int err = sigwait_deadline(r->rdx, &deadline);

	if (err)
		return err;
	if (r->r10 != 8)
		return -EINVAL;
	if (copy_from_user(&set, r->rdi, sizeof(set)) < 0)
		return -EFAULT;
	set &= ~UNBLOCKABLE;
	while (!signal_take(set, &info)) {
		if (err == -ETIMEDOUT)
			return -EAGAIN;
		if (err)
			return err;
		current->sig.waiting_for = set;
		err = waitq_sleep(NULL, deadline);
		current->sig.waiting_for = 0;
	}
	signal_update_exit_work();
	signal_fill_siginfo(&info, out);
	if (r->rsi && copy_to_user(r->rsi, out, sizeof(out)) < 0)
		return -EFAULT;
	return info.signo;
}

long sys_sigaltstack(struct mf_regs *r)
{
	struct thread_signals *s = &current->sig;
	struct user_stack us;
	bool on = s->stack_size && r->rsp > s->stack_base &&
		  r->rsp - s->stack_base <= s->stack_size;
	struct user_stack old = {
		.sp = s->stack_base,
		.size = s->stack_size,
		.flags = !s->stack_size ? SS_DISABLE :
			 on		? SS_ONSTACK :
					  0,
	};

	if (r->rdi) {
		if (copy_from_user(&us, r->rdi, sizeof(us)) < 0)
			return -EFAULT;
		if (on)
			return -EPERM;
		if ((uint32_t)us.flags &
		    ~(SS_AUTODISARM_BIT | SS_DISABLE | SS_ONSTACK))
			return -EINVAL;
		if (us.flags & SS_DISABLE)
			us.size = us.sp = 0;
		else if (us.size < MINSIGSTKSZ)
			return -ENOMEM;
		s->stack_base = us.sp;
		s->stack_size = us.size;
	}
	return r->rsi ? copy_to_user(r->rsi, &old, sizeof(old)) : 0;
}

static long send_to_thread(int tid, int sig, int code, uint64_t value)
{
	struct thread *t = thread_find(tid);
	struct ksiginfo info = {
		.signo = sig,
		.code = code,
		.pid = process_pid,
		.uid = (int)kernel_boot->uid,
		.value = value,
	};

	if (sig < 0 || sig > SIG_MAX || tid <= 0)
		return -EINVAL;
	if (!t)
		return -ESRCH;
	return sig ? signal_send_thread(t, &info) : 0;
}

static long send_to_process(int pid, int sig, int code, uint64_t value)
{
	struct ksiginfo info = {
		.signo = sig,
		.code = code,
		.pid = process_pid,
		.uid = (int)kernel_boot->uid,
		.value = value,
	};

	if (sig < 0 || sig > SIG_MAX)
		return -EINVAL;
	if (!process_has_pid(pid) && pid != 0 && pid != -PID)
		return -ESRCH;
	return sig ? signal_send_process_info(&info) : 0;
}

long sys_kill(struct mf_regs *r)
{
	return send_to_process((int)r->rdi, (int)r->rsi, SI_USER, 0);
}

long sys_tkill(struct mf_regs *r)
{
	return send_to_thread((int)r->rdi, (int)r->rsi, SI_TKILL, 0);
}

long sys_tgkill(struct mf_regs *r)
{
	if ((int)r->rdi <= 0)
		return -EINVAL;
	if (!process_has_pid((int)r->rdi))
		return -ESRCH;
	return send_to_thread((int)r->rsi, (int)r->rdx, SI_TKILL, 0);
}

long sys_rt_sigqueueinfo(struct mf_regs *r)
{
	uint8_t raw[128];
	uint64_t value;
	int32_t code;

	if (copy_from_user(raw, r->rdx, sizeof(raw)) < 0)
		return -EFAULT;
	memcpy(&code, raw + 8, sizeof(code));
	memcpy(&value, raw + 24, sizeof(value));
	return send_to_process((int)r->rdi, (int)r->rsi, code, value);
}

long sys_rt_tgsigqueueinfo(struct mf_regs *r)
{
	uint8_t raw[128];
	uint64_t value;
	int32_t code;

	if (copy_from_user(raw, r->r10, sizeof(raw)) < 0)
		return -EFAULT;
	memcpy(&code, raw + 8, sizeof(code));
	memcpy(&value, raw + 24, sizeof(value));
	return send_to_thread((int)r->rsi, (int)r->rdx, code, value);
}
