/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of threads and of the program, and timers that count it. Such a
 * timer is looked at at every tick and whenever a thread sleeps; while nobody
 * runs it needs no attention, so it never wakes an idle guest.
 */
#ifndef KERNEL_CORE_CPUTIME_H
#define KERNEL_CORE_CPUTIME_H

#include "core/kernel.h"

struct thread;

uint64_t cputime_thread(const struct thread *t); /* ns */
uint64_t cputime_process(void); /* ns, with the threads that have ended */

/* A one-shot callback; runs in kernel context and must not sleep. */
struct cputimer {
	struct list node;
	int tid; /* whose time counts; 0: the program's */
	uint64_t target_ns; /* on that clock */
	void (*fire)(struct cputimer *t);
};

void cputimer_start(struct cputimer *t, uint64_t target_ns);
void cputimer_stop(struct cputimer *t); /* harmless when not running */
/* The clock that t counts; of a thread that has ended, its target. */
uint64_t cputimer_now(const struct cputimer *t);

/* ---- for the scheduler ------------------------------------------------- */

void cputime_bury(const struct thread *t); /* it has ended */
void cputimer_run(void); /* fires what is due */
bool cputimer_any(void);

#endif
