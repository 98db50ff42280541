/* SPDX-License-Identifier: Apache-2.0 */
/* Where a program that dies has been called from. */
#ifndef KERNEL_CORE_BACKTRACE_H
#define KERNEL_CORE_BACKTRACE_H

#include "core/kernel.h"

/*
 * What on the stack at `rsp` looks like a return address, the innermost
 * first. `bt` is all zero at first.
 */
void backtrace_fill(struct mf_backtrace *bt, uint64_t rsp);

#endif
