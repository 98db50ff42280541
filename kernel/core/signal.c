/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a signal and what it does by default. The frames a handler runs
 * on are core/sigframe.c. A signal that would be ignored is dropped when it
 * is sent, so that a pending bit always means something will happen.
 */
#include "core/signal.h"

#include "core/alloc.h"
#include "core/backtrace.h"
#include "core/mm.h"
#include "core/ptimer.h"
#include "core/sigframe.h"
#include "core/stubs.h"
#include "core/thread.h"
#include "core/trace.h"
#include "fs/open.h"

static struct ksigaction actions[SIG_MAX];
static struct sigqueue process_queue;

#define SIG_IGNORED_BY_DEFAULT                                     \
	(SIG_BIT(SIGCHLD) | SIG_BIT(SIGCONT) | SIG_BIT(SIGURG) |   \
	 SIG_BIT(SIGWINCH) | SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | \
	 SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define SIG_CORE                                                 \
	(SIG_BIT(SIGQUIT) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | \
	 SIG_BIT(SIGABRT) | SIG_BIT(SIGBUS) | SIG_BIT(SIGFPE) |  \
	 SIG_BIT(SIGSEGV) | SIG_BIT(SIGSYS) | SIG_BIT(SIGXCPU) | \
	 SIG_BIT(SIGXFSZ))
#define HANDLER_DFL 0
#define HANDLER_IGN 1

struct ksigaction *signal_action(int sig)
{
	return &actions[sig - 1];
}

static bool is_ignored(int sig)
{
	uint64_t h = actions[sig - 1].handler;

	return h == HANDLER_IGN ||
	       (h == HANDLER_DFL && (SIG_BIT(sig) & SIG_IGNORED_BY_DEFAULT));
}

void signal_action_changed(int sig)
{
	struct list *pos;

	if (!is_ignored(sig))
		return;
	sigqueue_drop(&process_queue, sig);
	list_for_each(pos, &thread_all)
		sigqueue_drop(
			&container_of(pos, struct thread, all_node)->sig.queue,
			sig);
	signal_update_exit_work();
}

/* What the first thread leaves to the others. */
static uint64_t blocked_in_first(void)
{
	struct list *pos;

	list_for_each(pos, &thread_all) {
		struct thread *t = container_of(pos, struct thread, all_node);

		if (t->tid == PID && t->state != THREAD_DEAD)
			return t->sig.blocked | SIG_BIT(SIGKILL);
	}
	return ~0UL;
}

/*
 * Signals of the process are for the first thread as long as it takes them,
 * as on Linux: programs wait for work there.
 */
static uint64_t deliverable(const struct thread *t)
{
	uint64_t all = process_queue.pending;

	if (all && t->tid != PID)
		all &= blocked_in_first();
	return (t->sig.queue.pending | all) & ~t->sig.blocked;
}

bool signal_pending(void)
{
	return deliverable(current) != 0;
}

uint64_t signal_pending_set(void)
{
	return (current->sig.queue.pending | process_queue.pending) &
	       current->sig.blocked;
}

void signal_update_exit_work(void)
{
	arch_set_exit_work(deliverable(current) || current->sig.restore_mask ||
			   current->trace_seq);
}

static bool wants(const struct thread *t, uint64_t bit)
{
	return !(t->sig.blocked & bit) || (t->sig.waiting_for & bit);
}

static void nudge(struct thread *t)
{
	if (t == current)
		signal_update_exit_work();
	if (t->state == THREAD_SLEEPING && t->interruptible)
		sched_make_runnable(t);
}

int signal_send_thread(struct thread *t, const struct ksiginfo *info)
{
	uint64_t bit = SIG_BIT(info->signo);
	int err;

	if (is_ignored(info->signo) && !(t->sig.blocked & bit) &&
	    !(t->sig.waiting_for & bit))
		return 0;
	err = sigqueue_add(&t->sig.queue, info);
	if (!err && wants(t, bit))
		nudge(t);
	return err;
}

/* One that waits for it by name, else the first thread, else who runs. */
static struct thread *find_taker(uint64_t bit)
{
	struct thread *taker = NULL;
	struct list *pos;

	if (wants(current, bit) && current->state != THREAD_DEAD)
		taker = current;
	list_for_each(pos, &thread_all) {
		struct thread *t = container_of(pos, struct thread, all_node);

		if (!wants(t, bit) || t->state == THREAD_DEAD)
			continue;
		if (t->sig.waiting_for & bit)
			return t;
		if (!taker || t->tid == PID)
			taker = t;
	}
	return taker;
}

int signal_send_process_info(const struct ksiginfo *info)
{
	uint64_t bit = SIG_BIT(info->signo);
	struct thread *taker = find_taker(bit);
	int err;

	if (is_ignored(info->signo) && taker && !(taker->sig.blocked & bit))
		return 0;
	err = sigqueue_add(&process_queue, info);
	if (!err && taker)
		nudge(taker);
	return err;
}

int signal_send_process(int sig)
{
	struct ksiginfo info = { .signo = sig, .code = 0, .pid = process_pid };

	if (sig < 1 || sig > SIG_MAX)
		return -EINVAL;
	return signal_send_process_info(&info);
}

void signal_force(const struct ksiginfo *info)
{
	uint64_t bit = SIG_BIT(info->signo);

	if (is_ignored(info->signo) || (current->sig.blocked & bit)) {
		actions[info->signo - 1].handler = HANDLER_DFL;
		current->sig.blocked &= ~bit;
	}
	sigqueue_drop(&current->sig.queue, info->signo);
	sigqueue_add(&current->sig.queue, info);
	signal_update_exit_work();
}

void signal_take_outside(void)
{
	uint64_t set = atomic_exchange(&kernel_shared->signals, 0);

	while (set) {
		int sig = __builtin_ctzll(set) + 1;

		set &= set - 1;
		signal_send_process(sig);
	}
}

void signal_mask_temporarily(uint64_t mask)
{
	struct thread_signals *s = &current->sig;

	if (!s->restore_mask)
		s->saved_mask = s->blocked;
	s->restore_mask = true;
	s->blocked = mask & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	signal_update_exit_work();
}

void signal_mask_back(void)
{
	struct thread_signals *s = &current->sig;

	if (!s->restore_mask)
		return;
	s->restore_mask = false;
	s->blocked = s->saved_mask;
	signal_update_exit_work();
}

bool signal_take(uint64_t set, struct ksiginfo *ret)
{
	uint64_t mine = current->sig.queue.pending & set;
	uint64_t all = process_queue.pending & set;
	int sig;

	if (!mine && !all)
		return false;
	/* Faults first: they are what the program is stuck on. */
	sig = __builtin_ctzll(mine & SIG_CORE ? mine & SIG_CORE :
			      mine	      ? mine :
						all) +
	      1;
	sigqueue_take(mine ? &current->sig.queue : &process_queue, sig, ret);
	if (ret->code == SI_TIMER)
		ptimer_delivered(ret->pid, ret->uid);
	return true;
}

/* Which file the instruction is from, and where in it. */
static void name_file(struct mf_crash *c, uint64_t rip)
{
	const struct vma *v = mm_find(rip);
	const struct vnode *vn;

	if (!v || v->start > rip || !v->file)
		return;
	vn = file_vnode(v->file);
	if (!vn || vnode_path(vn, c->file, sizeof(c->file), false) <= 0)
		c->file[0] = '\0';
	c->file_off = v->off + (rip - v->start);
}

static void report_crash(const struct mf_regs *r, const struct ksiginfo *info)
{
	struct mf_crash *c = kzalloc(sizeof(*c));
	struct mf_backtrace *bt = kzalloc(sizeof(*bt));

	if (!c)
		return;
	c->signal = (uint32_t)info->signo;
	c->code = info->code;
	c->fault_addr = info->value;
	c->tid = (uint32_t)current->tid;
	c->regs = *r;
	c->regs.rip = stub_pc_to_program(r->rip);
	name_file(c, c->regs.rip);
	if (bt)
		backtrace_fill(bt, r->rsp);
	kernel_shared->arg[0] = kva_gpa(c).v;
	kernel_shared->arg[1] = bt ? kva_gpa(bt).v : 0;
	arch_doorbell(MF_DB_CRASH);
	kfree(bt);
	kfree(c);
}

static _Noreturn void die_by_signal(const struct mf_regs *r,
				    const struct ksiginfo *info)
{
	if (SIG_BIT(info->signo) & SIG_CORE)
		report_crash(r, info);
	process_exit(info->signo);
}

/* A system call that a signal ended: restart it or say EINTR. */
static void settle_syscall(struct mf_regs *r, bool restart)
{
	if (r->orig_rax == UINT64_MAX || (long)r->rax != -ERESTARTSYS)
		return;
	if (!restart) {
		r->rax = (uint64_t)-EINTR;
		return;
	}
	r->rax = r->orig_rax;
	r->rip = stub_pc_from_program(stub_call_site(r));
}

static void run_handler(struct mf_regs *r, const struct ksiginfo *info)
{
	struct ksigaction *a = &actions[info->signo - 1];
	struct thread_signals *s = &current->sig;
	uint64_t old = s->restore_mask ? s->saved_mask : s->blocked;
	uint64_t handler = a->handler;

	settle_syscall(r, a->flags & SA_RESTART);
	if (sigframe_push(r, info, a, old) < 0) {
		struct ksiginfo segv = { .signo = SIGSEGV, .code = 0x80 };

		if (info->signo == SIGSEGV)
			a->handler = HANDLER_DFL;
		signal_force(&segv);
		return;
	}
	s->restore_mask = false;
	s->blocked = old | a->mask;
	if (!(a->flags & SA_NODEFER))
		s->blocked |= SIG_BIT(info->signo);
	s->blocked &= ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	if (a->flags & SA_RESETHAND)
		a->handler = HANDLER_DFL;
	r->rip = handler;
	r->orig_rax = UINT64_MAX;
}

void signal_deliver(struct mf_regs *r)
{
	struct ksiginfo info;

	while (signal_take(deliverable(current), &info)) {
		uint64_t h = actions[info.signo - 1].handler;

		if (is_ignored(info.signo) && info.signo != SIGKILL)
			continue;
		trace_signal(&info);
		if (h == HANDLER_DFL || info.signo == SIGKILL)
			die_by_signal(r, &info);
		run_handler(r, &info);
	}
	signal_mask_back();
	settle_syscall(r, true);
	signal_update_exit_work();
}
