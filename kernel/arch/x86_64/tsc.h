/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the clock page with the time stamp counter; shared by the kernel
 * and the vDSO, which cannot call each other.
 */
#ifndef KERNEL_ARCH_X86_64_TSC_H
#define KERNEL_ARCH_X86_64_TSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/guest.h"

static inline uint64_t tsc_read(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* The realtime or the monotonic clock, ns. */
static inline uint64_t tsc_clock_ns(const struct mf_clock *c, bool real)
{
	uint64_t base, delta, tsc;
	uint32_t seq;

	do {
		seq = atomic_load_explicit(&c->seq, memory_order_acquire);
		tsc = tsc_read();
		delta = tsc > c->tsc ? tsc - c->tsc : 0;
		delta = (uint64_t)(((unsigned __int128)delta * c->mult) >> 32);
		base = real ? c->real_ns : c->mono_ns;
		atomic_thread_fence(memory_order_acquire);
	} while ((seq & 1) ||
		 seq != atomic_load_explicit(&c->seq, memory_order_relaxed));
	return base + delta;
}

/*
 * A system call of two arguments, as a rewritten program makes it. The
 * `syscall` is not reached: it stands where the kernel looks for it.
 */
static inline long tsc_syscall2(long nr, uint64_t a, uint64_t b)
{
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "movabs %[vector], %%r11\n\t"
			 "jmp *%%r11\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), [vector] "i"(MF_SYSCALL_VA)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
