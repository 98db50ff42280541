/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that the kernel makes to its program before a snapshot is taken:
 * what they bring along, compiled code above all, every copy has then.
 */
#ifndef KERNEL_NET_WARMUP_H
#define KERNEL_NET_WARMUP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * All threads wait. True: something was done that one of them may have waited
 * for.
 */
bool warmup_step(void);
/* A request is under way; *ret_deadline_ns is when that is over. */
bool warmup_busy(uint64_t *ret_deadline_ns);

#endif
