/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring client: submits operations to the monitor and hands completions
 * back. Submitting does not leave the guest; everything queued travels when
 * the vCPU next idles, at the next tick, or when the queue is full.
 */
#ifndef KERNEL_DEV_RING_H
#define KERNEL_DEV_RING_H

#include "core/kernel.h"

/* Lives until `done` has run; `done` must not sleep. */
struct ring_op {
	void (*done)(struct ring_op *op, int64_t res);
};

/*
 * Queues *sqe (user_data is overwritten). Never fails. op may be NULL: then
 * nobody hears of the result.
 */
void ring_submit(const struct mf_sqe *sqe, struct ring_op *op);

/* Submits, leaves the guest at once, sleeps until done, returns res. */
int64_t ring_call(const struct mf_sqe *sqe);

/* Runs the callbacks of what has completed; true if there was any. */
bool ring_reap(void);

/* The monitor carries out what is queued; does not wait. */
void ring_kick(void);

/* Idle: leaves the guest until a completion, a signal or the deadline. */
void ring_wait(uint64_t deadline_ns);

/*
 * Something to be submitted as late as possible, so that what the program
 * writes piece by piece travels in one: `prepare` runs once, just before the
 * vCPU leaves the guest, and submits. Deferring twice is harmless.
 */
struct ring_deferred {
	struct list node;
	void (*prepare)(struct ring_deferred *d);
};

void ring_defer(struct ring_deferred *d);
void ring_undefer(struct ring_deferred *d); /* harmless when not deferred */

/*
 * The program asks again and again and nothing is there: from time to time
 * this leaves the guest to look. True if something has completed.
 */
bool ring_spin(void);

/* True if something is queued or deferred. */
bool ring_unsent(void);
/* True if the outside has been asked for data or connections. */
bool ring_expecting(void);
/* The program wants work of the outside that nothing was submitted for. */
void ring_expect(void);

/* Submits everything; true if nothing has completed or is left to submit. */
bool ring_settle(void);
/*
 * In a copy: what was under way is forgotten, its `done` does not run. The
 * owners ask again.
 */
void ring_resume(void);

#endif
