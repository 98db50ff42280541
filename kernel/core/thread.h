/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread is. core/sched.c runs them, core/thread.c makes and ends
 * them, core/signal.c owns the `sig` part.
 */
#ifndef KERNEL_CORE_THREAD_H
#define KERNEL_CORE_THREAD_H

#include "arch.h"
#include "core/kernel.h"
#include "core/sched.h"
#include "core/signal.h"
#include "core/time.h"

#define KSTACK_ORDER 2 /* 16 KiB */
#define PID	     1 /* the program is the first process */
#define THREADS_MAX  4096

enum thread_state {
	THREAD_RUNNABLE = 0,
	THREAD_SLEEPING = 1,
	THREAD_DEAD = 2,
};

struct thread_signals {
	uint64_t blocked; /* bit n-1 is signal n */
	struct sigqueue queue; /* directed at this thread */
	uint64_t saved_mask; /* restored on return to the program ... */
	bool restore_mask; /* ... if set, or put into the handler's frame */
	uint64_t stack_base; /* sigaltstack */
	uint64_t stack_size;
	uint32_t stack_flags;
	uint64_t waiting_for; /* rt_sigtimedwait's set */
	uint64_t trap_nr, trap_err, cr2; /* of the last fault */
};

struct thread {
	struct list run_node; /* run queue */
	struct list all_node;
	enum thread_state state;
	bool interruptible; /* signals end this sleep */
	bool timed_out;
	int tid;
	uint64_t kstack_top;
	void *kstack;
	uint64_t kernel_sp; /* while not running */
	uint64_t fs_base, gs_base; /* while not running */
	void *fpu; /* while not running */
	struct ktimer timer; /* deadline of the current sleep */
	bool real_sleep; /* the deadline is one of the realtime clock */
	struct thread_signals sig;
	uint64_t clear_child_tid; /* address of the program, or 0 */
	uint64_t robust_list, robust_list_len;
	uint64_t cpu_ns; /* used so far */
	uint64_t last_ns; /* when it was switched to */
	char name[16];
	uint32_t trace_seq; /* core/trace.c: not 0 while in a traced call */
	uint32_t trace_nr;
	uint64_t trace_cpu_ns;
};

extern struct list thread_all; /* struct thread.all_node */
extern unsigned thread_count;

/*
 * The number that the program sees of itself: PID, and in a copy of a snapshot
 * another one, as in a child of fork(2). Libraries that compare it with the
 * one they have kept draw new random numbers then. The old one is understood
 * still.
 */
extern int process_pid;
bool process_has_pid(int pid);
/* As the program sees it. */
int thread_tid(const struct thread *t);
/* In a copy. */
void thread_resume(void);

/* The first thread, on the boot stack. */
void thread_init(uint64_t kstack_top);
/* A new thread, not yet runnable, with its frame zeroed; NULL: no memory. */
struct thread *thread_new(void);
void thread_free(struct thread *t); /* never ran or is dead */
struct thread *thread_find(int tid);
/* Ends the current thread; the last one ends the program with `status`. */
_Noreturn void thread_exit(int status);
/* Ends the program; status as of wait(2). */
_Noreturn void process_exit(int wait_status);

/* ---- for the scheduler ------------------------------------------------- */

void sched_make_runnable(struct thread *t);
/* Gives the vCPU away until the current thread is runnable again. */
void sched_switch_away(void);
unsigned sched_runnable_count(void);

#endif
