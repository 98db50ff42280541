/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clock arithmetic for the time system calls and everything with a timeout.
 * All clocks come from two, realtime and monotonic (core/time.h); a deadline
 * is always of the monotonic one.
 */
#include "sys/clock.h"

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

static uint64_t thread_cpu(const struct thread *t)
{
	uint64_t ns = t->cpu_ns;

	if (t == current)
		ns += time_mono_ns() - t->last_ns;
	return ns;
}

uint64_t clock_process_cpu(void)
{
	static uint64_t floor; /* threads that ended took their share along */
	uint64_t sum = 0;
	struct list *pos;

	list_for_each(pos, &thread_all)
		sum += thread_cpu(container_of(pos, struct thread, all_node));
	if (sum > floor)
		floor = sum;
	return floor;
}

int clock_now(int clock, uint64_t *ret)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ret = time_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ret = time_mono_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ret = clock_process_cpu();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ret = thread_cpu(current);
		return 0;
	default:
		return -EINVAL;
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
