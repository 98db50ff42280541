/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO: a small shared object every C library and Go look up through
 * AT_SYSINFO_EHDR, so that asking for the time is a function call. It runs as
 * part of the program, reads the monitor's clock page (abi/guest.h), and
 * leaves clocks it does not know to the system call. Linked on its own by
 * vdso.ld and embedded in the kernel's text.
 */
#include <asm/unistd.h>
#include <linux/time_types.h>

#include "abi/guest.h"
#include "arch/x86_64/tsc.h"
#include "vdso/vdso.h"

#define NS_PER_SEC 1000000000ull

/* Clock ids of Linux, linux/time.h. */
enum {
	REALTIME = 0,
	MONOTONIC = 1,
	MONOTONIC_RAW = 4,
	REALTIME_COARSE = 5,
	MONOTONIC_COARSE = 6,
	BOOTTIME = 7,
};

struct vdso_timeval {
	int64_t sec, usec;
};

static uint64_t now_ns(bool real)
{
	const struct mf_shared *sh = (const struct mf_shared *)MF_SHARED_VA;

	return tsc_clock_ns(&sh->clock, real);
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
	uint64_t ns;

	switch (clock) {
	case REALTIME:
	case REALTIME_COARSE:
		ns = now_ns(true);
		break;
	case MONOTONIC:
	case MONOTONIC_RAW:
	case MONOTONIC_COARSE:
	case BOOTTIME:
		ns = now_ns(false);
		break;
	default:
		return (int)tsc_syscall2(__NR_clock_gettime, clock,
					 (uint64_t)(uintptr_t)ts);
	}
	ts->tv_sec = (int64_t)(ns / NS_PER_SEC);
	ts->tv_nsec = (int64_t)(ns % NS_PER_SEC);
	return 0;
}

int __vdso_gettimeofday(struct vdso_timeval *tv, void *zone)
{
	uint64_t ns = now_ns(true);

	if (tv) {
		tv->sec = (int64_t)(ns / NS_PER_SEC);
		tv->usec = (int64_t)(ns % NS_PER_SEC / 1000);
	}
	if (zone)
		*(uint64_t *)zone = 0;
	return 0;
}

int64_t __vdso_time(int64_t *t)
{
	int64_t sec = (int64_t)(now_ns(true) / NS_PER_SEC);

	if (t)
		*t = sec;
	return sec;
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *ts)
{
	return (int)tsc_syscall2(__NR_clock_getres, clock,
				 (uint64_t)(uintptr_t)ts);
}

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	(void)unused;
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}
