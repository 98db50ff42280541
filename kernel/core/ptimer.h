/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers that send a signal, as timer_create(2). Of each timer one signal at
 * most is waiting; expirations meanwhile are counted as its overrun.
 */
#ifndef KERNEL_CORE_PTIMER_H
#define KERNEL_CORE_PTIMER_H

#include "core/kernel.h"

#define PTIMER_MAX 256

struct ptimer_event {
	int signo; /* 0: none is sent */
	int tid; /* to this thread, or 0 to the process */
	uint64_t value; /* si_value */
};

/* The id, or -EAGAIN when there are too many. */
int ptimer_new(int clock, const struct ptimer_event *ev);
/* 0 or -EINVAL for an id that does not exist; so do all that follow. */
int ptimer_delete(int id);
int ptimer_clock(int id);
/* deadline_ns 0 stops it; else monotonic, then every interval_ns if not 0. */
int ptimer_set(int id, uint64_t deadline_ns, uint64_t interval_ns);
/* What is left, 0 when it is stopped. */
int ptimer_get(int id, uint64_t *ret_left_ns, uint64_t *ret_interval_ns);
/* Of the signal that was delivered last. */
int ptimer_overrun(int id);

/* The signal code takes a timer's signal from the queue. */
void ptimer_delivered(int id, int overrun);

#endif
