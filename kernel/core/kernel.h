/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every part of the kernel uses: logging, panic, small macros.
 *
 * Conventions of the kernel. One vCPU, not preemptible: kernel code runs
 * until it sleeps (core/sched.h) or returns to the program, so no locks
 * exist. Functions return 0 or a positive result, or a negative errno.
 * Addresses of the program are uint64_t until core/uaccess.h has checked
 * them. The program runs at the same privilege; checks serve correct errno
 * values, the wall is the VM.
 */
#ifndef KERNEL_CORE_KERNEL_H
#define KERNEL_CORE_KERNEL_H

#include <asm-generic/errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/guest.h"
#include "lib/fmt.h"
#include "lib/list.h"
#include "lib/mem.h"

/* Kernel-internal results; never reach the program. */
#define ERESTARTSYS 512 /* -EINTR, or the call is restarted (SA_RESTART) */

#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	 (((x) + ((a)-1)) & ~((uint64_t)(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((uint64_t)(a)-1))
#define min_u64(a, b)	 ((uint64_t)(a) < (uint64_t)(b) ? (a) : (b))
#define max_u64(a, b)	 ((uint64_t)(a) > (uint64_t)(b) ? (a) : (b))
#define likely(x)	 __builtin_expect(!!(x), 1)
#define unlikely(x)	 __builtin_expect(!!(x), 0)
#define PAGE_SIZE	 4096ull
#define NS_PER_SEC	 1000000000ull
#define DEADLINE_NEVER	 UINT64_MAX

#define kernel_boot   ((const struct mf_boot *)MF_BOOT_VA)
#define kernel_shared ((struct mf_shared *)MF_SHARED_VA)
#define kernel_stats  ((struct mf_stats *)MF_STATS_VA)

void log_init(void);

/* One line to the instance's log (not to the program's stderr). */
void klog(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The kernel cannot go on; the text reaches the operator. */
_Noreturn void kpanic(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* For our own bugs only; stays on in release; no side effects inside. */
#define kassert(cond)                                                   \
	do {                                                            \
		if (unlikely(!(cond)))                                  \
			kpanic("%s:%d: assertion failed: %s", __FILE__, \
			       __LINE__, #cond);                        \
	} while (0)

#endif
