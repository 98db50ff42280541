/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the program of the boot information into the address space. */
#ifndef KERNEL_CORE_EXEC_H
#define KERNEL_CORE_EXEC_H

#include "core/kernel.h"

/* Fills the first thread's frame; panics with the reason if it cannot. */
void exec_program(struct mf_regs *frame);
/* In a copy of a snapshot: new random bytes for AT_RANDOM. */
void exec_resume(void);

#endif
