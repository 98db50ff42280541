/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the entry code for an upcall; see core/trap.c. */
#ifndef KERNEL_CORE_TRAP_H
#define KERNEL_CORE_TRAP_H

#include "core/kernel.h"

/* Copies the interrupted registers to the current thread's frame. */
struct mf_regs *upcall_prepare(void);
void upcall_handle(struct mf_regs *r);

#endif
