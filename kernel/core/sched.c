/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: round robin, those that were woken before those that gave the
 * vCPU away; wait queues; the idle loop, which is where the vCPU leaves the
 * guest. A sleeping thread's own stack runs the idle loop when nobody else can
 * run, so a program with one busy thread never switches stacks.
 */
#include "core/sched.h"

#include "core/cputime.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/trace.h"
#include "dev/ring.h"

struct thread *current;

/* How long those that were woken may be preferred to the others. */
#define PREFER_NS 4000000ull

static struct list fresh = LIST_INIT(fresh); /* have slept */
static struct list run_queue = LIST_INIT(run_queue); /* have run */
static unsigned runnable; /* threads in both */
static uint64_t last_turn_ns; /* when run_queue had its turn */
static bool need_resched;
static struct thread *previous; /* who switched to us; freed if dead */

struct sleeper {
	struct waiter w;
	struct thread *thread;
};

void waitq_init(struct waitq *q)
{
	list_init(&q->waiters);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	list_add_tail(&q->waiters, &w->node);
}

void waitq_remove(struct waiter *w)
{
	list_del(&w->node);
}

static void wake_sleeper(struct waiter *w)
{
	struct sleeper *s = container_of(w, struct sleeper, w);

	sched_make_runnable(s->thread);
}

void waitq_wake_all(struct waitq *q)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &q->waiters) {
		struct waiter *w = container_of(pos, struct waiter, node);

		w->wake(w);
	}
}

void waitq_wake_one(struct waitq *q)
{
	struct list *pos, *tmp;
	bool woken = false;

	list_for_each_safe(pos, tmp, &q->waiters) {
		struct waiter *w = container_of(pos, struct waiter, node);
		bool sleeper = w->wake == wake_sleeper;

		if (sleeper && woken)
			continue;
		if (sleeper) {
			list_del(&w->node);
			woken = true;
		}
		w->wake(w);
	}
}

/* Ticks are of use while others could run or a timer may come due. */
static void want_tick(void)
{
	/* Sleepers may be waiting for the outside while one thread runs. */
	bool want = runnable > 0 || ktimer_next() != DEADLINE_NEVER ||
		    cputimer_any() || ring_unsent() || trace_unsent() ||
		    (thread_count > 1 && ring_expecting());

	atomic_store_explicit(&kernel_shared->want_tick, want,
			      memory_order_relaxed);
}

void sched_make_runnable(struct thread *t)
{
	if (t->state != THREAD_SLEEPING)
		return;
	t->state = THREAD_RUNNABLE;
	if (t == current)
		return;
	list_add_tail(&fresh, &t->run_node);
	runnable++;
	want_tick();
}

unsigned sched_runnable_count(void)
{
	return runnable + (current->state == THREAD_RUNNABLE);
}

static void account_cpu(struct thread *from, struct thread *to)
{
	uint64_t now = time_mono_ns();

	from->cpu_ns += now - from->last_ns;
	to->last_ns = now;
}

static void after_switch(void)
{
	struct thread *from = previous;

	arch_set_kstack(current->kstack_top);
	arch_set_fs_base(current->fs_base);
	arch_set_gs_base(current->gs_base);
	arch_fpu_restore(current->fpu);
	signal_update_exit_work();
	want_tick();
	if (from->state == THREAD_DEAD)
		thread_free(from);
}

static void switch_to(struct thread *t)
{
	struct thread *from = current;

	kernel_stats->switches++;
	account_cpu(from, t);
	if (from->state != THREAD_DEAD) {
		arch_fpu_save(from->fpu);
		from->fs_base = arch_fs_base();
		from->gs_base = arch_gs_base();
	}
	previous = from;
	current = t;
	arch_switch(&from->kernel_sp, t->kernel_sp);
	after_switch();
}

/* A new thread arrives here on its first switch (arch_prepare_stack). */
void sched_thread_begin(void)
{
	after_switch();
}

static struct thread *pick(void)
{
	uint64_t now = list_empty(&run_queue) ? 0 : time_mono_ns();
	bool turn = list_empty(&fresh) || now > last_turn_ns + PREFER_NS;
	struct list *n = list_pop_head(turn ? &run_queue : &fresh);

	if (!n)
		return NULL;
	if (turn)
		last_turn_ns = now;
	runnable--;
	return container_of(n, struct thread, run_node);
}

void sched_switch_away(void)
{
	for (;;) {
		struct thread *t;

		ring_reap();
		ktimer_run();
		cputimer_run();
		signal_take_outside();
		trace_poll();
		if (current->state == THREAD_RUNNABLE)
			break;
		t = pick();
		if (t) {
			switch_to(t);
			break;
		}
		account_cpu(current, current);
		trace_flush();
		ring_wait(ktimer_next());
		current->last_ns = time_mono_ns();
	}
	want_tick();
}

void sched_yield_now(void)
{
	struct thread *t = pick();

	need_resched = false;
	if (!t)
		return;
	list_add_tail(&run_queue, &current->run_node);
	runnable++;
	switch_to(t);
}

static void sleep_expired(struct ktimer *timer)
{
	struct thread *t = container_of(timer, struct thread, timer);

	t->timed_out = true;
	sched_make_runnable(t);
}

static int sleep_on(struct waitq *q, uint64_t deadline_ns, bool interruptible)
{
	struct sleeper s = {
		.w = { .wake = wake_sleeper },
		.thread = current,
	};

	list_init(&s.w.node);
	if (interruptible && signal_pending())
		return -EINTR;
	if (q)
		waitq_add(q, &s.w);
	current->state = THREAD_SLEEPING;
	current->interruptible = interruptible;
	current->timed_out = false;
	if (deadline_ns != DEADLINE_NEVER) {
		current->timer.fire = sleep_expired;
		current->timer.real = current->real_sleep;
		ktimer_start(&current->timer, deadline_ns);
	}
	sched_switch_away();
	ktimer_stop(&current->timer);
	waitq_remove(&s.w);
	current->interruptible = false;
	if (interruptible && signal_pending())
		return -EINTR;
	return current->timed_out ? -ETIMEDOUT : 0;
}

int waitq_sleep(struct waitq *q, uint64_t deadline_ns)
{
	return sleep_on(q, deadline_ns, true);
}

int waitq_sleep_uninterruptible(struct waitq *q, uint64_t deadline_ns)
{
	return sleep_on(q, deadline_ns, false);
}

void sched_tick(void)
{
	need_resched = true;
}

/*
 * On the way back to the program: something came in (pending), a slice is
 * over, or the thread has signals to handle.
 */
void sched_exit_work(struct mf_regs *r)
{
	atomic_store_explicit(&kernel_shared->pending, 0, memory_order_seq_cst);
	arch_set_exit_work(false);
	if (ring_unsent())
		ring_kick();
	ring_reap();
	ktimer_run();
	cputimer_run();
	signal_take_outside();
	trace_poll();
	if (current->trace_seq)
		trace_exit(r);
	trace_flush();
	if (need_resched)
		sched_yield_now();
	want_tick();
	signal_deliver(r);
}
