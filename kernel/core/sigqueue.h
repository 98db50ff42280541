/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that were sent and not yet handled. Of a standard signal (below
 * SIG_RT) one instance is kept, real-time signals queue in order.
 */
#ifndef KERNEL_CORE_SIGQUEUE_H
#define KERNEL_CORE_SIGQUEUE_H

#include "core/kernel.h"

#define SIG_RT	     32
#define SIGQUEUE_MAX 4096 /* RLIMIT_SIGPENDING */
#define SIG_BIT(sig) (1ull << ((sig)-1))

struct ksiginfo {
	int signo;
	int code; /* SI_USER, SEGV_MAPERR, ... */
	int pid; /* of a timer: its id */
	int uid; /* of a timer: its overrun */
	uint64_t value; /* si_addr of a fault, si_value of a queued one */
};

struct sigqueue {
	uint64_t pending; /* bit n-1: at least one of signal n */
	struct list entries; /* oldest first; next NULL: none yet */
	unsigned count;
};

/* 0, or -EAGAIN when a real-time signal finds the queue full. */
int sigqueue_add(struct sigqueue *q, const struct ksiginfo *info);
/* Takes the oldest of one pending signal. */
void sigqueue_take(struct sigqueue *q, int sig, struct ksiginfo *ret);
/* Forgets all of one signal. */
void sigqueue_drop(struct sigqueue *q, int sig);
/* Forgets everything. */
void sigqueue_clear(struct sigqueue *q);

#endif
