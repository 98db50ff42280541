/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about threads, futexes and the process they make up. What
 * would make a second process is refused with one line in the log.
 */
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "core/futex.h"
#include "core/signal.h"
#include "core/stubs.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/uaccess.h"
#include "sys/clock.h"
#include "sys/syscall.h"

#define CLONE_THREAD_FLAGS \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

struct clone_request {
	uint64_t flags;
	uint64_t stack; /* initial rsp, 0: the parent's */
	uint64_t parent_tid, child_tid;
	uint64_t tls;
};

static long refuse_process(const char *what)
{
	static bool said;

	if (!said)
		klog("the program called %s: an instance is one process, it "
		     "cannot start another (the program gets EPERM)",
		     what);
	said = true;
	return -EPERM;
}

/* What Linux refuses as a request for neither a thread nor a process. */
static bool contradicts_itself(uint64_t flags)
{
	return (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) ||
	       (flags & CLONE_SIGHAND && !(flags & CLONE_VM));
}

static long clone_thread(const struct mf_regs *r, const struct clone_request *c)
{
	struct thread *t;
	struct mf_regs *frame;
	uint32_t tid;

	if (contradicts_itself(c->flags))
		return -EINVAL;
	if ((c->flags & CLONE_THREAD_FLAGS) != CLONE_THREAD_FLAGS)
		return refuse_process("clone");
	if ((c->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) &&
	     !user_can_write(c->child_tid, 4)) ||
	    (c->flags & CLONE_PARENT_SETTID &&
	     !user_can_write(c->parent_tid, 4)))
		return -EFAULT;
	t = thread_new();
	if (!t)
		return -EAGAIN;
	frame = arch_frame(t->kstack_top);
	*frame = *r;
	frame->rax = 0;
	frame->orig_rax = UINT64_MAX;
	/* After a `syscall` these two hold what the CPU put there. */
	frame->rcx = stub_pc_to_program(r->rip);
	frame->r11 = r->rflags & ~0x3000ull; /* IOPL */
	if (c->stack)
		frame->rsp = c->stack;
	arch_fpu_save(t->fpu);
	t->fs_base = c->flags & CLONE_SETTLS ? c->tls : arch_fs_base();
	t->gs_base = arch_gs_base();
	t->sig.blocked = current->sig.blocked;
	memcpy(t->name, current->name, sizeof(t->name));
	tid = (uint32_t)t->tid;
	if (c->flags & CLONE_PARENT_SETTID)
		copy_to_user(c->parent_tid, &tid, sizeof(tid));
	if (c->flags & CLONE_CHILD_SETTID)
		copy_to_user(c->child_tid, &tid, sizeof(tid));
	if (c->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = c->child_tid;
	sched_make_runnable(t);
	return t->tid;
}

long sys_clone(struct mf_regs *r)
{
	struct clone_request c = {
		.flags = r->rdi & ~0xffull,
		.stack = r->rsi,
		.parent_tid = r->rdx,
		.child_tid = r->r10,
		.tls = r->r8,
	};

	return clone_thread(r, &c);
}

long sys_clone3(struct mf_regs *r)
{
	struct clone_args a = { 0 };
	struct clone_request c;
	uint64_t size = r->rsi;

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(&a, r->rdi, min_u64(size, sizeof(a))) < 0)
		return -EFAULT;
	if (a.set_tid_size || (a.flags & 0xff) ||
	    a.stack_size > a.stack + a.stack_size)
		return -EINVAL;
	c = (struct clone_request){
		.flags = a.flags,
		.stack = a.stack ? a.stack + a.stack_size : 0,
		.parent_tid = a.parent_tid,
		.child_tid = a.child_tid,
		.tls = a.tls,
	};
	return clone_thread(r, &c);
}

long sys_fork(struct mf_regs *r)
{
	(void)r;
	return refuse_process("fork");
}

long sys_vfork(struct mf_regs *r)
{
	(void)r;
	return refuse_process("vfork");
}

static long refuse_exec(uint64_t path_addr)
{
	static bool said;
	char path[256];

	if (strncpy_from_user(path, path_addr, sizeof(path)) < 0)
		return -EFAULT;
	if (!said)
		klog("the program tried to execute %s: an instance runs one "
		     "program (the program gets EPERM)",
		     path);
	said = true;
	return -EPERM;
}

long sys_execve(struct mf_regs *r)
{
	return refuse_exec(r->rdi);
}

long sys_execveat(struct mf_regs *r)
{
	return refuse_exec(r->rsi);
}

long sys_exit(struct mf_regs *r)
{
	thread_exit((int)r->rdi & 0xff);
}

long sys_exit_group(struct mf_regs *r)
{
	process_exit(((int)r->rdi & 0xff) << 8);
}

/* There never is a child. */
long sys_wait4(struct mf_regs *r)
{
	(void)r;
	return -ECHILD;
}

long sys_waitid(struct mf_regs *r)
{
	(void)r;
	return -ECHILD;
}

long sys_set_tid_address(struct mf_regs *r)
{
	current->clear_child_tid = r->rdi;
	return thread_tid(current);
}

long sys_set_robust_list(struct mf_regs *r)
{
	if (r->rsi != 24)
		return -EINVAL;
	current->robust_list = r->rdi;
	current->robust_list_len = r->rsi;
	return 0;
}

long sys_get_robust_list(struct mf_regs *r)
{
	struct thread *t = r->rdi ? thread_find((int)r->rdi) : current;

	if (!t)
		return -ESRCH;
	if (copy_to_user(r->rsi, &t->robust_list, 8) < 0 ||
	    copy_to_user(r->rdx, &t->robust_list_len, 8) < 0)
		return -EFAULT;
	return 0;
}

long sys_gettid(struct mf_regs *r)
{
	(void)r;
	return thread_tid(current);
}

long sys_sched_yield(struct mf_regs *r)
{
	(void)r;
	sched_yield_now();
	return 0;
}

long sys_arch_prctl(struct mf_regs *r)
{
	uint64_t base;

	switch ((int)r->rdi) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (r->rsi >= MF_USER_VA_MAX)
			return -EPERM;
		if ((int)r->rdi == ARCH_SET_FS)
			arch_set_fs_base(r->rsi);
		else
			arch_set_gs_base(r->rsi);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		base = (int)r->rdi == ARCH_GET_FS ? arch_fs_base() :
						    arch_gs_base();
		return copy_to_user(r->rsi, &base, sizeof(base));
	default:
		return -EINVAL;
	}
}

/* The deadline of a futex wait; DEADLINE_NEVER without a timeout. */
static int futex_deadline(const struct mf_regs *r, int op, uint64_t *ret)
{
	struct __kernel_timespec ts;
	int clock = op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME :
						CLOCK_MONOTONIC;
	bool absolute = (op & FUTEX_CMD_MASK) != FUTEX_WAIT;

	*ret = DEADLINE_NEVER;
	if (!r->r10)
		return 0;
	if (copy_from_user(&ts, r->r10, sizeof(ts)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&ts))
		return -EINVAL;
	return clock_deadline(clock, clock_ns(&ts), absolute, ret);
}

static long do_futex_wait(const struct mf_regs *r, int op, uint32_t bits)
{
	uint64_t deadline;
	int err = futex_deadline(r, op, &deadline);

	if (err)
		return err;
	if (!bits)
		return -EINVAL;
	current->real_sleep = (op & FUTEX_CLOCK_REALTIME) &&
			      (op & FUTEX_CMD_MASK) != FUTEX_WAIT;
	err = futex_wait(r->rdi, (uint32_t)r->rdx, bits, deadline);
	current->real_sleep = false;
	/* A wait without timeout restarts, one with a timeout does not. */
	if (err == -EINTR && deadline == DEADLINE_NEVER)
		return -ERESTARTSYS;
	return err;
}

long sys_futex(struct mf_regs *r)
{
	int op = (int)r->rsi;
	uint32_t bits = (uint32_t)r->r9;
	uint32_t word;

	if (r->rdi % 4)
		return -EINVAL;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return do_futex_wait(r, op, FUTEX_ANY);
	case FUTEX_WAIT_BITSET:
		return do_futex_wait(r, op, bits);
	case FUTEX_WAKE:
		return futex_wake(r->rdi, (int)r->rdx);
	case FUTEX_WAKE_BITSET:
		return bits ? futex_wake_bits(r->rdi, (int)r->rdx, bits) :
			      -EINVAL;
	case FUTEX_CMP_REQUEUE:
		if (copy_from_user(&word, r->rdi, sizeof(word)) < 0)
			return -EFAULT;
		if (word != bits)
			return -EAGAIN;
		return futex_requeue(r->rdi, (int)r->rdx, r->r8, (int)r->r10);
	case FUTEX_REQUEUE:
		return futex_requeue(r->rdi, (int)r->rdx, r->r8, (int)r->r10);
	default:
		return -ENOSYS;
	}
}

long sys_prctl(struct mf_regs *r)
{
	char name[16] = { 0 };

	switch ((int)r->rdi) {
	case PR_SET_NAME:
		if (strncpy_from_user(name, r->rsi, sizeof(name)) == -EFAULT)
			return -EFAULT;
		name[15] = '\0';
		memcpy(current->name, name, sizeof(name));
		return 0;
	case PR_GET_NAME:
		return copy_to_user(r->rsi, current->name, 16);
	case PR_CAPBSET_READ:
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
	case PR_SET_PDEATHSIG:
	case PR_SET_NO_NEW_PRIVS:
	case PR_SET_TIMERSLACK:
	case PR_SET_VMA:
	case PR_SET_THP_DISABLE:
		return 0;
	case PR_GET_NO_NEW_PRIVS:
	case PR_GET_TIMERSLACK:
	case PR_GET_THP_DISABLE:
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
		return 0;
	default:
		return -EINVAL;
	}
}
