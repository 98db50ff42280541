/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, sleeping and waking. A thread sleeps on one wait queue, or on
 * none (a plain delay); others wake it. Poll and epoll hang `struct waiter`
 * callbacks on the same queues.
 */
#ifndef KERNEL_CORE_SCHED_H
#define KERNEL_CORE_SCHED_H

#include "core/kernel.h"

struct thread; /* core/thread.h */

extern struct thread *current;

struct waitq {
	struct list waiters; /* struct waiter.node */
};

/* `wake` runs in the waker's context and must not sleep. */
struct waiter {
	struct list node;
	void (*wake)(struct waiter *w);
};

void waitq_init(struct waitq *q);
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_remove(struct waiter *w); /* harmless when not queued */
void waitq_wake_all(struct waitq *q);
/* Wakes the longest-waiting sleeping thread (callbacks all run). */
void waitq_wake_one(struct waitq *q);

/*
 * Sleeps until woken, or until the monotonic clock passes deadline_ns.
 * Returns 0 when woken (look at your condition again: wakes can be
 * spurious), -ETIMEDOUT, or -EINTR when a signal is to be handled.
 * q may be NULL: only the deadline or a signal ends the sleep.
 */
int waitq_sleep(struct waitq *q, uint64_t deadline_ns);
/* The same, not ended by signals. */
int waitq_sleep_uninterruptible(struct waitq *q, uint64_t deadline_ns);

/* Lets other runnable threads go first. */
void sched_yield_now(void);

/* ---- for the entry code ------------------------------------------------ */

void sched_tick(void); /* the time slice is over */
void sched_exit_work(struct mf_regs *r);
void sched_thread_begin(void);

/* True if the current thread has a signal to handle. */
bool signal_pending(void);
/* Sends to the whole process, as kill(2); 0 or -EINVAL. */
int signal_send_process(int sig);

#endif
