/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, read from the TSC and the clock page without leaving the guest. */
#ifndef KERNEL_CORE_TIME_H
#define KERNEL_CORE_TIME_H

#include "core/kernel.h"

uint64_t time_mono_ns(void); /* never goes back */
uint64_t time_real_ns(void); /* since 1970 */

/* now + delta_ns, saturating at DEADLINE_NEVER. */
uint64_t time_deadline(uint64_t delta_ns);

/* A one-shot callback; runs in kernel context and must not sleep. */
struct ktimer {
	struct list node;
	uint64_t deadline_ns; /* monotonic */
	bool real; /* stands for a moment of the realtime clock */
	void (*fire)(struct ktimer *t);
};

void ktimer_start(struct ktimer *t, uint64_t deadline_ns);
void ktimer_stop(struct ktimer *t); /* harmless when not running */

/* ---- in a copy of a snapshot ------------------------------------------- */

/* Realtime minus monotonic: the same while an instance runs. */
int64_t time_real_offset_ns(void);
/* Realtime has jumped: timers that stand for its moments go along. */
void time_real_jumped(int64_t by_ns);

/* ---- for the scheduler ------------------------------------------------- */

void ktimer_run(void); /* fires what is due */
uint64_t ktimer_next(void); /* the earliest deadline, or DEADLINE_NEVER */

#endif
