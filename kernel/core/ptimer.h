/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers: they count a clock and send a signal each time they expire.
 * While that signal waits to be delivered a timer only counts: the delivery
 * tells how many expirations there were beyond the first.
 */
#ifndef KERNEL_CORE_PTIMER_H
#define KERNEL_CORE_PTIMER_H

#include "core/kernel.h"
#include "core/signal.h"

#define PTIMERS_MAX 4096

enum ptimer_clock {
	PTIMER_MONOTONIC,
	PTIMER_REALTIME,
	PTIMER_CPU,
};

struct ptimer_config {
	enum ptimer_clock clock;
	int cpu_tid; /* CPU: whose; 0: the program's */
	int signo; /* 0: no signal */
	int tid; /* who gets it; 0: the process */
	bool own_value; /* the value is the timer's number */
	uint64_t value; /* si_value */
};

struct ptimer_setting {
	uint64_t value_ns; /* until the next expiration; 0: disarmed */
	uint64_t interval_ns;
};

struct ptimer;

/* The number of a new timer, or -EAGAIN. */
int ptimer_new(const struct ptimer_config *c);
struct ptimer *ptimer_find(int id); /* or NULL */
void ptimer_set(struct ptimer *t, bool absolute,
		const struct ptimer_setting *s);
void ptimer_get(const struct ptimer *t, struct ptimer_setting *ret);
/* Expirations that the signal delivered last stood for, beyond one. */
int ptimer_overrun(const struct ptimer *t);
void ptimer_free(struct ptimer *t);

/* For core/signal.c: it takes a timer's signal from its queue. */
void ptimer_delivered(int id, int overrun);

#endif
