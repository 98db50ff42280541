/* SPDX-License-Identifier: Apache-2.0 */
/* The stack frame of a signal handler, as Linux x86-64 lays it out. */
#ifndef KERNEL_CORE_SIGFRAME_H
#define KERNEL_CORE_SIGFRAME_H

#include "core/signal.h"

/* stack_t.ss_flags of Linux. */
#define SS_ONSTACK 1
#define SS_DISABLE 2

/*
 * Pushes the frame and points r's stack and arguments at it; rip is left to
 * the caller. mask is what the handler's return restores. 0 or -EFAULT.
 */
int sigframe_push(struct mf_regs *r, const struct ksiginfo *info,
		  const struct ksigaction *a, uint64_t mask);

#endif
