/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of threads, and the end of the program. A thread's stack, vector
 * save area and struct are one lifetime; a dead thread is freed by whoever
 * runs next (core/sched.c).
 */
#include "core/thread.h"

#include "core/alloc.h"
#include "core/cputime.h"
#include "core/futex.h"
#include "core/signal.h"
#include "core/trace.h"
#include "core/uaccess.h"
#include "fs/console.h"
#include "net/socket.h"

struct list thread_all = LIST_INIT(thread_all);
unsigned thread_count;

int process_pid = PID;

static struct thread main_thread;
static int next_tid = PID;
static bool main_gone; /* the first thread has ended */
static int exit_status;

static void thread_setup(struct thread *t)
{
	t->tid = next_tid++;
	list_init(&t->run_node);
	list_add_tail(&thread_all, &t->all_node);
	thread_count++;
	kernel_stats->threads_peak =
		max_u64(kernel_stats->threads_peak, thread_count);
}

void thread_resume(void)
{
	process_pid = next_tid++;
}

bool process_has_pid(int pid)
{
	return pid == PID || pid == process_pid;
}

int thread_tid(const struct thread *t)
{
	return t->tid == PID ? process_pid : t->tid;
}

static void *fpu_area_new(void)
{
	/* Objects of a size class are aligned to it (at most a page). */
	size_t size = max_u64(arch_fpu_size(), 64);
	void *area = size <= 2048 ? kzalloc(size) : NULL;
	unsigned order = size > PAGE_SIZE;

	if (!area)
		area = page_alloc(order);
	if (area)
		arch_fpu_init_area(area);
	return area;
}

static void fpu_area_free(void *area)
{
	size_t size = max_u64(arch_fpu_size(), 64);

	if (size <= 2048)
		kfree(area);
	else
		page_free(area, size > PAGE_SIZE);
}

void thread_init(uint64_t kstack_top)
{
	struct thread *t = &main_thread;

	t->kstack_top = kstack_top;
	t->fpu = fpu_area_new();
	if (!t->fpu)
		kpanic("no memory for the first thread");
	thread_setup(t);
	current = t;
	arch_set_kstack(kstack_top);
}

struct thread *thread_new(void)
{
	struct thread *t;

	if (thread_count >= THREADS_MAX)
		return NULL;
	t = kzalloc(sizeof(*t));
	if (!t)
		return NULL;
	t->kstack = page_alloc(KSTACK_ORDER);
	t->fpu = fpu_area_new();
	if (!t->kstack || !t->fpu)
		goto out_free;
	t->kstack_top =
		(uint64_t)(uintptr_t)t->kstack + (PAGE_SIZE << KSTACK_ORDER);
	t->kernel_sp = arch_prepare_stack(t->kstack_top);
	t->state = THREAD_SLEEPING;
	thread_setup(t);
	return t;

out_free:
	if (t->kstack)
		page_free(t->kstack, KSTACK_ORDER);
	if (t->fpu)
		fpu_area_free(t->fpu);
	kfree(t);
	return NULL;
}

void thread_free(struct thread *t)
{
	if (!list_empty(&t->all_node)) {
		list_del(&t->all_node);
		thread_count--;
	}
	cputime_bury(t);
	if (t == &main_thread)
		return; /* static, its stack is the boot stack */
	sigqueue_clear(&t->sig.queue);
	page_free(t->kstack, KSTACK_ORDER);
	fpu_area_free(t->fpu);
	kfree(t);
}

struct thread *thread_find(int tid)
{
	struct list *pos;

	if (process_has_pid(tid))
		tid = PID;
	list_for_each(pos, &thread_all) {
		struct thread *t = container_of(pos, struct thread, all_node);

		if (t->tid == tid && t->state != THREAD_DEAD)
			return t;
	}
	return NULL;
}

void thread_exit(int status)
{
	struct thread *t = current;
	uint32_t zero = 0;

	if (t == &main_thread) {
		main_gone = true;
		exit_status = status;
	}
	if (thread_count == 1)
		process_exit((main_gone ? exit_status : status) << 8);
	futex_exit_robust_list(t);
	if (t->clear_child_tid &&
	    copy_to_user(t->clear_child_tid, &zero, sizeof(zero)) == 0)
		futex_wake(t->clear_child_tid, 1);
	trace_end(t, status << 8);
	t->state = THREAD_DEAD;
	list_del(&t->all_node);
	thread_count--;
	sched_switch_away();
	kpanic("a dead thread ran");
}

void process_exit(int wait_status)
{
	struct list *pos;

	net_drain();
	console_drain();
	list_for_each(pos, &thread_all)
		trace_end(container_of(pos, struct thread, all_node),
			  wait_status);
	trace_flush();
	kernel_shared->arg[0] = (uint64_t)wait_status;
	arch_doorbell(MF_DB_EXIT);
	kpanic("the monitor returned from exit");
}
