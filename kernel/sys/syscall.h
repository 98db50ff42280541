/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Linux ABI. A handler gets the program's saved registers: arguments are
 * rdi, rsi, rdx, r10, r8, r9; it returns the value for rax. syscalls.def has
 * one row per call; a number without a row is ENOSYS and is logged once.
 */
#ifndef KERNEL_SYS_SYSCALL_H
#define KERNEL_SYS_SYSCALL_H

#include "core/kernel.h"

typedef long (*syscall_fn)(struct mf_regs *r);

#define SYSCALL(nr, name) long sys_##name(struct mf_regs *r);
#include "sys/syscalls.def"
#undef SYSCALL

/* Called by the entry code with the frame of the calling thread. */
void syscall_dispatch(struct mf_regs *r);

#endif
