/* SPDX-License-Identifier: Apache-2.0 */
/* Clock ids and timespecs of the program, as deadlines of the kernel. */
#ifndef KERNEL_SYS_CLOCK_H
#define KERNEL_SYS_CLOCK_H

#include <linux/time_types.h>

#include "core/kernel.h"

#define CLOCK_REALTIME		 0
#define CLOCK_MONOTONIC		 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID	 3
#define CLOCK_MONOTONIC_RAW	 4
#define CLOCK_REALTIME_COARSE	 5
#define CLOCK_MONOTONIC_COARSE	 6
#define CLOCK_BOOTTIME		 7
#define CLOCK_REALTIME_ALARM	 8
#define CLOCK_BOOTTIME_ALARM	 9
#define CLOCK_TAI		 11

bool clock_timespec_ok(const struct __kernel_timespec *ts);
/* Saturates at UINT64_MAX. */
uint64_t clock_ns(const struct __kernel_timespec *ts);
void clock_timespec(uint64_t ns, struct __kernel_timespec *ret);

/* The clock's time now; 0 or -EINVAL for a clock that does not exist. */
int clock_now(int clock, uint64_t *ret);
/* Whether its time jumps where a copy of a snapshot begins. */
bool clock_is_real(int clock);
/*
 * A time of `clock` (or, if not absolute, a span from now) as a deadline of
 * the monotonic clock. 0 or -EINVAL.
 */
int clock_deadline(int clock, uint64_t ns, bool absolute, uint64_t *ret);
/*
 * Whether it counts CPU time: 1, and whose (0: the program's) in *ret_tid;
 * 0: it does not; -EINVAL: nobody's.
 */
int clock_cpu_thread(int clock, int *ret_tid);

#endif
