/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clock arithmetic for the time system calls and everything with a timeout.
 * All clocks come from two, realtime and monotonic (core/time.h); a deadline
 * is always of the monotonic one.
 */
#include "sys/clock.h"

#include "core/cputime.h"
#include "core/thread.h"
#include "core/time.h"

bool clock_timespec_ok(const struct __kernel_timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 &&
	       (uint64_t)ts->tv_nsec < NS_PER_SEC;
}

uint64_t clock_ns(const struct __kernel_timespec *ts)
{
	if ((uint64_t)ts->tv_sec >= UINT64_MAX / NS_PER_SEC)
		return UINT64_MAX;
	return (uint64_t)ts->tv_sec * NS_PER_SEC + (uint64_t)ts->tv_nsec;
}

void clock_timespec(uint64_t ns, struct __kernel_timespec *ret)
{
	ret->tv_sec = (int64_t)(ns / NS_PER_SEC);
	ret->tv_nsec = (int64_t)(ns % NS_PER_SEC);
}

/*
 * Clocks of a process or thread by its number: the complement of the number
 * in the upper 29 bits, bit 2 for a thread, then which of three CPU times.
 */
#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_KIND	 3
#define CPU_CLOCK_FD	 3 /* no kind: such a number names a device */

int clock_cpu_thread(int clock, int *ret_tid)
{
	int number = (int)((uint32_t)~clock >> 3);
	bool thread = clock & CPU_CLOCK_THREAD;

	if (clock == CLOCK_PROCESS_CPUTIME_ID) {
		*ret_tid = 0;
		return 1;
	}
	if (clock == CLOCK_THREAD_CPUTIME_ID) {
		*ret_tid = current->tid;
		return 1;
	}
	if (clock >= 0)
		return 0;
	if ((clock & CPU_CLOCK_KIND) == CPU_CLOCK_FD)
		return -EINVAL;
	if (!number)
		number = thread ? current->tid : PID;
	if (thread ? !thread_find(number) : !process_has_pid(number))
		return -EINVAL;
	*ret_tid = thread ? number : 0;
	return 1;
}

static int cpu_clock_now(int clock, uint64_t *ret)
{
	int tid, err = clock_cpu_thread(clock, &tid);

	if (err < 0)
		return err;
	if (!err)
		return -EINVAL;
	*ret = tid ? cputime_thread(thread_find(tid)) : cputime_process();
	return 0;
}

bool clock_is_real(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
}

int clock_now(int clock, uint64_t *ret)
{
	if (clock_is_real(clock)) {
		*ret = time_real_ns();
		return 0;
	}
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ret = time_mono_ns();
		return 0;
	default:
		return cpu_clock_now(clock, ret);
	}
}

int clock_deadline(int clock, uint64_t ns, bool absolute, uint64_t *ret)
{
	uint64_t now;
	int err = clock_now(clock, &now);

	if (err)
		return err;
	if (absolute)
		ns = ns > now ? ns - now : 0;
	*ret = time_deadline(ns);
	return 0;
}
