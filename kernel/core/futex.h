/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes: sleeping on a word of the program's memory. */
#ifndef KERNEL_CORE_FUTEX_H
#define KERNEL_CORE_FUTEX_H

#include "core/kernel.h"

struct thread;

#define FUTEX_ANY 0xffffffffu /* matches every bit set */

/* 0 when woken, -EAGAIN if *addr is not val, -ETIMEDOUT, -EINTR, -EFAULT. */
int futex_wait(uint64_t addr, uint32_t val, uint32_t bits,
	       uint64_t deadline_ns);
/* Wakes up to count waiters, returns how many. */
int futex_wake(uint64_t addr, int count);
int futex_wake_bits(uint64_t addr, int count, uint32_t bits);
/*
 * Wakes up to `wake` waiters of addr and moves up to `move` more to `to`.
 * Returns both together.
 */
int futex_requeue(uint64_t addr, int wake, uint64_t to, int move);
/* Marks the robust mutexes a thread still holds (set_robust_list(2)). */
void futex_exit_robust_list(struct thread *t);

#endif
